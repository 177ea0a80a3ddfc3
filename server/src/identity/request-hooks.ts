import type { BetterAuthPlugin, GenericEndpointContext } from 'better-auth';
import { createAuthMiddleware, getSessionFromCtx, isAPIError } from 'better-auth/api';
import { isUuid } from '../lib/ids.ts';
import type { Json } from '../lib/json.ts';
import { matchTotp } from './endpoints/step-up-endpoints.ts';
import { hasFactor, mayEnrol, refuse, type EndpointTools } from './endpoint-tools.ts';
import type { IdentityEventType } from './identity-options.ts';
import { finishSetup, useTotpCounter } from './one-time-store.ts';
import { hashToken } from './one-time-token.ts';
import { refusePassword } from './password-hash.ts';
import { findPersonByEmail } from './people-store.ts';
import { findStanding } from './session-store.ts';

type Hooks = NonNullable<BetterAuthPlugin['hooks']>;
type Body = Record<string, unknown>;
/** After an endpoint: its result, or the error it threw. */
type AfterContext = GenericEndpointContext & { context: { returned?: unknown } };

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** What adds or removes a way in. */
const enrolment: ReadonlySet<string> = new Set([
  '/link-social',
  '/passkey/delete-passkey',
  '/passkey/generate-register-options',
  '/passkey/verify-registration',
  '/two-factor/disable',
  '/two-factor/enable',
  '/two-factor/generate-backup-codes',
  '/unlink-account',
]);
/** Open to everybody, and each leaves a challenge in the database. */
const opensDoors: ReadonlySet<string> = new Set([
  '/passkey/generate-authenticate-options',
  '/passkey/verify-authentication',
  '/sign-in/social',
]);
const asksForPassword: ReadonlySet<string> = new Set([
  '/change-password',
  '/two-factor/disable',
  '/two-factor/enable',
  '/two-factor/generate-backup-codes',
]);
const namesPasskey: ReadonlySet<string> = new Set(['/passkey/delete-passkey', '/passkey/update-passkey']);
/** Those whose outcome the audit trail has. */
const audited: ReadonlySet<string> = new Set([
  '/callback/:id',
  '/change-password',
  '/passkey/delete-passkey',
  '/passkey/verify-authentication',
  '/passkey/verify-registration',
  '/sign-in/email',
  '/two-factor/disable',
  '/two-factor/verify-backup-code',
  '/two-factor/verify-totp',
  '/unlink-account',
]);
const secondStep: ReadonlySet<string> = new Set([
  '/two-factor/verify-totp',
  '/two-factor/verify-backup-code',
]);

/** Our rules before better-auth's endpoints, and the audit trail after them. Ours come last, so they see the outcome. */
export function requestHooks(tools: EndpointTools): Hooks {
  const isTheirs = ({ path }: { path?: string }) => path !== undefined && !path.startsWith('/hive/');
  return {
    before: [
      {
        matcher: isTheirs,
        handler: createAuthMiddleware((ctx) => beforeEndpoint(ctx, tools)),
      },
    ],
    after: [
      {
        matcher: ({ path }) => path !== undefined && audited.has(path),
        handler: createAuthMiddleware((ctx) => afterEndpoint(ctx, tools)),
      },
    ],
  };
}

async function beforeEndpoint(ctx: GenericEndpointContext, tools: EndpointTools) {
  const { path } = ctx;
  const body = (ctx.body ?? {}) as Body;
  if (path === '/sign-in/email') await tools.countAttempt(ctx, `email:${text(body['email']).toLowerCase()}`);
  if (opensDoors.has(path)) await tools.countAttempt(ctx);
  if (secondStep.has(path)) return beforeSecondStep(ctx, tools, body);
  if (path === '/sign-in/social' || path === '/link-social') refuseProviderToken(body);
  if (path === '/sign-in/social') return beforeSocial(tools, body);
  if (asksForPassword.has(path)) {
    const { userId } = await tools.requireSession(ctx);
    await tools.countAttempt(ctx, `user:${userId}`);
  }
  if (path === '/change-password') {
    const problem = refusePassword(text(body['newPassword']));
    if (problem) throw refuse('BAD_REQUEST', 'PASSWORD_REFUSED', problem);
    // Whoever had the old password may be signed in with it.
    return { context: { body: { ...body, revokeOtherSessions: true } } };
  }
  if (enrolment.has(path)) await checkEnrolment(ctx, tools, path);
  // The database would refuse to compare it.
  if (namesPasskey.has(path) && !isUuid(text(body['id'])))
    throw refuse('NOT_FOUND', 'PASSKEY_NOT_FOUND', 'You have no passkey with this id.');
  if (path === '/update-user') return { context: { body: { name: checkedName(body['name'], 200) } } };
  if (path === '/passkey/update-passkey') checkedName(body['name'], 100);
  if (path === '/passkey/verify-registration') {
    const name = body['name'] === undefined ? undefined : checkedName(body['name'], 100);
    // Nobody is signed in by enrolling.
    return { context: { body: { ...body, name, createSession: false } } };
  }
  if (path === '/sign-out') {
    const found = await getSessionFromCtx(ctx);
    if (found) await tools.record(ctx, { type: 'sign_out', userId: found.user.id });
  }
  return undefined;
}

function checkedName(name: unknown, most: number): string {
  if (typeof name === 'string' && name.trim() !== '' && name.length <= most) return name.trim();
  throw refuse('BAD_REQUEST', 'VALIDATION', `Send a name of 1 to ${most} characters.`);
}

async function checkEnrolment(ctx: GenericEndpointContext, tools: EndpointTools, path: string) {
  const { sessionId } = await tools.requireSession(ctx);
  const standing = await findStanding(tools.sql, sessionId);
  // better-auth itself asks for the password here.
  const asksItself = path === '/two-factor/enable' && standing?.hasPassword && !hasFactor(standing);
  if (!asksItself && !(standing && mayEnrol(standing))) await tools.requireProof(ctx);
  const removes = path === '/passkey/delete-passkey' || path === '/unlink-account';
  if (!removes || !standing) return;
  const { passkeyCount, hasPassword, linkedCount } = standing;
  if (passkeyCount + (hasPassword ? 1 : 0) + linkedCount <= 1)
    throw refuse(
      'CONFLICT',
      'LAST_CREDENTIAL',
      'This is the only way into the account. Add a passkey or set a password first.',
    );
}

/** The code of somebody who signs in or enrols: counted by account, and each one-time password good for once. */
async function beforeSecondStep(ctx: GenericEndpointContext, tools: EndpointTools, body: Body) {
  const userId = (await getSessionFromCtx(ctx))?.user.id ?? (await userOfChallenge(ctx));
  await tools.countAttempt(ctx, userId === undefined ? undefined : `user:${userId}`);
  if (userId !== undefined && ctx.path === '/two-factor/verify-totp') {
    const counter = await matchTotp(ctx, userId, text(body['code']));
    if (counter !== undefined && !(await useTotpCounter(tools.sql, userId, counter)))
      throw refuse(
        'UNAUTHORIZED',
        'INVALID_CODE',
        'That one-time code was used already. Wait for the next one.',
      );
  }
  // A device is trusted by its session; a second, longer trust would outlive signing it out.
  return { context: { body: { ...body, trustDevice: false, disableSession: false } } };
}

async function userOfChallenge(ctx: GenericEndpointContext): Promise<string | undefined> {
  const cookie = ctx.context.createAuthCookie('two_factor');
  const identifier = await ctx.getSignedCookie(cookie.name, ctx.context.secret);
  if (!identifier) return undefined;
  const challenge = await ctx.context.internalAdapter.findVerificationValue(identifier);
  return challenge?.value;
}

/** Only the redirect to a provider proves that it is this browser that was there. */
function refuseProviderToken(body: Body): void {
  if (body['idToken'] !== undefined)
    throw refuse(
      'BAD_REQUEST',
      'VALIDATION',
      'Tokens of a provider are not accepted here; follow the redirect.',
    );
}

/** An account is made only for who holds an open invitation. */
async function beforeSocial(tools: EndpointTools, body: Body) {
  const invitation = text((body['additionalData'] as Body | undefined)?.['invitation']);
  const hash = invitation ? hashToken(invitation) : undefined;
  const isInvited = hash !== undefined && (await tools.options.members.findInvitation(hash)) !== undefined;
  return {
    context: {
      body: {
        provider: body['provider'],
        callbackURL: text(body['callbackURL']) || '/',
        errorCallbackURL: body['errorCallbackURL'],
        disableRedirect: body['disableRedirect'],
        requestSignUp: isInvited,
        // Kept with the state of the sign-in: the hash, for the token is a secret.
        additionalData: isInvited ? { invitation: hash.toString('hex') } : {},
      },
    },
  };
}

async function afterEndpoint(ctx: AfterContext, tools: EndpointTools) {
  const { path } = ctx;
  const { returned } = ctx.context;
  // A redirect is thrown, too.
  const failed = isAPIError(returned) && returned.statusCode >= 400;
  if (failed) return afterFailure(ctx, tools, path);
  const session = ctx.context.newSession ?? (await getSessionFromCtx(ctx));
  if (!session) return undefined;
  const { user } = session;
  const record = (type: IdentityEventType, detail?: Record<string, Json>) =>
    tools.record(ctx, { type, userId: user.id, ...(detail ? { detail } : {}) });
  if (path === '/passkey/verify-registration') {
    await finishSetup(tools.sql, user.id);
    await record('passkey.added', passkeyDetail(returned));
  }
  if (path === '/passkey/delete-passkey')
    await record('passkey.removed', { passkeyId: text((ctx.body as Body)['id']) });
  if (path === '/two-factor/disable') await record('two_factor.disabled');
  if (path === '/change-password') await record('password.changed');
  if (path === '/unlink-account')
    await record('account.unlinked', { accountId: text((ctx.body as Body)['accountId']) });
  const isSignIn = path === '/sign-in/email' || path === '/passkey/verify-authentication';
  if (!ctx.context.newSession || !(isSignIn || secondStep.has(path) || path === '/callback/:id'))
    return undefined;
  // Enrolling the first one-time password replaces the session of somebody who was signed in already.
  const wasSignedIn = path === '/two-factor/verify-totp' && !(await isChallenge(ctx));
  if (wasSignedIn) await record('two_factor.enabled');
  else
    await tools.record(ctx, {
      type: 'sign_in.succeeded',
      userId: user.id,
      method: text((session.session as Body)['method']),
    });
  return undefined;
}

async function afterFailure(ctx: AfterContext, tools: EndpointTools, path: string) {
  const { returned } = ctx.context;
  // Throttled tries have an event of their own, and say nothing about a secret.
  if (isAPIError(returned) && returned.statusCode === 429) return undefined;
  if (path === '/sign-in/email') {
    const person = await findPersonByEmail(tools.sql, text((ctx.body as Body | undefined)?.['email']));
    await tools.record(ctx, { type: 'sign_in.failed', userId: person?.id, method: 'PASSWORD' });
  }
  if (path === '/passkey/verify-authentication')
    await tools.record(ctx, { type: 'sign_in.failed', method: 'PASSKEY' });
  if (secondStep.has(path)) {
    const userId = (await getSessionFromCtx(ctx))?.user.id ?? (await userOfChallenge(ctx));
    const method = path === '/two-factor/verify-totp' ? 'TOTP' : 'RECOVERY';
    await tools.record(ctx, { type: 'sign_in.failed', userId, method });
  }
  return undefined;
}

async function isChallenge(ctx: GenericEndpointContext): Promise<boolean> {
  const cookie = ctx.context.createAuthCookie('two_factor');
  return Boolean(await ctx.getSignedCookie(cookie.name, ctx.context.secret));
}

/** Not the name, which somebody typed: the trail cannot be changed when they are erased. */
function passkeyDetail(returned: unknown): Record<string, Json> {
  const { id } = (returned ?? {}) as { id?: string };
  return id ? { passkeyId: id } : {};
}

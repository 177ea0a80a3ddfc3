import type { GenericEndpointContext } from 'better-auth';
import { createAuthEndpoint, getSessionFromCtx } from 'better-auth/api';
import { z } from 'zod';
import { baseUrlOf, canUsePasskeys, invalidLink, refuse, type EndpointTools } from '../endpoint-tools.ts';
import { replaceRecoveryCodes } from '../one-time-store.ts';
import { hashToken } from '../one-time-token.ts';
import { hashPassword, refusePassword } from '../password-hash.ts';
import { deletePerson, insertPerson, setPasswordHash } from '../people-store.ts';
import { inIdentityTransaction } from '../transaction.ts';
import { personFields, tokenBody } from './setup-endpoints.ts';

const acceptBody = tokenBody.extend({
  name: personFields.name.optional(),
  email: personFields.email.optional(),
  password: z.string().max(1_000).optional(),
});

/** Joining a workspace by a link, with the account one is signed in with or a new one. */
export function invitationEndpoints(tools: EndpointTools) {
  const { members } = tools.options;
  return {
    hiveInvitationCheck: createAuthEndpoint(
      '/hive/invitation/check',
      { method: 'POST', body: tokenBody },
      async (ctx) => {
        await tools.countAttempt(ctx);
        const found = await members.findInvitation(hashToken(ctx.body.token));
        if (!found) return ctx.json({ valid: false });
        const session = await getSessionFromCtx(ctx);
        return ctx.json({
          valid: true,
          workspaceName: found.workspaceName,
          role: found.role,
          expiresAt: new Date(found.expiresAt).toISOString(),
          needsAccount: !session,
        });
      },
    ),

    hiveInvitationAccept: createAuthEndpoint(
      '/hive/invitation/accept',
      { method: 'POST', body: acceptBody },
      async (ctx) => {
        await tools.countAttempt(ctx);
        const tokenHash = hashToken(ctx.body.token);
        if (!(await members.findInvitation(tokenHash))) throw invalidLink();
        const session = await getSessionFromCtx(ctx);
        const joined = session
          ? { user: session.user, recoveryCodes: undefined }
          : await createAccount(ctx, tools, ctx.body);
        const { user, recoveryCodes } = joined;
        const outcome = await members.acceptInvitation(tokenHash, user.id);
        if (outcome === 'GONE') {
          // Somebody else was faster with the same link: the account made for it belongs to nothing.
          if (!session) await deletePerson(tools.sql, user.id);
          throw invalidLink();
        }
        if (!session) await tools.signIn(ctx, user.id, { method: 'INVITATION', provenAt: new Date() });
        await tools.record(ctx, {
          type: 'invitation.accepted',
          userId: user.id,
          ...(session ? {} : { method: 'INVITATION' }),
          detail: { outcome },
        });
        return ctx.json({
          outcome,
          user: { id: user.id, name: user.name, email: user.email },
          ...(recoveryCodes ? { recoveryCodes } : {}),
        });
      },
    ),
  };
}

async function createAccount(
  ctx: GenericEndpointContext,
  tools: EndpointTools,
  { name, email, password }: z.output<typeof acceptBody>,
) {
  if (name === undefined || email === undefined)
    throw refuse('BAD_REQUEST', 'ACCOUNT_NEEDED', 'Send a name and an e-mail address, or sign in first.');
  if (password === undefined && !canUsePasskeys(baseUrlOf(ctx)))
    throw refuse(
      'BAD_REQUEST',
      'PASSWORD_REQUIRED',
      'Browsers make no passkeys on this page: it is neither https under a name nor localhost. Choose a password.',
    );
  const problem = password === undefined ? undefined : refusePassword(password);
  if (problem) throw refuse('BAD_REQUEST', 'PASSWORD_REFUSED', problem);
  const hash = password === undefined ? undefined : await hashPassword(password);
  return inIdentityTransaction(tools.options.pool, async (sql) => {
    const user = await insertPerson(sql, { name, email });
    // Says that the address is known, but only to who holds an invitation, and only as often as the limit allows: nothing
    // else could be answered, since with a free address the account is made.
    if (!user)
      throw refuse(
        'CONFLICT',
        'SIGN_IN_FIRST',
        'No account can be made with this address. If it is yours, sign in and open the link again.',
      );
    if (hash) await setPasswordHash(sql, user.id, hash);
    return { user, recoveryCodes: await replaceRecoveryCodes(sql, user.id) };
  });
}

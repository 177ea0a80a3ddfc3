import { passkey } from '@better-auth/passkey';
import { betterAuth, type BetterAuthOptions, type BetterAuthPlugin } from 'better-auth';
import { APIError, isAPIError } from 'better-auth/api';
// One by one: the index of all plugins would take 5 MB for those we have not.
import { genericOAuth } from 'better-auth/plugins/generic-oauth';
import { jwt } from 'better-auth/plugins/jwt';
import { twoFactor } from 'better-auth/plugins/two-factor';
import { Kysely, PostgresDialect } from 'kysely';
import type { Sql } from '../stores/sql.ts';
import { coreSchema, passkeySchema, twoFactorSchema } from './auth-schema.ts';
import { databaseHooks } from './database-hooks.ts';
import { addressHeader, createEndpointTools, type EndpointTools } from './endpoint-tools.ts';
import { invitationEndpoints } from './endpoints/invitation-endpoints.ts';
import { pairingEndpoints } from './endpoints/pairing-endpoints.ts';
import { recoveryEndpoints } from './endpoints/recovery-endpoints.ts';
import { serviceTokenEndpoint } from './endpoints/service-token-endpoint.ts';
import { sessionEndpoints } from './endpoints/session-endpoints.ts';
import { setupEndpoints } from './endpoints/setup-endpoints.ts';
import { stepUpEndpoints } from './endpoints/step-up-endpoints.ts';
import { basePath } from './entry-guard.ts';
import type { IdentityOptions } from './identity-options.ts';
import { hashPassword, passwordLength, verifyPassword } from './password-hash.ts';
import { plainTypesPool } from './plain-types-pool.ts';
import { requestHooks } from './request-hooks.ts';
import { derivedSecrets } from './secret-keys.ts';
import { serviceKeyOptions } from './service-keys.ts';
import { cookiePrefix } from './signed-cookies.ts';

export interface AuthInstance {
  handler(request: Request): Promise<Response>;
  /** Whether every provider that is configured can be used: one that was not reachable when this was made is left out. */
  isComplete: boolean;
}

/**
 * better-auth for one origin: the id that passkeys belong to, the names of cookies and the addresses of redirects follow
 * from it, and better-auth fixes them when an instance is made.
 * @param withProviders asks the OpenID provider where it answers; without, it cannot be signed in with
 */
export async function createAuthInstance(
  options: IdentityOptions,
  sql: Sql,
  baseUrl: string,
  withProviders: boolean,
): Promise<AuthInstance> {
  const oidc = withProviders ? await reachableProvider(options) : undefined;
  const auth = betterAuth(authOptions(options, sql, baseUrl, oidc));
  // Made at once, so that what is wrong with it fails here.
  const context = await auth.$context;
  const isMissing = withProviders && options.oauth.oidc !== undefined;
  return {
    handler: (request) => auth.handler(request),
    isComplete: !isMissing || context.socialProviders.some(({ id }) => id === 'oidc'),
  };
}

/** Exported for the test that compares the schema. */
export function authOptions(
  options: IdentityOptions,
  sql: Sql,
  baseUrl: string,
  oidc?: IdentityOptions['oauth']['oidc'],
) {
  const isHttps = baseUrl.startsWith('https:');
  const tools = createEndpointTools(options, sql);
  const dialect = new PostgresDialect({ pool: plainTypesPool(options.pool) });
  return {
    appName: 'Agent Hive',
    baseURL: baseUrl,
    basePath,
    secrets: derivedSecrets(options.secretKeys),
    database: {
      db: new Kysely<unknown>({ dialect }),
      type: 'postgres',
      schemaName: 'identity',
      transaction: true,
    },
    emailAndPassword: {
      enabled: true,
      disableSignUp: true,
      minPasswordLength: passwordLength.min,
      maxPasswordLength: passwordLength.max,
      password: { hash: hashPassword, verify: verifyPassword },
    },
    ...coreSchema,
    session: {
      ...coreSchema.session,
      expiresIn: options.sessionDays * 86_400,
      updateAge: 3_600,
      // Our own rule decides when somebody may enrol credentials (mayEnrol).
      freshAge: 0,
      // Revoking a session has to end it at once.
      cookieCache: { enabled: false },
    },
    account: {
      ...coreSchema.account,
      encryptOAuthTokens: true,
      accountLinking: {
        enabled: true,
        // Of the same address, when both sides verified it; by hand, in the settings, whatever the address is.
        requireLocalEmailVerified: true,
        allowDifferentEmails: true,
        updateUserInfoOnLink: false,
        // It counts linked accounts only; checkEnrolment counts passkeys and the password as well.
        allowUnlinkingAll: true,
      },
    },
    ...socialProviders(options),
    plugins: plugins(options, tools, oidc),
    databaseHooks: databaseHooks(tools),
    trustedOrigins: (request?: Request) => {
      const origin = request?.headers.get('origin');
      return origin && options.isTrustedOrigin(origin) ? [baseUrl, origin] : [baseUrl];
    },
    onAPIError: {
      errorURL: `${baseUrl}/sign-in`,
      // Without this better-auth writes to the console. What is no refusal is thrown on, and logged where it is answered.
      onError: (error) => {
        if (!isAPIError(error)) throw error;
        if (error.statusCode >= 500)
          options.log.error({ component: 'better-auth', error }, 'identity failed');
      },
    },
    // Ours counts by account too, and in Redis when there is one.
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
    logger: {
      // What it calls errors is mostly bad input; what fails by our fault is logged above.
      log: (_level, message) => options.log.debug({ component: 'better-auth' }, String(message)),
    },
    advanced: {
      cookiePrefix: cookiePrefix(baseUrl),
      // The prefix is ours, __Host-: stricter than the __Secure- of better-auth.
      useSecureCookies: false,
      defaultCookieAttributes: { secure: isHttps, httpOnly: true, sameSite: 'lax', path: '/' },
      // Said aloud: under a test runner better-auth would switch these checks off.
      disableCSRFCheck: false,
      disableOriginCheck: false,
      ipAddress: { ipAddressHeaders: [addressHeader], ipv6Subnet: 128 },
      // A test compares it with the migration; at each start it would read the whole catalogue.
      database: { generateId: 'uuid', validateSchema: false },
    },
  } as const satisfies BetterAuthOptions;
}

function plugins(
  options: IdentityOptions,
  tools: EndpointTools,
  oidc: IdentityOptions['oauth']['oidc'],
): BetterAuthPlugin[] {
  return [
    passkey({
      rpName: 'Agent Hive',
      schema: passkeySchema,
      advanced: { webAuthnChallengeCookie: 'passkey' },
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      registration: {
        afterVerification: ({ verification }) => {
          assertUserVerified(verification.registrationInfo?.userVerified);
        },
      },
      authentication: {
        // It is the only factor of such a sign-in, so having the device must not be enough.
        afterVerification: ({ verification }) => {
          assertUserVerified(verification.authenticationInfo.userVerified);
        },
      },
    }),
    twoFactor({
      issuer: 'Agent Hive',
      schema: twoFactorSchema,
      allowPasswordless: true,
      twoFactorCookieMaxAge: 600,
    }),
    ...(oidc ? [openIdProvider(oidc)] : []),
    jwt(serviceKeyOptions(options.serviceIssuer)),
    // The last: its hooks see what the others made of a request.
    hivePlugin(tools),
  ];
}

function assertUserVerified(verified: boolean | undefined): void {
  if (verified) return;
  throw new APIError('UNAUTHORIZED', {
    code: 'USER_NOT_VERIFIED',
    message:
      'The passkey was used without fingerprint, face or PIN. Set one up on the device or key, and try again.',
  });
}

function hivePlugin(tools: EndpointTools) {
  return {
    id: 'hive',
    endpoints: {
      ...setupEndpoints(tools),
      ...pairingEndpoints(tools),
      ...recoveryEndpoints(tools),
      ...invitationEndpoints(tools),
      ...sessionEndpoints(tools),
      ...stepUpEndpoints(tools),
      ...serviceTokenEndpoint(tools),
    },
    hooks: requestHooks(tools),
  } satisfies BetterAuthPlugin;
}

function socialProviders({ oauth: { github, google } }: IdentityOptions) {
  // Signing up takes an invitation: see beforeSocial.
  const only = { disableImplicitSignUp: true };
  return {
    socialProviders: {
      ...(github ? { github: { ...github, ...only } } : {}),
      ...(google ? { google: { ...google, ...only } } : {}),
    },
  };
}

function openIdProvider(oidc: NonNullable<IdentityOptions['oauth']['oidc']>) {
  return genericOAuth({
    config: [
      {
        providerId: 'oidc',
        name: oidc.name,
        discoveryUrl: discoveryUrl(oidc.issuer),
        clientId: oidc.clientId,
        clientSecret: oidc.clientSecret,
        scopes: ['openid', 'email', 'profile'],
        pkce: true,
        requireIdTokenVerification: true,
        disableImplicitSignUp: true,
        // Signing out of the hive is not signing out of everything else.
        disableProviderLogout: true,
      },
    ],
  });
}

const discoveryUrl = (issuer: string) => `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;

/** better-auth asks without a time limit; a provider that hangs must not take the sign-in page with it. */
async function reachableProvider({ oauth: { oidc }, log }: IdentityOptions) {
  if (!oidc) return undefined;
  try {
    const response = await fetch(discoveryUrl(oidc.issuer), { signal: AbortSignal.timeout(5_000) });
    await response.body?.cancel();
    if (response.ok) return oidc;
    log.warn({ issuer: oidc.issuer, status: response.status }, 'the OpenID provider did not answer as one');
  } catch (error) {
    log.warn({ issuer: oidc.issuer, error }, 'the OpenID provider is not reachable');
  }
  return undefined;
}

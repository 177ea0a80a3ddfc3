import {
  generateAuthenticationOptions,
  verifyAuthenticationResponse,
  type AuthenticationResponseJSON,
} from '@simplewebauthn/server';
import type { GenericEndpointContext } from 'better-auth';
import { createAuthEndpoint } from 'better-auth/api';
import { symmetricDecrypt } from 'better-auth/crypto';
import { z } from 'zod';
import { baseUrlOf, refuse, stepUpSeconds, type EndpointTools, type SignedIn } from '../endpoint-tools.ts';
import { useTotpCounter } from '../one-time-store.ts';
import { markSteppedUp } from '../session-store.ts';
import { findTotpCounter } from '../totp.ts';

const challengeMinutes = 5;

interface PasskeyRow {
  id: string;
  userId: string;
  credentialID: string;
  publicKey: string;
  counter: number;
  transports?: string | null;
}

interface TwoFactorRow {
  secret: string;
  verified?: boolean | null;
}

const base64url = z.string().regex(/^[A-Za-z0-9_-]+={0,2}$/);
const passkeyBody = z.object({
  response: z.object({
    id: base64url,
    rawId: base64url,
    type: z.literal('public-key'),
    response: z.object({
      clientDataJSON: base64url,
      authenticatorData: base64url,
      signature: base64url,
      userHandle: z.string().nullish(),
    }),
    clientExtensionResults: z.record(z.string(), z.unknown()).default({}),
    authenticatorAttachment: z.string().nullish(),
  }),
});
const totpBody = z.object({ code: z.string().min(6).max(12) });

/** A passkey or one-time password used in a session that is open already, for what is dangerous. */
export function stepUpEndpoints(tools: EndpointTools) {
  const { sql } = tools;

  async function succeed(ctx: GenericEndpointContext, session: SignedIn, method: string) {
    const at = await markSteppedUp(sql, session.sessionId);
    await tools.record(ctx, { type: 'step_up.succeeded', userId: session.userId, method });
    return ctx.json({ steppedUpUntil: new Date(at + stepUpSeconds * 1_000).toISOString() });
  }

  async function fail(ctx: GenericEndpointContext, userId: string, method: string, message: string) {
    await tools.record(ctx, { type: 'step_up.failed', userId, method });
    return refuse('UNAUTHORIZED', 'STEP_UP_FAILED', message);
  }

  return {
    hiveStepUpOptions: createAuthEndpoint('/hive/step-up/options', { method: 'POST' }, async (ctx) => {
      const { sessionId, userId } = await tools.requireSession(ctx);
      const passkeys = await findPasskeys(ctx, userId);
      if (passkeys.length === 0)
        throw refuse('BAD_REQUEST', 'NO_PASSKEY', 'This account has no passkey. Add one in the settings.');
      const options = await generateAuthenticationOptions({
        rpID: new URL(baseUrlOf(ctx)).hostname,
        userVerification: 'required',
        allowCredentials: passkeys.map(({ credentialID }) => ({ id: credentialID })),
      });
      const adapter = ctx.context.internalAdapter;
      // The last one asked for counts.
      await adapter.deleteVerificationByIdentifier(challengeOf(sessionId));
      await adapter.createVerificationValue({
        identifier: challengeOf(sessionId),
        value: options.challenge,
        expiresAt: new Date(Date.now() + challengeMinutes * 60_000),
      });
      return ctx.json(options);
    }),

    hiveStepUpPasskey: createAuthEndpoint(
      '/hive/step-up/passkey',
      { method: 'POST', body: passkeyBody },
      async (ctx) => {
        const session = await tools.requireSession(ctx);
        await tools.countAttempt(ctx, `user:${session.userId}`);
        // Taken before it is looked at: a challenge is good for one try.
        const challenge = await ctx.context.internalAdapter.consumeVerificationValue(
          challengeOf(session.sessionId),
        );
        const response = ctx.body.response as AuthenticationResponseJSON;
        const passkeys = await findPasskeys(ctx, session.userId);
        const passkey = passkeys.find(({ credentialID }) => credentialID === response.id);
        const counter =
          challenge && passkey ? await verifyPasskey(ctx, passkey, challenge.value, response) : undefined;
        if (counter === undefined || !passkey)
          throw await fail(
            ctx,
            session.userId,
            'PASSKEY',
            'The passkey could not be verified. Try once more.',
          );
        await ctx.context.adapter.update({
          model: 'passkey',
          where: [{ field: 'id', value: passkey.id }],
          update: { counter },
        });
        return succeed(ctx, session, 'PASSKEY');
      },
    ),

    hiveStepUpTotp: createAuthEndpoint(
      '/hive/step-up/totp',
      { method: 'POST', body: totpBody },
      async (ctx) => {
        const session = await tools.requireSession(ctx);
        await tools.countAttempt(ctx, `user:${session.userId}`);
        const counter = await matchTotp(ctx, session.userId, ctx.body.code);
        if (counter === undefined || !(await useTotpCounter(sql, session.userId, counter)))
          throw await fail(
            ctx,
            session.userId,
            'TOTP',
            'That one-time code is wrong, or was used already. Wait for the next one.',
          );
        return succeed(ctx, session, 'TOTP');
      },
    ),
  };
}

/** The time step a one-time password is of. Undefined: none, or this person uses none. */
export async function matchTotp(
  ctx: GenericEndpointContext,
  userId: string,
  code: string,
): Promise<number | undefined> {
  const row = await ctx.context.adapter.findOne<TwoFactorRow>({
    model: 'twoFactor',
    where: [{ field: 'userId', value: userId }],
  });
  if (!row) return undefined;
  const secret = await symmetricDecrypt({ key: ctx.context.secretConfig, data: row.secret });
  // While it is being enrolled, only the enrolment itself may use it.
  if (row.verified === false && ctx.path !== '/two-factor/verify-totp') return undefined;
  return findTotpCounter(secret, code, Date.now());
}

const challengeOf = (sessionId: string) => `step-up:${sessionId}`;

function findPasskeys(ctx: GenericEndpointContext, userId: string): Promise<PasskeyRow[]> {
  return ctx.context.adapter.findMany<PasskeyRow>({
    model: 'passkey',
    where: [{ field: 'userId', value: userId }],
  });
}

/** @returns the authenticator's new counter, or undefined when the answer is not genuine */
async function verifyPasskey(
  ctx: GenericEndpointContext,
  passkey: PasskeyRow,
  challenge: string,
  response: AuthenticationResponseJSON,
): Promise<number | undefined> {
  const baseUrl = baseUrlOf(ctx);
  try {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response,
      expectedChallenge: challenge,
      // The entry let only origins of ours through.
      expectedOrigin: ctx.headers?.get('origin') ?? baseUrl,
      expectedRPID: new URL(baseUrl).hostname,
      requireUserVerification: true,
      credential: {
        id: passkey.credentialID,
        publicKey: new Uint8Array(Buffer.from(passkey.publicKey, 'base64')),
        counter: Number(passkey.counter),
      },
    });
    return verified ? authenticationInfo.newCounter : undefined;
  } catch (error) {
    ctx.context.logger.debug('A passkey was not verified.', error);
    return undefined;
  }
}

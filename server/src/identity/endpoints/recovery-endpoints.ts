import { createAuthEndpoint } from 'better-auth/api';
import { z } from 'zod';
import { hasFactor, refuse, type EndpointTools } from '../endpoint-tools.ts';
import { replaceRecoveryCodes, useRecoveryCode } from '../one-time-store.ts';
import { hashPassword, refusePassword, verifyPassword } from '../password-hash.ts';
import { findPersonByEmail, setPasswordHash } from '../people-store.ts';
import { findStanding, markProven, revokeSessions } from '../session-store.ts';
import { inIdentityTransaction } from '../transaction.ts';

const recoverBody = z.object({ email: z.string().trim().min(1).max(254), code: z.string().min(1).max(100) });
const passwordBody = z.object({ password: z.string().min(1).max(1_000) });

/** For who lost the usual way in, and for who wants another one. */
export function recoveryEndpoints(tools: EndpointTools) {
  const { sql, options } = tools;
  return {
    hiveRecover: createAuthEndpoint('/hive/recover', { method: 'POST', body: recoverBody }, async (ctx) => {
      const { email, code } = ctx.body;
      await tools.countAttempt(ctx, `email:${email.toLowerCase()}`);
      const used = await useRecoveryCode(sql, email, code);
      if (!used) {
        const person = await findPersonByEmail(sql, email);
        await tools.record(ctx, { type: 'sign_in.failed', userId: person?.id, method: 'RECOVERY' });
        throw refuse(
          'UNAUTHORIZED',
          'INVALID_RECOVERY_CODE',
          'The e-mail address and the recovery code do not fit together, or the code was used before.',
        );
      }
      const { userId, left } = used;
      await tools.signIn(ctx, userId, { method: 'RECOVERY', provenAt: new Date() });
      await tools.record(ctx, {
        type: 'recovery.used',
        userId,
        method: 'RECOVERY',
        detail: { codesLeft: left },
      });
      return ctx.json({ recovered: true, codesLeft: left });
    }),

    hiveRecoveryCodes: createAuthEndpoint('/hive/recovery-codes', { method: 'POST' }, async (ctx) => {
      const { session } = await tools.requireProof(ctx);
      const { userId } = session;
      const recoveryCodes = await inIdentityTransaction(options.pool, (transaction) =>
        replaceRecoveryCodes(transaction, userId),
      );
      await tools.record(ctx, { type: 'recovery.codes_replaced', userId });
      return ctx.json({ recoveryCodes });
    }),

    /** Sets a password without the old one: for who has none, or came by a recovery code. All other devices sign in anew. */
    hivePassword: createAuthEndpoint(
      '/hive/password',
      { method: 'POST', body: passwordBody },
      async (ctx) => {
        const { session } = await tools.requireProof(ctx);
        const problem = refusePassword(ctx.body.password);
        if (problem) throw refuse('BAD_REQUEST', 'PASSWORD_REFUSED', problem);
        await setPasswordHash(sql, session.userId, await hashPassword(ctx.body.password));
        const revoked = await revokeSessions(sql, session.userId, { except: session.sessionId });
        await tools.record(ctx, {
          type: 'password.changed',
          userId: session.userId,
          detail: { sessionsRevoked: revoked },
        });
        return ctx.json({ changed: true, sessionsRevoked: revoked });
      },
    ),

    /** The password again, for who has no second factor: it opens the same ten minutes that signing in does. */
    hiveConfirm: createAuthEndpoint('/hive/confirm', { method: 'POST', body: passwordBody }, async (ctx) => {
      const { userId, sessionId } = await tools.requireSession(ctx);
      await tools.countAttempt(ctx, `user:${userId}`);
      const standing = await findStanding(sql, sessionId);
      if (!standing || hasFactor(standing))
        throw refuse(
          'FORBIDDEN',
          'STEP_UP_REQUIRED',
          'You have a passkey or one-time codes: confirm with one of those.',
        );
      const account = await ctx.context.internalAdapter.findCredentialAccount(userId);
      const hash = account?.password;
      if (!hash || !(await verifyPassword({ hash, password: ctx.body.password }))) {
        await tools.record(ctx, { type: 'step_up.failed', userId, method: 'PASSWORD' });
        throw refuse('UNAUTHORIZED', 'INVALID_PASSWORD', 'That is not the password of this account.');
      }
      await markProven(sql, sessionId);
      return ctx.json({ confirmed: true });
    }),
  };
}

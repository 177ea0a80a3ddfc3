import { createAuthEndpoint, getSessionFromCtx } from 'better-auth/api';
import { z } from 'zod';
import {
  baseUrlOf,
  canUsePasskeys,
  isSecureContext,
  localHeader,
  refuse,
  type EndpointTools,
} from '../endpoint-tools.ts';
import { listSessions, revokeSessions } from '../session-store.ts';

const revokeBody = z.object({ id: z.uuid() });

/** What the sign-in page may know, and the devices somebody is signed in on. */
export function sessionEndpoints(tools: EndpointTools) {
  const { sql, options } = tools;
  const { github, google, oidc } = options.oauth;
  return {
    hiveStatus: createAuthEndpoint('/hive/status', { method: 'GET' }, async (ctx) => {
      const [hasOwner, session] = await Promise.all([options.members.hasOwner(), getSessionFromCtx(ctx)]);
      const baseUrl = baseUrlOf(ctx);
      return ctx.json({
        hasOwner,
        signedIn: session !== null,
        local: ctx.headers?.get(localHeader) === 'yes',
        // Of a page under this address: where false, browsers offer neither install nor push nor passkeys.
        secureContextHint: isSecureContext(baseUrl),
        methods: {
          password: true,
          passkey: canUsePasskeys(baseUrl),
          github: github !== undefined,
          google: google !== undefined,
          oidc: oidc?.name ?? null,
        },
        publicUrl: options.publicUrl ?? null,
      });
    }),

    hiveSessions: createAuthEndpoint('/hive/sessions', { method: 'GET' }, async (ctx) => {
      const { userId, sessionId } = await tools.requireSession(ctx);
      const sessions = await listSessions(sql, userId);
      return ctx.json(sessions.map((session) => ({ ...session, current: session.id === sessionId })));
    }),

    hiveSessionsRevoke: createAuthEndpoint(
      '/hive/sessions/revoke',
      { method: 'POST', body: revokeBody },
      async (ctx) => {
        const { userId } = await tools.requireSession(ctx);
        // Only among one's own: somebody else's id is as unknown as one that never was.
        if ((await revokeSessions(sql, userId, { only: ctx.body.id })) === 0)
          throw refuse('NOT_FOUND', 'NOT_FOUND', `You have no session with the id ${ctx.body.id}.`);
        await tools.record(ctx, { type: 'session.revoked', userId, detail: { sessionId: ctx.body.id } });
        return ctx.json({ revoked: 1 });
      },
    ),

    hiveSessionsRevokeOthers: createAuthEndpoint(
      '/hive/sessions/revoke-others',
      { method: 'POST' },
      async (ctx) => {
        const { userId, sessionId } = await tools.requireSession(ctx);
        const revoked = await revokeSessions(sql, userId, { except: sessionId });
        if (revoked > 0)
          await tools.record(ctx, { type: 'session.revoked', userId, detail: { count: revoked } });
        return ctx.json({ revoked });
      },
    ),
  };
}

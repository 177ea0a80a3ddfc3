import { createAuthEndpoint } from 'better-auth/api';
import { renderSVG } from 'uqr';
import { z } from 'zod';
import { baseUrlOf, invalidLink, isLoopback, stepUpSeconds, type EndpointTools } from '../endpoint-tools.ts';
import { claimPairing, createPairing, findPairing, setPairedSession } from '../one-time-store.ts';
import { listSessions } from '../session-store.ts';
import { tokenBody } from './setup-endpoints.ts';

const claimBody = tokenBody.extend({ deviceName: z.string().trim().min(1).max(100).optional() });

/** A device that is signed in shows a code; the one that reads it is signed in as the same person. */
export function pairingEndpoints(tools: EndpointTools) {
  const { sql, options } = tools;
  return {
    hivePairStart: createAuthEndpoint('/hive/pair/start', { method: 'POST' }, async (ctx) => {
      const { userId, sessionId } = await tools.requireSession(ctx);
      const { token, expiresAt } = await createPairing(sql, userId, sessionId);
      await tools.record(ctx, { type: 'device.pairing_started', userId });
      const here = baseUrlOf(ctx);
      // A phone cannot open a loopback address of this machine; where people reach the hive, it can.
      const base = options.publicUrl ?? (isLoopback(here) ? options.phoneUrl?.() : undefined) ?? here;
      const url = `${base}/pair#token=${token}`;
      return ctx.json({
        url,
        token,
        expiresAt: expiresAt.toISOString(),
        /** Whether another device can open it at all. */
        reachable: !isLoopback(base),
        svg: renderSVG(url, { ecc: 'M', border: 2 }),
      });
    }),

    hivePairClaim: createAuthEndpoint(
      '/hive/pair/claim',
      { method: 'POST', body: claimBody },
      async (ctx) => {
        await tools.countAttempt(ctx);
        const claimed = await claimPairing(sql, ctx.body.token);
        if (!claimed) throw invalidLink();
        const { id, userId, steppedUpAt } = claimed;
        const { deviceName } = ctx.body;
        // Whoever has just stepped up on the first device may enrol a passkey on this one. To step up is not passed on: a
        // link that somebody photographed must not do what is dangerous.
        const isFresh = steppedUpAt !== null && Date.now() - steppedUpAt < stepUpSeconds * 1_000;
        const sessionId = await tools.signIn(ctx, userId, {
          method: 'PAIRING',
          ...(deviceName ? { deviceName } : {}),
          ...(isFresh ? { provenAt: new Date() } : {}),
        });
        await setPairedSession(sql, id, sessionId);
        await tools.record(ctx, {
          type: 'device.paired',
          userId,
          method: 'PAIRING',
          // Not the name of the device, which somebody typed: the trail cannot be changed when they are erased.
          detail: { sessionId },
        });
        return ctx.json({ claimed: true });
      },
    ),

    hivePairState: createAuthEndpoint(
      '/hive/pair/state',
      { method: 'POST', body: tokenBody },
      async (ctx) => {
        const { userId } = await tools.requireSession(ctx);
        const pairing = await findPairing(sql, ctx.body.token, userId);
        if (pairing?.isOpen) return ctx.json({ state: 'WAITING' });
        if (!pairing?.isClaimed) return ctx.json({ state: 'EXPIRED' });
        const sessions = await listSessions(sql, userId);
        const session = sessions.find(({ id }) => id === pairing.sessionId);
        return ctx.json({ state: 'CLAIMED', ...(session ? { session } : {}) });
      },
    ),
  };
}

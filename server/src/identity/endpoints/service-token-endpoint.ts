import { createAuthEndpoint } from 'better-auth/api';
import { signJWT } from 'better-auth/plugins/jwt';
import { refuse, type EndpointTools } from '../endpoint-tools.ts';
import { serviceKeyOptions } from '../service-keys.ts';
import { serviceTokenMinutes } from '../service-token.ts';

/** Exchanges an API key for a token that other programs can check by our published keys, without the key itself. */
export function serviceTokenEndpoint(tools: EndpointTools) {
  const { members, serviceIssuer } = tools.options;
  return {
    hiveServiceToken: createAuthEndpoint('/hive/service-token', { method: 'POST' }, async (ctx) => {
      const presented = /^Bearer (\S{1,200})$/i.exec(ctx.headers?.get('authorization') ?? '')?.[1];
      await tools.countAttempt(ctx, presented === undefined ? undefined : `key:${presented}`);
      const key = presented === undefined ? undefined : await members.verifyApiKey(presented);
      if (!key) {
        await tools.record(ctx, { type: 'service_token.refused' });
        throw refuse(
          'UNAUTHORIZED',
          'UNAUTHENTICATED',
          'Send a valid API key as `Authorization: Bearer hive_…`. This one is unknown, revoked or expired.',
        );
      }
      const issuedAt = Math.floor(Date.now() / 1_000);
      const expiresAt = issuedAt + serviceTokenMinutes * 60;
      const token = await signJWT(ctx, {
        options: serviceKeyOptions(serviceIssuer),
        payload: { iat: issuedAt, exp: expiresAt, sub: key.keyId, jti: crypto.randomUUID() },
      });
      await tools.record(ctx, { type: 'service_token.issued', detail: { keyId: key.keyId } });
      return ctx.json({ token, expiresAt: new Date(expiresAt * 1_000).toISOString() });
    }),
  };
}

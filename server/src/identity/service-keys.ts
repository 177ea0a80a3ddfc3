import type { JwtOptions } from 'better-auth/plugins/jwt';
import { jwksSchema } from './auth-schema.ts';
import { serviceKeyGraceSeconds, serviceKeyRotationSeconds } from './service-token.ts';

/** Of better-auth's keys: EdDSA, replaced every month, private halves encrypted. */
export function serviceKeyOptions(issuer: string): JwtOptions {
  return {
    schema: jwksSchema,
    // A session is a cookie; nobody gets it as a token as well.
    disableSettingJwtHeader: true,
    jwks: {
      keyPairConfig: { alg: 'EdDSA', crv: 'Ed25519' },
      rotationInterval: serviceKeyRotationSeconds,
      gracePeriod: serviceKeyGraceSeconds,
    },
    jwt: { issuer, audience: issuer },
  };
}

import type { BetterAuthOptions } from 'better-auth';

const snake = (name: string) => name.replace(/[A-Z]+/g, (letters) => `_${letters.toLowerCase()}`);

function columns<Name extends string>(...names: Name[]): Record<Name, string> {
  return Object.fromEntries(names.map((name) => [name, snake(name)])) as Record<Name, string>;
}

/** Columns of migration 0004 for better-auth's own models. */
export const coreSchema = {
  user: {
    fields: columns('emailVerified', 'createdAt', 'updatedAt'),
    additionalFields: {
      erasedAt: { type: 'date', required: false, input: false, returned: false, fieldName: 'erased_at' },
    },
  },
  session: {
    fields: columns('userId', 'expiresAt', 'ipAddress', 'userAgent', 'createdAt', 'updatedAt'),
    additionalFields: {
      method: { type: 'string', required: false, input: false },
      deviceName: { type: 'string', required: false, input: false, fieldName: 'device_name' },
      steppedUpAt: { type: 'date', required: false, input: false, fieldName: 'stepped_up_at' },
      provenAt: { type: 'date', required: false, input: false, fieldName: 'proven_at' },
    },
  },
  account: {
    fields: columns(
      'userId',
      'accountId',
      'providerId',
      'accessToken',
      'refreshToken',
      'idToken',
      'accessTokenExpiresAt',
      'refreshTokenExpiresAt',
      'createdAt',
      'updatedAt',
    ),
  },
  verification: { fields: columns('expiresAt', 'createdAt', 'updatedAt') },
} as const satisfies Pick<BetterAuthOptions, 'user' | 'session' | 'account' | 'verification'>;

export const passkeySchema = {
  passkey: {
    fields: columns('publicKey', 'userId', 'credentialID', 'deviceType', 'backedUp', 'createdAt'),
  },
};

export const twoFactorSchema = {
  user: { fields: columns('twoFactorEnabled') },
  twoFactor: {
    modelName: 'two_factor',
    fields: columns('userId', 'backupCodes', 'failedVerificationCount', 'lockedUntil'),
  },
};

export const jwksSchema = {
  jwks: { fields: columns('publicKey', 'privateKey', 'createdAt', 'expiresAt') },
};

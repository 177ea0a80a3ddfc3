import { createIdentity, type Identity } from '../../identity/identity.ts';
import { createMembershipPorts } from '../../identity/membership-ports.ts';
import { createLog } from '../start-log.ts';
import type { OpenHive } from './open-hive.ts';

/** The identity service without its endpoints: for the links and resets of this machine's administrator. */
export function openIdentity(hive: OpenHive): Identity {
  const { config, database, sql, transaction, homeWorkspaceId, record } = hive;
  const { server, identity } = config;
  return createIdentity({
    pool: database.systemPool,
    secretKeys: hive.openKeyring().secretKeys(),
    sessionDays: identity.sessionDays,
    serviceIssuer: server.publicUrl ?? hive.url,
    publicUrl: server.publicUrl,
    oauth: {},
    // It answers no requests.
    isTrustedOrigin: () => false,
    throttle: () => Promise.resolve({ allowed: false, retryAfterMs: 0 }),
    onEvent: ({ type, userId }) =>
      record({
        action: type,
        detail: { by: 'hive admin' },
        ...(userId === undefined ? {} : { subjectType: 'user', subjectId: userId }),
      }),
    members: createMembershipPorts({
      ...{ systemSql: sql, inSystemTransaction: transaction, homeWorkspaceId },
      onChanged: () => undefined,
    }),
    log: createLog('error'),
  });
}

import { builder } from '../builder.ts';
import type { Retention } from '../context.ts';

const forEver = 'null for ever';
const RetentionType = builder.objectRef<Retention>('Retention').implement({
  description: 'How long the hive keeps what happened. Set by whoever runs it, for all workspaces.',
  fields: (t) => ({
    eventDays: t.exposeInt('eventDays', {
      nullable: true,
      description: `Days that events are kept (HIVE_EVENT_RETENTION_DAYS); ${forEver}.`,
    }),
    auditDays: t.exposeInt('auditDays', {
      nullable: true,
      description: `Days that entries of the audit trail are kept (HIVE_AUDIT_RETENTION_DAYS); ${forEver}.`,
    }),
    addressDays: t.exposeInt('addressDays', {
      description:
        'Days that addresses and devices in the audit trail are kept (HIVE_ADDRESS_RETENTION_DAYS).',
    }),
    sessionDays: t.exposeInt('sessionDays', {
      description: 'Days without use after which a session ends (HIVE_SESSION_DAYS).',
    }),
  }),
});

builder.queryField('retention', (t) =>
  t.field({
    type: RetentionType,
    description: 'How long what happened is kept.',
    resolve: (_, __, { deps }) => deps.retention(),
  }),
);

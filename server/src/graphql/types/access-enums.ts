import type { ActorKind, Role } from '../../engines/security/actor.ts';
import type { RefusalReason } from '../../engines/security/decide.ts';
import { builder } from '../builder.ts';
import type { AuditActorKind, AuditOutcome } from '../../stores/audit-store.ts';
import type { ProjectAccess } from '../../entities/membership.ts';
import { described } from './enums.ts';

export const RoleType = builder.enumType('Role', {
  description: 'What a member or a key may do; each role can do what the ones after it can.',
  values: described<Role>({
    OWNER: 'Everything, owners and secrets included.',
    ADMIN: 'Members below owner, agents, projects, keys, secrets and the audit trail.',
    OPERATOR: 'Goals, tasks and decisions; pausing and resuming agents.',
    VIEWER: 'Reading.',
  }),
});

export const ProjectAccessType = builder.enumType('ProjectAccess', {
  description: 'Which projects a member has access to.',
  values: described<ProjectAccess>({
    ALL: 'Every project of the workspace, and what belongs to none.',
    GRANTED: 'Only those of its grants; everything else about projects is out of sight.',
  }),
});

export const ActorKindType = builder.enumType('ActorKind', {
  description: 'What kind of caller acts.',
  values: described<ActorKind>({
    USER: 'A person who is signed in.',
    API_KEY: 'A program with an API key.',
    SERVICE: 'A program with a short-lived token that it exchanged a key for.',
    LOCAL: 'Whoever is at the machine itself, while the hive has no owner yet.',
  }),
});

export const RefusalReasonType = builder.enumType('RefusalReason', {
  description: 'Why something is not allowed.',
  values: described<RefusalReason>({
    WORKSPACE: 'It belongs to another workspace.',
    PROJECT: 'It is outside the projects that the actor has access to.',
    ROLE: 'The role is too low; an owner or admin can change it.',
    RANK: 'It is about a member of the same rank or above, or would give a higher role than one’s own.',
    SCOPE: 'The scopes of the key do not include it.',
    PEOPLE_ONLY: 'Programs may not do it, whatever their role.',
    STEP_UP: 'It asks for a passkey or one-time code used in the last five minutes.',
  }),
});

export const AuditActorKindType = builder.enumType('AuditActorKind', {
  description: 'What kind of caller is on record.',
  values: described<AuditActorKind>({
    USER: 'A person who was signed in.',
    API_KEY: 'A program with an API key.',
    SERVICE: 'A program with a short-lived token that it exchanged a key for.',
    LOCAL: 'Whoever was at the machine itself, before the hive had an owner.',
    SYSTEM: 'The hive, by itself.',
    ANONYMOUS: 'Somebody who was not recognised.',
  }),
});

export const AuditOutcomeType = builder.enumType('AuditOutcome', {
  description: 'How an audited attempt ended.',
  values: described<AuditOutcome>({
    ALLOWED: 'It was allowed and done.',
    DENIED: 'The actor may not do it; nothing was changed.',
    FAILED: 'It did not come about, for example a sign-in with a wrong password.',
  }),
});

import {
  ForbiddenError,
  IdempotencyConflictError,
  InvalidStateError,
  NotFoundError,
  ValidationError,
  type DomainError,
  type FieldProblem,
} from '../../lib/errors.ts';
import type { RefusalReason } from '../../engines/security/decide.ts';
import { builder } from '../builder.ts';
import { UnavailableError } from '../errors.ts';
import { idTypes, encodeId } from '../ids.ts';
import { RefusalReasonType } from './access-enums.ts';
import { ErrorCodeType } from './enums.ts';

export const ErrorInterface = builder.interfaceRef<DomainError>('Error').implement({
  description: 'An expected failure of a mutation. Branch on `code`; show `message`.',
  fields: (t) => ({
    code: t.field({
      type: ErrorCodeType,
      description: 'Stable code to branch on.',
      resolve: (error) => error.code,
    }),
    message: t.exposeString('message', {
      description: 'For people: names the value and what would change it.',
    }),
  }),
});

const FieldErrorType = builder.objectRef<FieldProblem>('FieldError').implement({
  description: 'One refused field of the input.',
  fields: (t) => ({
    path: t.exposeString('path', { description: 'Place in the input, for example `nodes[2].dependsOn[0]`.' }),
    message: t.exposeString('message', { description: 'What the field must be, for people.' }),
    value: t.string({
      nullable: true,
      description: 'The refused value, shortened to 200 characters; null when it is absent or no scalar.',
      resolve: (problem) => problem.value ?? null,
    }),
  }),
});

builder.objectType(ValidationError, {
  name: 'ValidationError',
  description: 'The input breaks a rule; nothing was changed.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    fields: t.field({
      type: [FieldErrorType],
      description: 'Every refused field, at least one.',
      resolve: (error) => [...error.fields],
    }),
  }),
});

builder.objectType(NotFoundError, {
  name: 'NotFoundError',
  description: 'Something the input names does not exist in this workspace.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    id: t.id({ description: 'The global id that was asked for.', resolve: (error) => globalIdOf(error) }),
  }),
});

builder.objectType(InvalidStateError, {
  name: 'InvalidStateError',
  description: 'The subject is in a state that does not allow the action.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    currentStatus: t.exposeString('currentStatus', {
      description:
        'The status it is in, of GoalStatus, TaskStatus or AgentStatus; elsewhere a word for it, such as LAST_OWNER.',
    }),
  }),
});

builder.objectType(ForbiddenError, {
  name: 'ForbiddenError',
  description: 'Whoever asks may not do this; nothing was changed.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    reason: t.field({
      type: RefusalReasonType,
      description: 'Which rule refused it; STEP_UP is the one that the person can lift alone.',
      resolve: (error) => error.reason as RefusalReason,
    }),
    action: t.exposeString('action', {
      description: 'What was refused, for example `agent.retire`; `viewer.permissions` lists them all.',
    }),
  }),
});

builder.objectType(IdempotencyConflictError, {
  name: 'IdempotencyConflictError',
  description: 'The idempotency key was used before with another input.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    idempotencyKey: t.exposeString('idempotencyKey', { description: 'The key that was sent.' }),
  }),
});

builder.objectType(UnavailableError, {
  name: 'UnavailableError',
  description:
    'Nothing is wrong with the request; the same one, with the same idempotency key, may succeed later. Its code is UNAVAILABLE, TIMEOUT, LIMIT_EXCEEDED or RATE_LIMITED.',
  interfaces: [ErrorInterface],
});

function globalIdOf(error: NotFoundError): string {
  const type = idTypes.find(
    (candidate) => candidate.toLowerCase() === error.type.replaceAll(' ', '').toLowerCase(),
  );
  return type && !error.id.includes(':') ? encodeId(type, error.id) : error.id;
}

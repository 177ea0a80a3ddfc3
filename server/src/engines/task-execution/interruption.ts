import { DomainError } from '../../lib/errors.ts';

/** Why a running attempt was told to stop; the reason of its abort signal. */
export type InterruptionKind = 'CANCELED' | 'LEASE_LOST' | 'SHUTDOWN' | 'TIMEOUT';

const messages: { readonly [kind in InterruptionKind]: string } = {
  CANCELED: 'The task was canceled.',
  LEASE_LOST: 'Another process has taken this task over.',
  SHUTDOWN: 'The server is shutting down; the task goes on elsewhere or after the restart.',
  TIMEOUT: 'The attempt ran into its time limit.',
};

export class Interruption extends DomainError {
  readonly kind: InterruptionKind;
  constructor(kind: InterruptionKind, message: string = messages[kind]) {
    super(kind === 'TIMEOUT' ? 'TIMEOUT' : 'UNAVAILABLE', message, { retryable: true });
    this.kind = kind;
  }
}

/** A step that is not idempotent was started by an earlier attempt, and nobody knows whether it had its effect. */
export class UncertainStep extends DomainError {
  readonly stepId: string;
  constructor(stepId: string, name: string) {
    super(
      'INVALID_STATE',
      `The step ${name} may or may not have taken effect before its process stopped. Decide whether to repeat it.`,
    );
    this.stepId = stepId;
  }
}

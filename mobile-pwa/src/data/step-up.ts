import { AuthProblem } from './auth-problem.ts';
import { asRecord } from './viewer.ts';

/** STEP_UP asks for a passkey or one-time code, CONFIRM, of who has neither, for the password. */
export type Proof = 'STEP_UP' | 'CONFIRM';

/**
 * Does something that may ask the person to confirm who they are: if it does, asks for a passkey or a one-time code and
 * does it once more. A person who declines gets the first answer, a refusal that says what was missing.
 *
 * Understood as asking: an AuthProblem that is thrown with code STEP_UP or CONFIRM_REQUIRED, and a GraphQL result, urql's
 * or plain data, with a ForbiddenError for the reason STEP_UP.
 */
export async function withStepUp<T>(action: () => Promise<T>): Promise<T> {
  try {
    const answer = await action();
    return asksForStepUp(answer) && (await confirmIdentity('STEP_UP')) ? await action() : answer;
  } catch (error) {
    const proof = proofAskedBy(error);
    if (!proof || !(await confirmIdentity(proof))) throw error;
    return action();
  }
}

/** @returns whether the person has confirmed who they are */
export async function confirmIdentity(proof: Proof = 'STEP_UP'): Promise<boolean> {
  const { HiveStepUp } = await import('../components/hive-step-up.ts');
  return HiveStepUp.ask(proof);
}

function proofAskedBy(error: unknown): Proof | undefined {
  if (!(error instanceof AuthProblem)) return undefined;
  if (error.code === 'STEP_UP') return 'STEP_UP';
  return error.code === 'CONFIRM_REQUIRED' ? 'CONFIRM' : undefined;
}

/** Whether an answer is a refusal that a confirmation would turn round. */
export function asksForStepUp(answer: unknown): boolean {
  const result = asRecord(answer);
  if (!result) return false;
  if (result['reason'] === 'STEP_UP') return true;
  const { graphQLErrors } = asRecord(result['error']) ?? {};
  const errors = Array.isArray(graphQLErrors) ? graphQLErrors : [];
  if (errors.some((error) => asRecord(asRecord(error)?.['extensions'])?.['reason'] === 'STEP_UP'))
    return true;
  return [result, asRecord(result['data']) ?? {}].some((data) =>
    Object.values(data).some((field) => asRecord(field)?.['reason'] === 'STEP_UP'),
  );
}

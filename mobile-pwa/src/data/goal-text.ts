/** The server's own limit; checked here so that nobody waits for a refusal that is certain. */
export const MAX_GOAL_CHARACTERS = 20_000;

/** Why a goal cannot be dispatched as it is, in the person's words; undefined when it can. */
export function goalProblem(text: string): string | undefined {
  if (text.trim() === '') return 'Say what you want to know or have done.';
  if (text.length <= MAX_GOAL_CHARACTERS) return undefined;
  const over = text.length - MAX_GOAL_CHARACTERS;
  return `This is ${over.toLocaleString()} characters longer than a goal may be (${MAX_GOAL_CHARACTERS.toLocaleString()}).`;
}

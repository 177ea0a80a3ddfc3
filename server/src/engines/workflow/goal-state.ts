import type { GoalStatus } from '../../entities/goal.ts';

/** Every move a goal can make; the statements that move goals guard the same with `where status …`. */
export const goalTransitions: { readonly [from in GoalStatus]: readonly GoalStatus[] } = {
  PLANNING: ['AWAITING_ACCEPTANCE', 'RUNNING', 'FAILED', 'CANCELED'],
  AWAITING_ACCEPTANCE: ['RUNNING', 'CANCELED'],
  RUNNING: ['SUCCEEDED', 'FAILED', 'CANCELED'],
  SUCCEEDED: [],
  // replaying the dead letter it failed on sets it going again, in the phase it failed in
  FAILED: ['RUNNING', 'PLANNING'],
  CANCELED: [],
};

export function canMoveGoal(from: GoalStatus, to: GoalStatus): boolean {
  return goalTransitions[from].includes(to);
}

/** The statuses from which a goal may move to `to`. */
export function goalSources(to: GoalStatus): GoalStatus[] {
  return (Object.keys(goalTransitions) as GoalStatus[]).filter((from) => canMoveGoal(from, to));
}

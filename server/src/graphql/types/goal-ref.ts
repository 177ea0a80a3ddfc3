import type { Goal } from '../../entities/goal.ts';
import { builder } from '../builder.ts';

/** Apart from its fields, because tasks and runs refer back to it. */
export const GoalType = builder.objectRef<Goal>('Goal');

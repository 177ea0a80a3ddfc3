import type { Task } from '../../entities/task.ts';
import { builder } from '../builder.ts';

/** Apart from its fields, because goals and agents refer back to it. */
export const TaskType = builder.objectRef<Task>('Task');

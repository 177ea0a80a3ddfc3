import type { Agent } from '../../entities/agent.ts';
import { builder } from '../builder.ts';

/** Apart from its fields, because tasks and crews refer back to it. */
export const AgentType = builder.objectRef<Agent>('Agent');

import { lexicographicSortSchema, printSchema, type GraphQLSchema } from 'graphql';
import { builder } from './builder.ts';
import './types/scalars.ts';
import './types/errors.ts';
import './types/node.ts';
import './types/agent.ts';
import './types/goal.ts';
import './types/task.ts';
import './types/event.ts';
import './types/health.ts';
import './types/memory.ts';
import './types/member.ts';
import './types/invitation.ts';
import './types/api-key.ts';
import './types/audit.ts';
import './types/retention.ts';
import './types/secret.ts';
import './types/viewer.ts';

/** The executable schema. Its printed form is the committed `schema/schema.graphql`. */
export const schema: GraphQLSchema = builder.toSchema({ sortSchema: false });

/** Sorted, so that the order of modules changes nothing. */
export function printedSchema(): string {
  return `${printSchema(lexicographicSortSchema(schema))}\n`;
}

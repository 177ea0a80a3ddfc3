import { actions, rules, type Action, type Rule } from './rules.ts';

/** Whether one of the scopes allows the action: `*`, the action itself, `noun.*` or `*.verb`. */
export function isInScope(scopes: readonly string[], action: Action): boolean {
  return scopes.some((scope) => matches(scope, action));
}

function matches(scope: string, action: Action): boolean {
  return (
    scope === '*' ||
    scope === action ||
    (scope.endsWith('.*') && action.startsWith(scope.slice(0, -1))) ||
    (scope.startsWith('*.') && action.endsWith(scope.slice(1)))
  );
}

const forPrograms = actions.filter((action) => !(rules[action] as Rule).peopleOnly);
const shape = /^(\*|\*\.[a-zA-Z]+|[a-z]+\.(\*|[a-zA-Z]+))$/;

/** What is wrong with a scope of a new key, ending "must …"; undefined when a program with it could do something. */
export function scopeProblem(scope: string): string | undefined {
  if (shape.test(scope) && forPrograms.some((action) => matches(scope, action))) return undefined;
  if (shape.test(scope) && actions.some((action) => matches(scope, action)))
    return `must be something programs may do: ${scope} is for people who are signed in`;
  const near = nearest(scope);
  return `must be an action such as ${near}, or a pattern such as ${near.split('.')[0]}.*, *.read or *`;
}

/** An action about the same thing, else any. */
function nearest(scope: string): Action {
  const noun = scope.split('.')[0]!;
  return forPrograms.find((action) => action.startsWith(`${noun}.`)) ?? 'task.create';
}

import type { Action } from '../engines/security/rules.ts';
import { mayIn } from './authorise.ts';
import type { LogEvent, Scope } from './context.ts';

/**
 * What reading events about something asks for, by the part of their type before the dot. What happens in projects is for
 * whoever may read events; which projects, the database decides.
 */
const eventActions: Readonly<Record<string, Action>> = {
  goal: 'event.read',
  task: 'event.read',
  workflow_run: 'event.read',
  project: 'event.read',
  agent: 'event.read',
  crew: 'event.read',
  workspace: 'workspace.read',
  member: 'member.read',
  invitation: 'invitation.read',
  key: 'key.read',
  secret: 'secret.read',
};
/** Of whatever is not in the table. */
const otherwise: Action = 'audit.read';

/** Whether the actor may see an event, decided once for each kind of subject. */
export function eventSight(scope: Scope): (event: Pick<LogEvent, 'type'>) => boolean {
  const decided = new Map<string, boolean>();
  return ({ type }) => {
    const kind = type.slice(0, type.indexOf('.'));
    let visible = decided.get(kind);
    if (visible === undefined) {
      visible = mayIn(scope, eventActions[kind] ?? otherwise);
      decided.set(kind, visible);
    }
    return visible;
  };
}

/** The events of a live log that the actor may see. */
export async function* visibleEvents(
  events: AsyncIterable<LogEvent>,
  scope: Scope,
): AsyncGenerator<LogEvent, void, undefined> {
  const isVisible = eventSight(scope);
  for await (const event of events) if (isVisible(event)) yield event;
}

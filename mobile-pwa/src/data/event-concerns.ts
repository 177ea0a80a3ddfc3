import type { HiveEvent } from './live-events.ts';

/** Whether an event may have changed what a goal's page shows beyond what the event itself brought into the cache. */
export function concernsGoal(event: Pick<HiveEvent, 'subjectId' | 'subject'>, goalId: string): boolean {
  if (event.subjectId === goalId) return true;
  const { subject } = event;
  return subject?.__typename === 'Task' && subject.goal?.id === goalId && subject.statusOfTask !== 'RUNNING';
}

/** What the audit page shows, as it stands in the address. Empty text means no condition. */
export interface AuditFilter {
  text: string;
  /** A group of actions, by the noun they begin with: `member`, `key`. */
  group: string;
  outcome: string;
  /** Global id of a person. */
  person: string;
  period: string;
}

export const ACTION_GROUPS: readonly { value: string; label: string }[] = [
  { value: 'sign_in', label: 'Sign-ins' },
  { value: 'session', label: 'Ended sessions' },
  { value: 'device', label: 'Paired devices' },
  { value: 'step_up', label: 'Confirmations' },
  { value: 'password', label: 'Passwords' },
  { value: 'recovery', label: 'Recovery codes' },
  { value: 'setup', label: 'Setting up' },
  { value: 'member', label: 'Members' },
  { value: 'invitation', label: 'Invitations' },
  { value: 'key', label: 'API keys' },
  { value: 'service_token', label: 'Tokens of keys' },
  { value: 'secret', label: 'Secrets' },
  { value: 'workspace', label: 'Workspaces' },
  { value: 'person', label: 'Personal data' },
  { value: 'audit', label: 'Audit trail' },
  { value: 'goal', label: 'Goals' },
  { value: 'task', label: 'Tasks' },
  { value: 'decision', label: 'Decisions' },
  { value: 'agent', label: 'Agents' },
  { value: 'project', label: 'Projects' },
];

export const OUTCOMES: readonly { value: string; label: string }[] = [
  { value: 'ALLOWED', label: 'Done' },
  { value: 'DENIED', label: 'Refused' },
  { value: 'FAILED', label: 'Failed' },
];

export const PERIODS: readonly { value: string; label: string; days: number }[] = [
  { value: 'today', label: 'Today', days: 0 },
  { value: '7d', label: 'Last 7 days', days: 7 },
  { value: '30d', label: 'Last 30 days', days: 30 },
];

/** Takes only what the page offers: an address may say anything. */
export function readAuditFilter(search: string): AuditFilter {
  const query = new URLSearchParams(search);
  const known = (name: string, options: readonly { value: string }[]) => {
    const value = query.get(name) ?? '';
    return options.some((option) => option.value === value) ? value : '';
  };
  return {
    text: (query.get('text') ?? '').slice(0, 200),
    group: known('about', ACTION_GROUPS),
    outcome: known('outcome', OUTCOMES),
    person: query.get('person') ?? '',
    period: known('period', PERIODS),
  };
}

export function writeAuditFilter(filter: AuditFilter): string {
  const query = new URLSearchParams();
  const { text, group, outcome, person, period } = filter;
  for (const [name, value] of Object.entries({ text, about: group, outcome, person, period }))
    if (value !== '') query.set(name, value);
  const search = query.toString();
  return search === '' ? '' : `?${search}`;
}

export interface AuditWhere {
  text?: string;
  action?: string;
  outcome?: 'ALLOWED' | 'DENIED' | 'FAILED';
  actorId?: string;
  since?: string;
}

/** The same as the server wants it. A period begins at midnight, so that the question stays the same all day. */
export function whereOf(filter: AuditFilter, nowMs: number): AuditWhere | null {
  const where: AuditWhere = {};
  if (filter.text.trim() !== '') where.text = filter.text.trim();
  if (filter.group !== '') where.action = `${filter.group}.*`;
  if (filter.outcome === 'ALLOWED' || filter.outcome === 'DENIED' || filter.outcome === 'FAILED')
    where.outcome = filter.outcome;
  if (filter.person !== '') where.actorId = filter.person;
  const period = PERIODS.find(({ value }) => value === filter.period);
  if (period) {
    const start = new Date(nowMs);
    start.setHours(0, 0, 0, 0);
    start.setDate(start.getDate() - period.days);
    where.since = start.toISOString();
  }
  return Object.keys(where).length === 0 ? null : where;
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto', style: 'short' });

/** "now", "3 min. ago", "yesterday". */
export function formatAge(at: string | number, nowMs: number): string {
  const elapsedMs = Math.max(0, nowMs - new Date(at).getTime());
  if (elapsedMs < 45 * SECOND_MS) return 'just now';
  if (elapsedMs < 59.5 * MINUTE_MS)
    return relative.format(-Math.max(1, Math.round(elapsedMs / MINUTE_MS)), 'minute');
  if (elapsedMs < 23.5 * HOUR_MS)
    return relative.format(-Math.max(1, Math.round(elapsedMs / HOUR_MS)), 'hour');
  return relative.format(-Math.max(1, Math.round(elapsedMs / DAY_MS)), 'day');
}

/** "14:02" today, "19 Nov, 14:02" before. */
export function formatMoment(at: string | number, nowMs: number): string {
  const date = new Date(at);
  const time = date.toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  if (date.toDateString() === new Date(nowMs).toDateString()) return time;
  return `${date.toLocaleDateString(undefined, { day: 'numeric', month: 'short' })}, ${time}`;
}

/** "40 ms", "0.4 s", "12 s", "3 min 05 s", "2 h 10 min". */
export function formatDuration(durationMs: number): string {
  const ms = Math.max(0, durationMs);
  if (ms < 100) return `${Math.round(ms)} ms`;
  if (ms < 9_950) return `${(ms / SECOND_MS).toFixed(1)} s`;
  if (ms < MINUTE_MS) return `${Math.floor(ms / SECOND_MS)} s`;
  const pad = (value: number) => String(value).padStart(2, '0');
  if (ms < HOUR_MS) {
    const seconds = Math.floor((ms % MINUTE_MS) / SECOND_MS);
    return `${Math.floor(ms / MINUTE_MS)} min${seconds > 0 ? ` ${pad(seconds)} s` : ''}`;
  }
  return `${Math.floor(ms / HOUR_MS)} h ${pad(Math.floor((ms % HOUR_MS) / MINUTE_MS))} min`;
}

/** Time from start to end, or to now while it runs; null before the start. */
export function elapsedMs(startedAt: string | null, finishedAt: string | null, nowMs: number): number | null {
  if (startedAt === null) return null;
  const endMs = finishedAt === null ? nowMs : new Date(finishedAt).getTime();
  return Math.max(0, endMs - new Date(startedAt).getTime());
}

/** "812 B", "1.4 kB", "26 MB". */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1_000 && unit < units.length - 1) {
    value /= 1_000;
    unit++;
  }
  return `${unit === 0 || value >= 10 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** Micro-dollars as money; tiny sums keep enough digits to be more than zero. */
export function formatCost(microUsd: number): string {
  const usd = microUsd / 1_000_000;
  if (usd === 0) return '$0';
  return usd < 0.01 ? `$${usd.toFixed(4)}` : `$${usd.toFixed(2)}`;
}

export function formatCount(count: number, one: string, many: string = `${one}s`): string {
  return `${count.toLocaleString()} ${count === 1 ? one : many}`;
}

/** "src/hub/pump.ts:12–40" */
export function formatPlace(path: string, startLine: number | null, endLine: number | null): string {
  if (startLine === null) return path;
  return endLine === null || endLine === startLine
    ? `${path}:${startLine}`
    : `${path}:${startLine}–${endLine}`;
}

/** "in 3 days", "in 5 hr."; "expired" once it is past. */
export function formatUntil(at: string | number, nowMs: number): string {
  const leftMs = new Date(at).getTime() - nowMs;
  if (leftMs <= 0) return 'expired';
  if (leftMs < 59.5 * MINUTE_MS)
    return relative.format(Math.max(1, Math.round(leftMs / MINUTE_MS)), 'minute');
  if (leftMs < 47.5 * HOUR_MS) return relative.format(Math.round(leftMs / HOUR_MS), 'hour');
  return relative.format(Math.round(leftMs / DAY_MS), 'day');
}

/** "19 Nov 2026" */
export function formatDay(at: string | number): string {
  return new Date(at).toLocaleDateString(undefined, { day: 'numeric', month: 'short', year: 'numeric' });
}

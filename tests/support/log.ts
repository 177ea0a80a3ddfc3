import type { Logger } from '../../server/src/lib/log.ts';

const nothing = () => {};

export const silentLog: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };

export interface RecordedLine {
  level: 'debug' | 'info' | 'warn' | 'error';
  fields: Record<string, unknown>;
  message: string;
}

/** A log that keeps its lines for assertions. */
export function recordingLog(): Logger & { lines: RecordedLine[] } {
  const lines: RecordedLine[] = [];
  const at = (level: RecordedLine['level']) => (first: unknown, second?: unknown) => {
    const fields = typeof first === 'object' && first !== null ? (first as Record<string, unknown>) : {};
    lines.push({
      level,
      fields,
      message: typeof first === 'string' ? first : typeof second === 'string' ? second : '',
    });
  };
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') } as Logger & {
    lines: RecordedLine[];
  };
}

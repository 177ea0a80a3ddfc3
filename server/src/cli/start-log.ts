import { hostname } from 'node:os';
import { Writable } from 'node:stream';
import { pino, type Logger as PinoLogger } from 'pino';

const names: Readonly<Record<number, string>> = { 20: 'debug', 30: 'info', 40: 'warn', 50: 'error' };

/** JSON lines to standard error; on a terminal short lines for people instead. */
export function createLog(level: string): PinoLogger {
  if (!process.stderr.isTTY)
    return pino(
      { level, base: { pid: process.pid, hostname: hostname() } },
      pino.destination({ dest: 2, sync: false }),
    );
  const short = new Writable({
    write(chunk: Buffer, _encoding, done) {
      process.stderr.write(`${shortLine(chunk.toString())}\n`);
      done();
    },
  });
  return pino({ level, base: null }, short);
}

/** `14:02:07 warn  text  name=value …`, with an error's stack below. */
export function shortLine(json: string): string {
  try {
    const { level, time, msg, err, ...fields } = JSON.parse(json) as {
      level: number;
      time: number;
      msg?: string;
      err?: { stack?: string };
    };
    const pairs = Object.entries(fields).map(
      ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
    );
    const line = [
      new Date(time).toTimeString().slice(0, 8),
      (names[level] ?? 'log').padEnd(5),
      msg ?? '',
      pairs.join(' '),
    ];
    return line.join(' ').trimEnd() + (err?.stack ? `\n${err.stack}` : '');
  } catch {
    return json.trimEnd();
  }
}

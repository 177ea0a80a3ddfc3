import { connect } from 'node:net';
import type { HiveUnderAttack } from './hive-under-attack.ts';

/** What comes back for bytes that no client library would send; until the server closes, or says nothing more. */
export function sendRaw(
  hive: Pick<HiveUnderAttack, 'port' | 'seen'>,
  bytes: string | Buffer,
  patienceMs = 700,
): Promise<string> {
  return new Promise((resolve) => {
    const stream = connect(hive.port, '127.0.0.1');
    let text = '';
    const finish = () => {
      stream.destroy();
      hive.seen.push({ what: `raw ${JSON.stringify(bytes.toString().slice(0, 80))}`, status: 0, text });
      resolve(text);
    };
    let timer = setTimeout(finish, patienceMs);
    stream.on('data', (chunk) => {
      text += chunk.toString('latin1');
      clearTimeout(timer);
      timer = setTimeout(finish, patienceMs);
    });
    stream.on('error', () => {});
    stream.on('close', () => {
      clearTimeout(timer);
      finish();
    });
    stream.write(bytes);
  });
}

/** Of every answer in what came back. */
export function statusesOf(text: string): number[] {
  return [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status));
}

/** The lines before a body. */
export function headOf(
  hive: Pick<HiveUnderAttack, 'port'>,
  line: string,
  { authorization }: { authorization: string },
  headers: readonly string[],
): string {
  return [line, `host: 127.0.0.1:${hive.port}`, `authorization: ${authorization}`, ...headers, '', ''].join(
    '\r\n',
  );
}

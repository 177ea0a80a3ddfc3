import { expect, it } from 'vitest';
import { registerSecretValue } from '../engines/security/redaction.ts';
import { createLogTo } from './start-log.ts';

function linesOf(use: (log: ReturnType<typeof createLogTo>) => void): {
  text: string;
  lines: { [name: string]: unknown }[];
} {
  let text = '';
  use(createLogTo('info', { write: (line) => void (text += line) }, null));
  const lines = text.trim().split('\n').filter(Boolean);
  return { text, lines: lines.map((line) => JSON.parse(line) as { [name: string]: unknown }) };
}

it('keeps what is worth logging as it is', () => {
  const { lines } = linesOf((log) => log.info({ taskId: 'a', count: 3, tokens: 12 }, 'done %s', 'well'));
  expect(lines[0]).toMatchObject({ level: 30, taskId: 'a', count: 3, tokens: 12, msg: 'done well' });
});

it('lets no secret out, wherever it hides', () => {
  const secret = `value-${'x'.repeat(20)}`;
  registerSecretValue(secret);
  const inner = new Error(`connect postgres://hive:hunter22@db failed`);
  const { text, lines } = linesOf((log) => {
    log.info({ password: 'hunter22', nested: { cookie: 'hive.session=hunter22' } }, 'one');
    log.warn(`two ${secret}`);
    log.warn('three %s', secret);
    log.error(new Error(`four ${secret}`, { cause: inner }));
    log.error({ err: new Error(secret) });
    log.info({ error: inner.message }, 'six');
  });
  expect(lines).toHaveLength(6);
  expect(text).not.toContain(secret);
  expect(text).not.toContain('hunter22');
  expect(lines[3]).toMatchObject({ msg: 'four [redacted]', err: { type: 'Error' } });
  expect((lines[3]!['err'] as { stack: string }).stack).toContain('start-log.test');
});

it('does nothing for lines below the level', () => {
  const { lines } = linesOf((log) =>
    log.debug({
      get field(): string {
        throw new Error('must not be read');
      },
    }),
  );
  expect(lines).toEqual([]);
});

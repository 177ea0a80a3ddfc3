import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  ConfigError,
  parseConfig,
  redactUrl,
  suspectEnvironment,
  type ConfigSources,
} from './parse-config.ts';
import { isLoopbackHost, settings } from './schema.ts';

const parse = (env: ConfigSources['env'], file?: unknown) =>
  parseConfig({
    env,
    cwd: '/home/me',
    file:
      file === undefined
        ? undefined
        : { path: 'hive.config.json', text: typeof file === 'string' ? file : JSON.stringify(file) },
  });

function problemsOf(env: ConfigSources['env'], file?: unknown): readonly string[] {
  try {
    parse(env, file);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  throw new Error('no error was thrown');
}

test('defaults need nothing set', () => {
  const config = parse({});
  expect(config.server).toEqual({
    host: '127.0.0.1',
    port: 4000,
    allowedHosts: [],
    trustedProxies: [],
    shutdownDeadlineMs: 10_000,
  });
  expect(config.security).toMatchObject({ rateBurst: 1_000, documents: 'any', introspection: 'on' });
  expect(config.dataDir).toBe('/home/me/.hive');
  expect(config.execution.leaseMs).toBe(30_000);
  expect(config.agents.healthIntervalMs).toBe(30_000);
  expect(config.events.retentionDays).toBe(90);
  expect(config.llm.providers).toEqual(['ollama', 'llamacpp', 'openai', 'anthropic', 'extractive']);
  expect('url' in config.database).toBe(false);
});

test('the environment wins over the file, the file over the default', () => {
  const config = parse({ HIVE_PORT: '5000' }, { server: { port: 4500, shutdownDeadlineMs: 2_000 } });
  expect(config.server.port).toBe(5000);
  expect(config.server.shutdownDeadlineMs).toBe(2_000);
});

test('lists and maps come from comma-separated text', () => {
  const config = parse({
    HIVE_LLM_PROVIDERS: 'openai, extractive',
    HIVE_LLM_MODELS: 'openai=gpt-5,ollama=llama3.2:3b',
  });
  expect(config.llm.providers).toEqual(['openai', 'extractive']);
  expect(config.llm.models).toEqual({ openai: 'gpt-5', ollama: 'llama3.2:3b' });
});

test('an empty variable counts as not set', () => {
  expect(parse({ HIVE_PORT: '', DATABASE_URL: ' ' }).server.port).toBe(4000);
});

test('the result is frozen through and through', () => {
  const config = parse({});
  expect(Object.isFrozen(config)).toBe(true);
  expect(Object.isFrozen(config.llm.providers)).toBe(true);
});

test('all errors of both sources come at once, each with name, value and what is allowed', () => {
  const problems = problemsOf(
    { HIVE_PORT: '70000', HIVE_LOG_LEVEL: 'loud', HIVE_LLM_PROVIDERS: 'ollama,gpt' },
    { events: { retentionDays: -1 }, execution: { leaseMs: 'long' } },
  );
  expect(problems).toHaveLength(5);
  expect(problems).toContain(
    'HIVE_PORT (environment) is 70000; it must be a whole number (0 takes any free port) from 0 to 65535.',
  );
  expect(problems).toContain(
    'HIVE_LOG_LEVEL (environment) is "loud"; it must be one of debug, info, warn, error, silent.',
  );
  expect(problems.join('\n')).toContain(
    'events.retentionDays (hive.config.json) is -1; it must be a whole number of days',
  );
  expect(problems.join('\n')).toContain('execution.leaseMs (hive.config.json) is "long"');
  expect(problems.join('\n')).toContain('HIVE_LLM_PROVIDERS (environment) is ["ollama","gpt"]');
});

test.each(['0x10', '1e3', 'Infinity', 'NaN', '4000.5', '-1'])('HIVE_PORT=%s is refused', (value) => {
  expect(problemsOf({ HIVE_PORT: value })).toHaveLength(1);
});

test.each([
  [{ server: { prot: 1 } }, 'server.prot (hive.config.json) is not a setting. Did you mean server.port?'],
  [{ port: 1 }, 'port (hive.config.json) is not a setting. Did you mean server.port?'],
  [{ HIVE_PORT: 1 }, 'HIVE_PORT (hive.config.json) is not a setting. Did you mean server.port?'],
  [{ lm: {} }, 'lm (hive.config.json) is not a setting. Did you mean llm?'],
  [
    { agents: { colour: 1 } },
    'agents.colour (hive.config.json) is not a setting. Known here: healthIntervalMs.',
  ],
])('an unknown key %j is an error with a suggestion', (file, message) => {
  expect(problemsOf({}, file)).toEqual([message]);
});

test.each([
  ['127.0.0.1', true],
  ['127.9.9.9', true],
  ['::1', true],
  ['[::1]', true],
  ['localhost', true],
  ['LOCALHOST', true],
  ['0.0.0.0', false],
  ['::', false],
  ['192.168.1.2', false],
  ['hive.example', false],
  ['127.0.0.1.hive.example', false],
  ['::ffff:10.0.0.1', false],
])('HIVE_HOST=%s may be listened on; that only this machine reaches it is %s', (host, isLoopback) => {
  expect(parse({ HIVE_HOST: host }).server.host).toBe(host);
  expect(isLoopbackHost(host)).toBe(isLoopback);
});

test.each(['http://hive', 'a b', '1.2.3.4/8', ''.padEnd(3, '/')])('HIVE_HOST=%s is no address', (host) => {
  expect(problemsOf({ HIVE_HOST: host })[0]).toContain('it must be the address to listen on');
});

test.each([
  [{ HIVE_TLS_CERT: 'a.pem' }, 'HIVE_TLS_CERT is set without HIVE_TLS_KEY; set both or none.'],
  [{ HIVE_TLS_KEY: 'a.pem' }, 'HIVE_TLS_KEY is set without HIVE_TLS_CERT; set both or none.'],
  [
    { HIVE_GITHUB_CLIENT_ID: 'x' },
    'HIVE_GITHUB_CLIENT_ID is set without HIVE_GITHUB_CLIENT_SECRET; set both or none.',
  ],
  [
    { HIVE_OIDC_CLIENT_ID: 'x', HIVE_OIDC_CLIENT_SECRET: 'y' },
    'HIVE_OIDC_CLIENT_ID and HIVE_OIDC_CLIENT_SECRET are set without HIVE_OIDC_ISSUER; set all of them or none.',
  ],
])('settings that belong together are set together: %j', (env, message) => {
  expect(problemsOf(env)).toEqual([message]);
});

test('a setting that is missing its other half may have it in the file', () => {
  const { server } = parse({ HIVE_TLS_CERT: 'tls/cert.pem' }, { server: { tlsKey: '/etc/key.pem' } });
  expect(server).toMatchObject({ tlsCert: '/home/me/tls/cert.pem', tlsKey: '/etc/key.pem' });
});

test.each(['https://hive.example', 'https://hive.example/', 'http://10.0.0.2:4000', 'https://[::1]:8443'])(
  'HIVE_PUBLIC_URL=%s is taken',
  (url) => {
    expect(parse({ HIVE_PUBLIC_URL: url }).server.publicUrl).toBe(url);
  },
);

test.each([
  'https://hive.example/app',
  'https://hive.example?x',
  'https://me@hive.example',
  'hive.example',
  'ftp://x',
])('HIVE_PUBLIC_URL=%s is more than an origin, or less', (url) => {
  expect(problemsOf({ HIVE_PUBLIC_URL: url })[0]).toContain('without a path');
});

test.each([
  ['10.0.0.0/8,::1', 0],
  ['10.0.0.0/33', 1],
  ['proxy', 1],
])('HIVE_TRUSTED_PROXIES=%s has %d problems', (value, count) => {
  const parsed = () => problemsOf({ HIVE_TRUSTED_PROXIES: value });
  if (count > 0) expect(parsed()).toHaveLength(count);
  else expect(parse({ HIVE_TRUSTED_PROXIES: value }).server.trustedProxies).toHaveLength(2);
});

test('secrets are in no message', () => {
  const problems = problemsOf(
    {
      DATABASE_URL: 'mysql://user:hunter2@host/db?sslpassword=hunter3',
      REDIS_URL: 'http://:hunter4@h',
      OLLAMA_URL: 'ftp://u:hunter5@h',
    },
    { llm: { openaiApiKey: ['sk-hunter6'], anthropicApiKey: '' } },
  );
  expect(problems).toHaveLength(5);
  expect(problems.join('\n')).not.toContain('hunter');
});

test('broken JSON names the file and the place but does not quote it', () => {
  const problems = problemsOf({}, '{\n  "llm": { "openaiApiKey": "sk-hunter2" broken');
  expect(problems).toHaveLength(1);
  expect(problems[0]).toContain('hive.config.json is not valid JSON');
  expect(problems[0]).not.toContain('hunter');
});

test.each(['[]', 'null', '3'])('a file that holds %s is refused', (text) => {
  expect(problemsOf({}, text)[0]).toContain('must hold a JSON object');
});

test('a section that is no object is refused, also when the environment sets something inside it', () => {
  expect(problemsOf({ HIVE_PORT: '5000' }, { server: 'fast' })).toEqual([
    'server (hive.config.json) must be an object of settings.',
  ]);
});

test('a password with an @ in it is redacted whole', () => {
  expect(redactUrl('postgres://me:p@ss@host/db')).toBe('postgres://me:***@host/db');
});

test('a misspelt variable is pointed out, a foreign one is not', () => {
  expect(suspectEnvironment({ HIVE_PROT: '1', HIVE_TEST_JSON: 'x', HIVE_PORT: '2' })).toEqual([
    'HIVE_PROT is not a setting; did you mean HIVE_PORT?',
  ]);
});

test('.env.example lists every setting, and as it stands is valid', () => {
  const text = readFileSync(new URL('../../../.env.example', import.meta.url), 'utf8');
  const lines = [...text.matchAll(/^(?:# )?([A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [name, value]);
  const listed = Object.fromEntries(lines) as Record<string, string>;
  expect(Object.keys(listed)).toEqual(expect.arrayContaining(settings.map(({ env }) => env)));
  expect(() => parse(listed)).not.toThrow();
});

test('a byte order mark before the file is no error', () => {
  expect(parse({}, '\uFEFF{ "server": { "port": 4321 } }').server.port).toBe(4321);
});

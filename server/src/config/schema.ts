import { isIP } from 'node:net';
import { z } from 'zod';

/** What the loader, the error messages and the hot reload know of a setting, kept beside its type. */
export interface SettingMeta {
  /** Name in the environment. */
  env: string;
  /** Ends the sentence "it must be …". */
  allowed: string;
  /** A change of the file takes effect without a restart. */
  reloadable?: boolean;
  /** Never printed. A `url` is printed without its password. */
  secret?: 'whole' | 'url';
}

const setting = <Schema extends z.ZodType>(schema: Schema, meta: SettingMeta): Schema =>
  schema.meta({ ...meta });

const wholeNumber = (
  env: string,
  fallback: number,
  [min, max]: [number, number],
  unit: string,
  reloadable = false,
) =>
  setting(z.int().min(min).max(max).default(fallback), {
    env,
    allowed: `a whole number ${unit} from ${min} to ${max}`,
    reloadable,
  });

export const providerNames = ['ollama', 'llamacpp', 'openai', 'anthropic', 'extractive'] as const;
const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;

const httpUrl = z.url({ protocol: /^https?$/ });
const hostName = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+)(:\d+)?$/;
const day = 86_400_000;

/** Whether only programs on this machine can reach a server that listens here. */
export function isLoopbackHost(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  if (bare === 'localhost' || bare === '::1') return true;
  return isIP(bare) === 4 && bare.startsWith('127.');
}

const server = z.strictObject({
  host: setting(z.string().refine(isLoopbackHost).default('127.0.0.1'), {
    env: 'HIVE_HOST',
    allowed:
      'a loopback address (127.0.0.1, ::1 or localhost): there is no sign-in yet, so everybody who can reach the port ' +
      'could drive the hive. To use it from elsewhere, tunnel to it, for example with ssh -L 4000:127.0.0.1:4000',
  }),
  port: wholeNumber('HIVE_PORT', 4000, [0, 65_535], '(0 takes any free port)'),
  /** Names besides the loopback ones that a request may carry in its Host header, for a tunnel in front of the server. */
  allowedHosts: setting(z.array(z.string().regex(hostName)).default([]), {
    env: 'HIVE_ALLOWED_HOSTS',
    allowed:
      'a list of host names, each with its port when that is not the default one, for example hive.example:8443',
  }),
  shutdownDeadlineMs: wholeNumber('HIVE_SHUTDOWN_DEADLINE_MS', 10_000, [100, 600_000], 'of milliseconds'),
});

const database = z.strictObject({
  url: setting(z.url({ protocol: /^postgres(ql)?$/ }).exactOptional(), {
    env: 'DATABASE_URL',
    allowed: 'a URL like postgres://user:password@host:5432/name, or absent for the built-in PostgreSQL',
    secret: 'url',
  }),
  poolSize: wholeNumber('HIVE_DATABASE_POOL_SIZE', 20, [2, 500], 'of connections'),
});

const redis = z.strictObject({
  url: setting(z.url({ protocol: /^rediss?$/ }).exactOptional(), {
    env: 'REDIS_URL',
    allowed: 'a URL like redis://:password@host:6379/0',
    secret: 'url',
  }),
});

const log = z.strictObject({
  level: setting(z.enum(logLevels).default('info'), {
    env: 'HIVE_LOG_LEVEL',
    allowed: `one of ${logLevels.join(', ')}`,
    reloadable: true,
  }),
});

const llm = z.strictObject({
  providers: setting(
    z
      .array(z.enum(providerNames))
      .min(1)
      .refine((names) => new Set(names).size === names.length)
      .default(['ollama', 'llamacpp', 'openai', 'anthropic', 'extractive']),
    {
      env: 'HIVE_LLM_PROVIDERS',
      allowed: `a list, in the order to try them, of ${providerNames.join(', ')}, each at most once`,
      reloadable: true,
    },
  ),
  ollamaUrl: setting(httpUrl.default('http://127.0.0.1:11434'), {
    env: 'OLLAMA_URL',
    allowed: 'an http or https URL',
    secret: 'url',
  }),
  llamacppUrl: setting(httpUrl.default('http://127.0.0.1:8080'), {
    env: 'LLAMACPP_URL',
    allowed: 'an http or https URL',
    secret: 'url',
  }),
  openaiApiKey: setting(z.string().min(1).exactOptional(), {
    env: 'OPENAI_API_KEY',
    allowed: 'the key as OpenAI shows it',
    secret: 'whole',
  }),
  openaiBaseUrl: setting(httpUrl.exactOptional(), {
    env: 'OPENAI_BASE_URL',
    allowed: 'an http or https URL',
    secret: 'url',
  }),
  anthropicApiKey: setting(z.string().min(1).exactOptional(), {
    env: 'ANTHROPIC_API_KEY',
    allowed: 'the key as Anthropic shows it',
    secret: 'whole',
  }),
  anthropicBaseUrl: setting(httpUrl.exactOptional(), {
    env: 'ANTHROPIC_BASE_URL',
    allowed: 'an http or https URL',
    secret: 'url',
  }),
  models: setting(z.partialRecord(z.enum(providerNames), z.string().min(1)).default({}), {
    env: 'HIVE_LLM_MODELS',
    allowed: `a model name for each provider, for example ollama=llama3.2,openai=gpt-5 (providers: ${providerNames.join(', ')})`,
    reloadable: true,
  }),
  timeoutMs: wholeNumber('HIVE_LLM_TIMEOUT_MS', 30_000, [100, 3_600_000], 'of milliseconds', true),
  breakerFailures: wholeNumber('HIVE_LLM_BREAKER_FAILURES', 5, [1, 1_000], 'of failures in a row', true),
  breakerCooldownMs: wholeNumber('HIVE_LLM_BREAKER_COOLDOWN_MS', 60_000, [100, day], 'of milliseconds', true),
  healthIntervalMs: wholeNumber('HIVE_LLM_HEALTH_INTERVAL_MS', 30_000, [1_000, day], 'of milliseconds', true),
});

const execution = z.strictObject({
  /** A task whose worker is silent this long goes to another one. */
  leaseMs: wholeNumber('HIVE_LEASE_MS', 30_000, [500, day], 'of milliseconds'),
  /** Most tasks this process runs at once. */
  concurrency: wholeNumber('HIVE_CONCURRENCY', 64, [1, 10_000], 'of tasks'),
  internalTimeoutMs: wholeNumber('HIVE_INTERNAL_TIMEOUT_MS', 5_000, [100, 600_000], 'of milliseconds'),
});

const agents = z.strictObject({
  healthIntervalMs: wholeNumber(
    'HIVE_AGENT_HEALTH_INTERVAL_MS',
    30_000,
    [1_000, day],
    'of milliseconds',
    true,
  ),
});

const events = z.strictObject({
  retentionDays: wholeNumber(
    'HIVE_EVENT_RETENTION_DAYS',
    90,
    [0, 36_500],
    'of days (0 keeps them for ever)',
    true,
  ),
});

const app = z.strictObject({
  build: setting(z.enum(['auto', 'never']).default('auto'), {
    env: 'HIVE_APP_BUILD',
    allowed: 'auto (build the phone app when its sources changed) or never',
  }),
});

export const configSchema = z.strictObject({
  dataDir: setting(z.string().min(1).default('.hive'), {
    env: 'HIVE_DATA_DIR',
    allowed: 'the path of a folder',
  }),
  server: server.prefault({}),
  database: database.prefault({}),
  redis: redis.prefault({}),
  log: log.prefault({}),
  llm: llm.prefault({}),
  execution: execution.prefault({}),
  agents: agents.prefault({}),
  events: events.prefault({}),
  app: app.prefault({}),
});

/** Frozen through and through; `dataDir` is absolute. */
export type HiveConfig = DeepReadonly<z.output<typeof configSchema>>;
type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly Item[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T;

export type SettingKind = 'number' | 'text' | 'list' | 'map';

export interface Setting extends SettingMeta {
  /** For example `['server', 'port']`, as in the file. */
  path: readonly string[];
  kind: SettingKind;
}

/** Every setting, read from the schema itself. */
export const settings: readonly Setting[] = listSettings(configSchema, []);

function listSettings(schema: z.ZodType, path: readonly string[]): Setting[] {
  const bare = unwrap(schema);
  if (!(bare instanceof z.ZodObject)) {
    const meta = schema.meta() as unknown as SettingMeta;
    return [{ ...meta, path, kind: kindOf(bare) }];
  }
  return Object.entries(bare.shape as Record<string, z.ZodType>).flatMap(([key, child]) =>
    listSettings(child, [...path, key]),
  );
}

function unwrap(schema: z.ZodType): z.ZodType {
  const inner = (schema.def as { innerType?: z.ZodType }).innerType;
  return inner ? unwrap(inner) : schema;
}

function kindOf(schema: z.ZodType): SettingKind {
  if (schema.def.type === 'number') return 'number';
  if (schema.def.type === 'array') return 'list';
  return schema.def.type === 'record' ? 'map' : 'text';
}

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

/** A scheme, a host and perhaps a port: what a browser calls an origin. */
function isOrigin(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { pathname, search, hash, username, password } = new URL(url);
  return pathname === '/' && [search, hash, username, password].every((part) => part === '');
}

/** Whether only programs on this machine can reach a server that listens here. */
export function isLoopbackHost(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  if (bare === 'localhost' || bare === '::1') return true;
  return isIP(bare) === 4 && bare.startsWith('127.');
}

const server = z.strictObject({
  host: setting(
    z
      .string()
      .regex(/^(\[[0-9a-fA-F:.]+\]|[0-9a-fA-F:.]+|[A-Za-z0-9.-]+)$/)
      .default('127.0.0.1'),
    {
      env: 'HIVE_HOST',
      allowed:
        'the address to listen on: 127.0.0.1 for this machine only, 0.0.0.0 or :: for every network, or one of its own addresses',
    },
  ),
  port: wholeNumber('HIVE_PORT', 4000, [0, 65_535], '(0 takes any free port)'),
  /** Names besides the loopback ones that a request may carry in its Host header, for a tunnel in front of the server. */
  allowedHosts: setting(z.array(z.string().regex(hostName)).default([]), {
    env: 'HIVE_ALLOWED_HOSTS',
    allowed:
      'a list of host names, each with its port when that is not the default one, for example hive.example:8443',
  }),
  /** Where people reach the hive, when that is not the address it listens on: behind a proxy, or under a name. */
  publicUrl: setting(httpUrl.refine(isOrigin).exactOptional(), {
    env: 'HIVE_PUBLIC_URL',
    allowed: 'the http or https URL people open, without a path, for example https://hive.example',
  }),
  tlsCert: setting(z.string().min(1).exactOptional(), {
    env: 'HIVE_TLS_CERT',
    allowed: 'the path of a certificate chain in PEM, together with HIVE_TLS_KEY',
  }),
  tlsKey: setting(z.string().min(1).exactOptional(), {
    env: 'HIVE_TLS_KEY',
    allowed: 'the path of the private key in PEM, together with HIVE_TLS_CERT',
  }),
  /** Only what they say about the client (X-Forwarded-For, -Proto) is believed. */
  trustedProxies: setting(z.array(z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()])).default([]), {
    env: 'HIVE_TRUSTED_PROXIES',
    allowed: 'a list of addresses or networks, for example 127.0.0.1,10.0.0.0/8',
  }),
  shutdownDeadlineMs: wholeNumber('HIVE_SHUTDOWN_DEADLINE_MS', 10_000, [100, 600_000], 'of milliseconds'),
});

const database = z.strictObject({
  url: setting(z.url({ protocol: /^postgres(ql)?$/ }).exactOptional(), {
    env: 'DATABASE_URL',
    allowed: 'a URL like postgres://user:password@host:5432/name, or absent for the built-in PostgreSQL',
    secret: 'url',
  }),
  /** Of a user that may create tables and roles, for migrations, when that of DATABASE_URL may not. */
  adminUrl: setting(z.url({ protocol: /^postgres(ql)?$/ }).exactOptional(), {
    env: 'HIVE_DATABASE_ADMIN_URL',
    allowed: 'a URL like that of DATABASE_URL, of a user who may create tables and roles',
    secret: 'url',
  }),
  poolSize: wholeNumber('HIVE_DATABASE_POOL_SIZE', 20, [2, 500], 'of connections'),
});

const oauthClient = (env: string, name: string) =>
  z.strictObject({
    clientId: setting(z.string().min(1).exactOptional(), {
      env: `${env}_CLIENT_ID`,
      allowed: `the client id ${name} gave, together with ${env}_CLIENT_SECRET`,
    }),
    clientSecret: setting(z.string().min(1).exactOptional(), {
      env: `${env}_CLIENT_SECRET`,
      allowed: `the client secret ${name} gave`,
      secret: 'whole',
    }),
  });

const identity = z.strictObject({
  sessionDays: wholeNumber('HIVE_SESSION_DAYS', 30, [1, 365], 'of days'),
  github: oauthClient('HIVE_GITHUB', 'GitHub').prefault({}),
  google: oauthClient('HIVE_GOOGLE', 'Google').prefault({}),
  oidc: oauthClient('HIVE_OIDC', 'the OpenID provider')
    .extend({
      issuer: setting(httpUrl.exactOptional(), {
        env: 'HIVE_OIDC_ISSUER',
        allowed: 'the URL of an OpenID provider, which serves /.well-known/openid-configuration',
      }),
      name: setting(z.string().min(1).max(40).default('Single sign-on'), {
        env: 'HIVE_OIDC_NAME',
        allowed: 'the name of the OpenID provider on the sign-in page, 1 to 40 characters',
      }),
    })
    .prefault({}),
});

const security = z.strictObject({
  /** Encrypts what is secret in the database. Absent: a file made in the data folder. */
  secretKey: setting(
    z
      .string()
      .regex(/^[A-Za-z0-9+/_-]{43}=?$/)
      .exactOptional(),
    {
      env: 'HIVE_SECRET_KEY',
      allowed: '32 random bytes in base64, for example from `openssl rand -base64 32`',
      secret: 'whole',
    },
  ),
  /** Read while `hive secrets rotate` moves to the new key. */
  previousSecretKey: setting(
    z
      .string()
      .regex(/^[A-Za-z0-9+/_-]{43}=?$/)
      .exactOptional(),
    {
      env: 'HIVE_SECRET_KEY_PREVIOUS',
      allowed: 'the HIVE_SECRET_KEY before the present one',
      secret: 'whole',
    },
  ),
  /** Requests and operations a person or key may make: this many at once, refilled in this many seconds. 0: no limit. */
  rateBurst: wholeNumber('HIVE_RATE_BURST', 1_000, [0, 1_000_000], 'of operations (0 for no limit)', true),
  rateRefillSeconds: wholeNumber('HIVE_RATE_REFILL_SECONDS', 10, [1, 86_400], 'of seconds', true),
  /** The same for an address that has not signed in. */
  anonymousBurst: wholeNumber(
    'HIVE_ANONYMOUS_BURST',
    60,
    [0, 1_000_000],
    'of requests (0 for no limit)',
    true,
  ),
  anonymousRefillSeconds: wholeNumber('HIVE_ANONYMOUS_REFILL_SECONDS', 60, [1, 86_400], 'of seconds', true),
  documents: setting(z.enum(['any', 'persisted']).default('any'), {
    env: 'HIVE_DOCUMENTS',
    allowed: 'any, or persisted to execute only the operations of the app and of HIVE_DOCUMENTS_FILE',
  }),
  documentsFile: setting(z.string().min(1).exactOptional(), {
    env: 'HIVE_DOCUMENTS_FILE',
    allowed: 'the path of a JSON file with an object of operations by the SHA-256 of their text',
  }),
  introspection: setting(z.enum(['on', 'off']).default('on'), {
    env: 'HIVE_INTROSPECTION',
    allowed: 'on (for whoever may use the API) or off',
  }),
  auditRetentionDays: wholeNumber(
    'HIVE_AUDIT_RETENTION_DAYS',
    0,
    [0, 36_500],
    'of days (0 keeps it for ever)',
    true,
  ),
  addressRetentionDays: wholeNumber(
    'HIVE_ADDRESS_RETENTION_DAYS',
    90,
    [1, 36_500],
    'of days that addresses and devices in the audit trail are kept',
    true,
  ),
});

const workspaces = z.strictObject({
  /** The folder that each workspace may read below; the first workspace has the one the server was started in. */
  folders: setting(z.record(z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/), z.string().min(1)).default({}), {
    env: 'HIVE_WORKSPACE_FOLDERS',
    allowed:
      'a folder for each workspace by its short name, for example research=/srv/research,design=/srv/design',
  }),
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
  identity: identity.prefault({}),
  security: security.prefault({}),
  workspaces: workspaces.prefault({}),
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

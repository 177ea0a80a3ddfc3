export const redacted = '[redacted]';

/** What a copy may grow to: a log line is for people, and a hostile value must not cost the process its time. */
const limits = { depth: 8, items: 100, keys: 200, nodes: 5_000, characters: 8_000 };
/** Text behind the cut that is still looked at, so that a secret across the cut is seen whole. */
const lookAhead = 4_096;

// Key names, in lower case without punctuation; each also as the end of a longer name.
const secretEndings = [
  ...['password', 'passwd', 'passphrase', 'secret', 'token', 'authorization', 'cookie', 'setcookie'],
  ...[
    'apikey',
    'privatekey',
    'secretkey',
    'accesskey',
    'encryptionkey',
    'masterkey',
    'credential',
    'credentials',
  ],
  ...['totp', 'otp', 'onetimepassword', 'recoverycode', 'recoverycodes', 'backupcode', 'backupcodes', 'pin'],
  ...['connectionstring', 'databaseurl', 'redisurl', 'adminurl'],
];
const wholeNames = new Set(['pin', 'otp']);
const keyVerdicts = new Map<string, 'SECRET' | 'CODE' | 'PLAIN'>();

/** Reads anything: one look that is cheap, before the many that are not. */
const suspicious =
  /hive_|sk-|gh[opsu]_|github_pat|glpat-|xox|AKIA|ASIA|AIza|eyJ|PRIVATE KEY|:\/\/|bearer|basic|token|secret|passw|pwd|key|code|signature/i;

const patterns: readonly (readonly [RegExp, string])[] = [
  [
    /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|$)/g,
    redacted,
  ],
  [/\bhive_[A-Za-z0-9_-]{32,}/g, `hive_${redacted}`],
  [/\bsk-[A-Za-z0-9_-]{16,}/g, `sk-${redacted}`],
  [/\b(?:gh[opsu]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,})/g, redacted],
  [/\bxox[a-z]-[A-Za-z0-9-]{10,}/g, redacted],
  [/\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/g, redacted],
  [/\bAIza[A-Za-z0-9_-]{35}/g, redacted],
  [/\beyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]*/g, redacted],
  // Not "bearer of news": a credential has more than small letters.
  [/\b([Bb]earer)\s+(?=[a-z]*[A-Z0-9._~+/=-])[A-Za-z0-9._~+/=-]{6,}/g, `$1 ${redacted}`],
  [/\b([Bb]asic)\s+(?=[a-z]*[A-Z0-9+/=])[A-Za-z0-9+/]{6,}={0,2}/g, `$1 ${redacted}`],
  // Names and passwords before the host of a URL.
  [/\b([a-z][a-z0-9+.-]{0,30}:\/\/)[^\s/@"'<>\\]{1,1000}@/gi, `$1${redacted}@`],
  // In a query or a fragment, and as name=value in any text.
  [
    /((?:\b|_)(?:access_token|refresh_token|id_token|token|code|state|secret|client_secret|password|passwd|pwd|api[_-]?key|signature|sig))=[^\s&#"'<>,;)\\]{4,}/gi,
    `$1=${redacted}`,
  ],
];

/** The values this process knows to be secret, whatever they look like. */
const knownValues = new Set<string>();
const maxKnownValues = 1_000;
const shortestKnownValue = 8;

/**
 * From now on this text is cut out of everything that is redacted. The newest 1,000 are kept; shorter than 8 characters it
 * is left alone, since it would be found in innocent text.
 */
export function registerSecretValue(text: string): void {
  if (text.length < shortestKnownValue) return;
  // The same as it appears in JSON and in URLs.
  for (const form of new Set([
    text,
    JSON.stringify(text).slice(1, -1),
    encodeURIComponent(text.toWellFormed()),
  ])) {
    knownValues.delete(form);
    knownValues.add(form);
  }
  for (const oldest of knownValues) {
    if (knownValues.size <= maxKnownValues) break;
    knownValues.delete(oldest);
  }
}

/** The text without anything in it that looks like a secret or is known as one, at most 8,000 characters of it. */
export function redactText(text: string): string {
  let result = text.length > limits.characters ? text.slice(0, limits.characters + lookAhead) : text;
  for (const value of knownValues) if (result.includes(value)) result = result.replaceAll(value, redacted);
  if (suspicious.test(result))
    for (const [pattern, replacement] of patterns) result = result.replace(pattern, replacement);
  if (result.length <= limits.characters && text.length <= limits.characters) return result;
  return `${result.slice(0, limits.characters)}… (${text.length} characters)`;
}

/**
 * A copy that may be logged: whatever a key's name or the value itself gives away as secret is replaced. Errors become plain
 * objects with their message, stack and cause. Never throws; cycles, depth and size are cut.
 */
export function redact(value: unknown): unknown {
  return copy(value, { seen: new Set(), nodes: 0 }, 0);
}

interface Walk {
  /** What the present value is inside of. */
  seen: Set<object>;
  nodes: number;
}

function copy(value: unknown, walk: Walk, depth: number): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value === 'bigint' || typeof value === 'symbol') return String(value);
  if (typeof value === 'function') return '[function]';
  if (value === null || typeof value !== 'object') return value;
  if (walk.seen.has(value)) return '[circular]';
  walk.nodes += 1;
  if (depth >= limits.depth || walk.nodes > limits.nodes) return '[…]';
  walk.seen.add(value);
  try {
    return copyObject(value, walk, depth);
  } catch {
    return '[unreadable]';
  } finally {
    walk.seen.delete(value);
  }
}

function copyObject(value: object, walk: Walk, depth: number): unknown {
  if (value instanceof Error) return copyError(value, walk, depth);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (value instanceof URL) return redactText(value.href);
  if (value instanceof RegExp) return redactText(String(value));
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`;
  if (value instanceof Map)
    return copyPairs(
      [...value].map(([key, item]) => [String(key), item]),
      walk,
      depth,
    );
  if (Array.isArray(value) || value instanceof Set) return copyItems(value, walk, depth);
  if ('toJSON' in value && typeof value.toJSON === 'function')
    return copy((value.toJSON as () => unknown)(), walk, depth + 1);
  return copyFields(value, walk, depth);
}

function copyItems(items: readonly unknown[] | ReadonlySet<unknown>, walk: Walk, depth: number): unknown[] {
  const result: unknown[] = [];
  const size = Array.isArray(items) ? items.length : (items as ReadonlySet<unknown>).size;
  for (const item of items) {
    if (result.length >= limits.items) {
      result.push(`[${size - limits.items} more]`);
      break;
    }
    result.push(copy(item, walk, depth + 1));
  }
  return result;
}

function copyFields(value: object, walk: Walk, depth: number): unknown {
  const pairs: [string, unknown][] = [];
  const names = Object.keys(value);
  for (const name of names.slice(0, limits.keys + 1)) {
    try {
      pairs.push([name, (value as { [key: string]: unknown })[name]]);
    } catch {
      pairs.push([name, '[unreadable]']);
    }
  }
  return copyPairs(pairs, walk, depth, names.length);
}

function copyPairs(
  pairs: readonly [string, unknown][],
  walk: Walk,
  depth: number,
  total = pairs.length,
): object {
  const result = pairs
    .slice(0, limits.keys)
    .map(([name, item]): [string, unknown] => [
      redactText(name),
      isSecretField(name, item) ? redacted : copy(item, walk, depth + 1),
    ]);
  if (total > limits.keys) result.push(['…', `[${total - limits.keys} more]`]);
  // Defines, never assigns: a key named __proto__ stays a key.
  return Object.fromEntries(result);
}

function copyError(error: Error, walk: Walk, depth: number): object {
  const pairs: [string, unknown][] = [
    ['type', error.name],
    ['message', error.message],
    ['stack', error.stack],
  ];
  if (error.cause !== undefined) pairs.push(['cause', error.cause]);
  if (error instanceof AggregateError) pairs.push(['errors', error.errors]);
  for (const [name, item] of Object.entries(error))
    if (!pairs.some(([known]) => known === name)) pairs.push([name, item]);
  return copyPairs(pairs, walk, depth);
}

function isSecretField(name: string, value: unknown): boolean {
  if (value === null || value === undefined || value === '' || typeof value === 'boolean') return false;
  let verdict = keyVerdicts.get(name);
  if (verdict === undefined) {
    verdict = judgeName(name);
    // Names come from code, but an attacker's JSON may pass through here too.
    if (keyVerdicts.size < 5_000) keyVerdicts.set(name, verdict);
  }
  if (verdict === 'SECRET') return true;
  return verdict === 'CODE' && isOneTimeCode(value);
}

function judgeName(name: string): 'SECRET' | 'CODE' | 'PLAIN' {
  const bare = name
    .slice(0, 200)
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '');
  if (bare === 'code' || bare.endsWith('authcode') || bare.endsWith('verificationcode')) return 'CODE';
  const isSecret = secretEndings.some((ending) =>
    wholeNames.has(ending) ? bare === ending : bare.endsWith(ending),
  );
  return isSecret ? 'SECRET' : 'PLAIN';
}

/** Not the codes of errors (ECONNREFUSED, 57P01), states of HTTP (404) or sockets (4403). */
function isOneTimeCode(value: unknown): boolean {
  const text = typeof value === 'string' ? value : typeof value === 'number' ? String(value) : undefined;
  if (text === undefined) return true;
  return (
    text.length > 5 && !/^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/.test(text) && !/^[a-z]+([_-][a-z]+)*$/.test(text)
  );
}

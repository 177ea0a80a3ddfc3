import { redactUrl } from '../config/parse-config.ts';
import { isLoopbackHost, type HiveConfig } from '../config/schema.ts';
import { reachableUrl } from '../http/addresses.ts';

export interface Greeting {
  config: HiveConfig;
  /** On this machine. */
  url: string;
  databaseUrl: string;
  seconds: number;
}

/** Where everything is, once it answers. */
export function greetingLines({ config, url, databaseUrl, seconds }: Greeting): string[] {
  const reachable = reachableUrl(config.server, url);
  const label = config.server.publicUrl === undefined ? 'Network' : 'Public';
  return [
    '',
    `  Agent Hive is ready after ${seconds.toFixed(1)} s.`,
    '',
    `  Open      ${url}`,
    ...(reachable === undefined || reachable === url ? [] : [`  ${label.padEnd(10)}${reachable}`]),
    `  API       ${url}/graphql   (schema: ${url}/schema.graphql)`,
    `  Data      ${config.database.url === undefined ? `${config.dataDir}   (built-in PostgreSQL)` : redactUrl(databaseUrl)}`,
    ...plainHttpWarning(config.server, reachable),
  ];
}

/** A network sees what is sent without TLS, and browsers keep passkeys, installing and push for HTTPS. */
function plainHttpWarning({ host }: HiveConfig['server'], reachable: string | undefined): string[] {
  if (isLoopbackHost(host) || reachable === undefined || reachable.startsWith('https:')) return [];
  return [
    '',
    `  Warning   Others in the network can read what is sent to ${reachable}, and phones can neither install the`,
    '            app there nor use passkeys. Set HIVE_TLS_CERT and HIVE_TLS_KEY, or put a proxy with HTTPS in front',
    '            and set HIVE_PUBLIC_URL and HIVE_TRUSTED_PROXIES.',
  ];
}

/**
 * The one-time link that makes whoever opens it the owner, and for a phone the same as a QR code.
 * @param link as the identity made it, with the token in its fragment
 */
export async function setupLines(
  { config, url }: Pick<Greeting, 'config' | 'url'>,
  link: string,
): Promise<string[]> {
  const { pathname, hash } = new URL(link);
  const at = (base: string) => `${base}${pathname}${hash}`;
  const reachable = reachableUrl(config.server, url);
  const lines = [
    '',
    '  This hive has no owner yet. Create your account with this link, valid 15 minutes, once:',
    '',
    `  ${at(config.server.publicUrl === undefined ? url : reachable!)}`,
  ];
  if (reachable !== undefined && !isLoopbackHost(config.server.host)) {
    const { renderUnicodeCompact } = await import('uqr');
    const code = renderUnicodeCompact(at(reachable), { border: 2 });
    if (config.server.publicUrl === undefined)
      lines.push('', '  or from another device in the network:', '', `  ${at(reachable)}`);
    lines.push('', ...code.split('\n').map((line) => `  ${line}`));
  }
  return [...lines, '', '  `npx -y pnpm@12 hive admin link` prints a new one later.'];
}

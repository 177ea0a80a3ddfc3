/** `npx -y pnpm@12 start`: everything on one port, from a fresh clone. */
import { readFileSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { join, resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import type { Logger as PinoLogger } from 'pino';
import { ConfigError, parseConfig, redactUrl, suspectEnvironment } from '../config/parse-config.ts';
import { configFileName, readConfigFile } from '../config/read-config-file.ts';
import type { HiveConfig } from '../config/schema.ts';
import { reachableUrl } from '../http/addresses.ts';
import { buildAppIfChanged } from './build-app.ts';
import { greetingLines, setupLines } from './greet.ts';
import { AlreadyRunningError, takeInstanceLock } from './instance-lock.ts';
import { onStopRequest } from './stop-request.ts';

const root = resolve(fileURLToPath(import.meta.url), '../../../..');
// What follows is imported lazily, so that it comes out of this cache: without it each start strips and compiles every
// module anew, which took 0.3 s and left 25 MB of the compiler's memory behind.
enableCompileCache(join(root, 'node_modules/.cache/agent-hive'));

const say = (line: string) => process.stdout.write(`${line}\n`);

async function start(): Promise<void> {
  const began = performance.now();
  const cwd = process.cwd();
  const configPath = join(cwd, configFileName);
  const config = parseConfig({ env: process.env, file: readConfigFile(configPath), cwd });
  // Last in, first out: what was started last is stopped first.
  const stops: (() => Promise<void> | void)[] = [];
  const stopAll = async () => {
    for (const stop of stops.splice(0).reverse()) await stop();
  };
  const stopRequest = onStopRequest();
  try {
    const lock = takeInstanceLock(config.dataDir);
    stops.push(() => lock.release());
    const { createLog } = await import('./start-log.ts');
    const log = createLog(config.log.level);
    for (const line of suspectEnvironment(process.env)) log.warn(line);

    const version = (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string })
      .version;
    const { main, holdPort } = await import('../main.ts');
    const listener = await holdPort(config, version, log);
    stops.push(() => listener.close());

    // The database starts while the app is built and our own code is loaded.
    const database = startDatabase(config, log);
    database.catch(() => {});
    stops.push(async () => (await database.catch(() => undefined))?.stop());
    if (config.app.build === 'auto') {
      const outcome = await buildAppIfChanged(root, () =>
        say('Building the phone app, because its sources changed …'),
      );
      if (outcome.built) say(`Built in ${outcome.seconds.toFixed(1)} s.`);
    }
    const { url: databaseUrl } = await database;
    if (stopRequest.signal.aborted) return await stopAll();
    const hive = await main({ listener, config, databaseUrl, log, version, root, projectRoot: cwd });
    stops.push(() => hive.stop());
    lock.announce(hive.url);
    stops.push(await followConfig({ config, configPath, cwd, log, hive }));
    const seconds = (performance.now() - began) / 1_000;
    for (const line of greetingLines({ config, url: hive.url, databaseUrl, seconds })) say(line);
    await greetModels(hive.app.gateway);
    if (!(await hive.app.authenticator.hasOwner())) {
      const { url: link } = await hive.app.identity.createSetupLink(
        reachableUrl(config.server, hive.url) ?? hive.url,
      );
      for (const line of await setupLines({ config, url: hive.url }, link)) say(line);
    }
    say('');
    say('  Ctrl-C stops it.');

    collectStartGarbage();

    await stopRequest.done;
    say('Stopping …');
    await stopAll();
    say('Stopped.');
  } catch (error) {
    await stopAll();
    throw error;
  }
}

/**
 * Loading leaves garbage that an idle server would keep for good: one thorough collection gives back 15 MB. It takes 60 to
 * 80 ms and forgets compiled code, so it waits for three quiet seconds. Without `--expose-gc` nothing happens.
 */
function collectStartGarbage(): void {
  let before = performance.eventLoopUtilization();
  const timer = setInterval(() => {
    const { utilization } = performance.eventLoopUtilization(before);
    before = performance.eventLoopUtilization();
    if (utilization > 0.1) return;
    clearInterval(timer);
    globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  }, 3_000);
  timer.unref();
}

async function startDatabase(
  config: HiveConfig,
  log: PinoLogger,
): Promise<{ url: string; stop(): Promise<void> }> {
  if (config.database.url !== undefined) return { url: config.database.url, stop: () => Promise.resolve() };
  const { startEmbeddedPostgres } = await import('../database/embedded-postgres.ts');
  return startEmbeddedPostgres({ dataDir: config.dataDir, log });
}

async function followConfig(options: {
  config: HiveConfig;
  configPath: string;
  cwd: string;
  log: PinoLogger;
  hive: { configure(config: HiveConfig): Promise<void> };
}): Promise<() => Promise<void>> {
  const { watchConfig } = await import('../config/watch-config.ts');
  const { config, configPath, cwd, log, hive } = options;
  const watched = await watchConfig({ config, env: process.env, path: configPath, cwd, log });
  watched.onChange((next) => {
    log.level = next.log.level;
    void hive.configure(next);
  });
  return () => watched.stop();
}

interface Gateway {
  status(): readonly {
    name: string;
    kind: string;
    status: string;
    address: string | null;
    models: readonly string[];
    failure: { message: string } | null;
    checkedAt: string | null;
  }[];
}

/** The first probes run while the server starts; who is slow to answer is reported as still being looked for. */
async function greetModels(gateway: Gateway): Promise<void> {
  const probed = () =>
    gateway
      .status()
      .every(
        (provider) =>
          provider.kind === 'EXTRACTIVE' || provider.checkedAt !== null || provider.address === null,
      );
  for (const deadline = Date.now() + 1_500; !probed() && Date.now() < deadline;)
    await new Promise((done) => setTimeout(done, 50));
  say('  Models');
  for (const provider of gateway.status()) {
    const address = provider.address ? ` at ${redactUrl(provider.address)}` : '';
    // Most failures name the address themselves.
    const failure = provider.failure?.message.replace(`${provider.address}: `, '');
    const detail =
      provider.kind === 'EXTRACTIVE'
        ? 'built in: quotes your files, no language model needed'
        : provider.status === 'DOWN'
          ? `not found${address}${failure ? `: ${failure}` : ''}`
          : `found${address}${provider.models.length > 0 ? `: ${provider.models.slice(0, 5).join(', ')}` : ''}`;
    say(`    ${provider.name.padEnd(12)}${detail}`);
  }
}

start().then(
  () => process.exit(0),
  (error: unknown) => {
    const expected = error instanceof ConfigError || error instanceof AlreadyRunningError;
    const text =
      error instanceof Error
        ? expected || !process.env['HIVE_DEBUG']
          ? error.message
          : error.stack
        : String(error);
    process.stderr.write(`${text}\n`);
    process.exit(1);
  },
);

import { isDeepStrictEqual } from 'node:util';
import { watch } from 'chokidar';
import { parseConfig, type ConfigSources } from './parse-config.ts';
import { readConfigFile } from './read-config-file.ts';
import { settings, type HiveConfig } from './schema.ts';
import { getAt } from './values-at.ts';

/** Like the logger of lib/log.ts; config imports nothing. */
interface ConfigLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface ConfigWatch {
  /** What holds now: the start's values, with reloadable settings as last read. */
  current(): HiveConfig;
  /** Called after a valid change of a reloadable setting. @returns a function that ends it */
  onChange(listener: (next: HiveConfig, previous: HiveConfig) => void): () => void;
  /** Reads the file again now. */
  reload(): void;
  stop(): Promise<void>;
}

/**
 * Follows the file. An invalid edit changes nothing and says why; a change of a setting that is not reloadable says
 * that it waits for a restart.
 */
export async function watchConfig(options: {
  config: HiveConfig;
  env: ConfigSources['env'];
  path: string;
  cwd: string;
  log: ConfigLog;
}): Promise<ConfigWatch> {
  const { env, path, cwd, log } = options;
  let current = options.config;
  const listeners = new Set<(next: HiveConfig, previous: HiveConfig) => void>();

  const reload = () => {
    let read: HiveConfig;
    try {
      read = parseConfig({ env, file: readConfigFile(path), cwd });
    } catch (error) {
      log.warn(
        { error: error instanceof Error ? error.message : String(error) },
        `${path} was changed and is not valid; the settings stay as they were`,
      );
      return;
    }
    const changed = settings.filter(
      (setting) => !isDeepStrictEqual(getAt(read, setting.path), getAt(current, setting.path)),
    );
    const names = (list: typeof changed) => list.map((setting) => setting.path.join('.'));
    const later = changed.filter((setting) => !setting.reloadable);
    if (later.length > 0) log.warn({ settings: names(later) }, 'these settings take effect after a restart');
    const now = changed.filter((setting) => setting.reloadable);
    if (now.length === 0) return;
    const previous = current;
    current = withSettings(
      previous,
      read,
      now.map((setting) => setting.path),
    );
    log.info({ settings: names(now) }, 'settings reloaded');
    for (const listener of listeners) listener(current, previous);
  };

  // Editors replace the file in several steps: wait until its size rests.
  const watcher = watch(path, {
    ignoreInitial: true,
    awaitWriteFinish: { stabilityThreshold: 100, pollInterval: 20 },
  });
  watcher.on('all', reload);
  await new Promise<void>((ready) => watcher.once('ready', ready));
  return {
    current: () => current,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    reload,
    stop: () => watcher.close(),
  };
}

/** `base` with the values at `paths` taken from `read`. All reloadable settings are at most two levels deep. */
function withSettings(base: HiveConfig, read: HiveConfig, paths: readonly (readonly string[])[]): HiveConfig {
  const merged: Record<string, unknown> = { ...base };
  for (const [section = '', key] of paths) {
    const value = getAt(read, key === undefined ? [section] : [section, key]);
    merged[section] =
      key === undefined ? value : Object.freeze({ ...(merged[section] as object), [key]: value });
  }
  return Object.freeze(merged) as unknown as HiveConfig;
}

import { join } from 'node:path';
import type { App } from './app.ts';
import { readNodeId } from './cli/node-id.ts';
import type { HiveConfig } from './config/schema.ts';
import { openListener, type Listener } from './http/listener.ts';
import type { HttpServer } from './http/start-http.ts';
import type { Logger } from './lib/log.ts';

export interface MainOptions {
  /** Holds the port already. */
  listener: Listener;
  config: HiveConfig;
  databaseUrl: string;
  log: Logger;
  version: string;
  /** The repository, where the built app is. */
  root: string;
  projectRoot: string;
}

export interface RunningHive {
  url: string;
  app: App;
  /** In reverse order of start: no new requests, work in flight, connections. Ends within the configured deadline. */
  stop(): Promise<void>;
}

/** Takes the port and answers that the server is starting, until `main` takes over. @throws Error when it is taken */
export function holdPort(config: HiveConfig, version: string): Promise<Listener> {
  return openListener({ config: config.server, version });
}

/** The server without its process: what runs between the configuration and the signal that ends it. */
export async function main(options: MainOptions): Promise<RunningHive> {
  const { config, log } = options;
  // Loaded side by side; what they import is most of the time to start.
  const [{ createApp }, { startHttp }] = await Promise.all([
    import('./app.ts'),
    import('./http/start-http.ts'),
  ]);
  const app = await createApp({
    ...{
      config,
      log,
      databaseUrl: options.databaseUrl,
      version: options.version,
      projectRoot: options.projectRoot,
    },
    nodeId: readNodeId(config.dataDir),
  });
  const http = startHttp({
    listener: options.listener,
    config: config.server,
    appFolder: join(options.root, 'mobile-pwa', 'dist'),
    graphql: app.api,
  });
  return { url: http.url, app, stop: () => stopInOrder(http, app, config.server.shutdownDeadlineMs) };
}

async function stopInOrder(http: HttpServer, app: App, deadlineMs: number): Promise<void> {
  const deadline = Date.now() + deadlineMs;
  // Requests under way get a part of the time; the work they started gets the rest.
  await Promise.race([http.drain(), after(Math.min(2_000, deadlineMs / 4))]);
  await app.stop(Math.max(100, deadline - Date.now()));
  await http.close();
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}

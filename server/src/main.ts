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
  /** Takes over the settings that need no restart. */
  configure(config: HiveConfig): Promise<void>;
  /** In reverse order of start: no new requests, work in flight, connections. Ends within the configured deadline. */
  stop(): Promise<void>;
}

/**
 * Takes the port and answers that the server is starting, until `main` takes over.
 * @throws Error when the port is taken or the TLS files cannot be used
 */
export function holdPort(config: HiveConfig, version: string, log: Logger): Promise<Listener> {
  return openListener({ config: config.server, version, log });
}

/** The server without its process: what runs between the configuration and the signal that ends it. */
export async function main(options: MainOptions): Promise<RunningHive> {
  const { log, listener } = options;
  let { config } = options;
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
    listening: listener,
  });
  const http = await serve(() =>
    startHttp({
      listener,
      config: config.server,
      security: () => config.security,
      appFolder: join(options.root, 'mobile-pwa', 'dist'),
      graphql: app.api,
      authenticator: app.authenticator,
      limiter: app.rateLimiter,
      identity: app.identity,
      routes: app.routes,
    }),
  );
  return {
    url: http.url,
    app,
    configure(next) {
      config = next;
      return app.configure(next);
    },
    stop: () => stopInOrder(http, app, config.server.shutdownDeadlineMs),
  };

  /** What runs already ends before the database is taken from it, so that the one thing that is wrong is all one reads. */
  async function serve(start: () => HttpServer): Promise<HttpServer> {
    try {
      return start();
    } catch (error) {
      await app.stop(0);
      throw error;
    }
  }
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

import type { Browser } from 'playwright-core';
import { createTestDatabaseUrl, dropTestDatabase } from '../support/database.ts';
import { startServer, type ServerProcess } from '../support/server-process.ts';
import { createFixtureProject, type FixtureProject } from './fixture-project.ts';
import { launchBrowser } from './phone.ts';

export interface Installation {
  readonly server: ServerProcess;
  project: FixtureProject;
  databaseUrl: string;
  browser: Browser;
  /** SIGKILL, without a chance to tidy up. The port stays the same for `start`. */
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** The real server on a project of its own, with the built app and a browser. Stop it in `afterAll`. */
export async function install(env: Record<string, string> = {}): Promise<Installation> {
  const project = createFixtureProject();
  const databaseUrl = await createTestDatabaseUrl();
  const start = (port?: number) =>
    startServer({
      cwd: project.folder,
      dataDir: project.dataDir,
      databaseUrl,
      buildApp: true,
      env,
      ...(port ? { port } : {}),
    });
  const tidy = async () => {
    await dropTestDatabase(databaseUrl);
    project.remove();
  };
  const browser = await launchBrowser();
  let server = await start().catch(async (error: unknown) => {
    await browser.close();
    await tidy();
    throw error;
  });
  const port = Number(new URL(server.url).port);
  return {
    get server() {
      return server;
    },
    project,
    databaseUrl,
    browser,
    kill: () => server.kill(),
    async start() {
      server = await start(port);
    },
    async stop() {
      await browser.close();
      await server.stop();
      await tidy();
    },
  };
}

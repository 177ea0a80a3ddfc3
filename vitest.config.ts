import { defineConfig } from 'vitest/config';

const postgres = ['./tests/support/global-postgres.ts'];

/**
 * unit: no I/O beyond the process. pg: the real PostgreSQL, one server a run, a database a file. integration: the whole
 * server or API. e2e: the server as a person starts it, driven by headless Chromium, one file after the other.
 */
export default defineConfig({
  // Vite would take graphql's ES module build, our dependencies take the CommonJS one, and graphql refuses to be two.
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
  test: {
    reporters: process.env['HIVE_TEST_JSON']
      ? ['default', ['json', { outputFile: process.env['HIVE_TEST_JSON'] }]]
      : ['default'],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: [
            'server/src/**/*.test.ts',
            'mobile-pwa/src/**/*.test.ts',
            'schema/**/*.test.ts',
            'tests/support/**/*.test.ts',
            'tests/dependencies/**/*.test.ts',
          ],
          exclude: ['**/*.pg.test.ts', '**/node_modules/**'],
        },
      },
      {
        extends: true,
        test: {
          name: 'pg',
          include: ['server/src/**/*.pg.test.ts'],
          globalSetup: postgres,
          testTimeout: 20_000,
          hookTimeout: 30_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['tests/integration/**/*.test.ts', 'tests/security/**/*.test.ts'],
          globalSetup: postgres,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // Each of these starts servers of its own.
          maxWorkers: 2,
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['tests/e2e/**/*.test.ts'],
          globalSetup: postgres,
          testTimeout: 180_000,
          hookTimeout: 180_000,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});

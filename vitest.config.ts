import { configDefaults, defineConfig } from 'vitest/config';
import { postgresPrograms } from './server/testing/postgres.ts';

/** A server of its own per run, in the projects that try PostgreSQL; there are none where it is not installed. */
const globalSetup = 'server/testing/postgres.ts';
const onPostgres = postgresPrograms() !== null;
const browserTest = { testTimeout: 600_000, hookTimeout: 300_000, fileParallelism: false };

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{contracts,engine,lm,recipes,server,web,cli,bench}/**/*.test.{ts,tsx}', '*.test.ts'],
          // What the benchmarks install brings tests of its own.
          exclude: [...configDefaults.exclude, '**/.installed/**'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      // What the server stores, once more on PostgreSQL, where that is installed.
      ...(onPostgres
        ? [
            {
              test: {
                name: 'postgres',
                globalSetup,
                include: ['server/{accounts,assistants,chat,db,feedback,http,lab,safety,workbench}/**/*.test.ts'],
                // What fills SQLite's disk, or streams without a database.
                exclude: ['**/full-disk.test.ts', '**/event-stream.test.ts'],
                testTimeout: 60_000,
                hookTimeout: 120_000,
              },
            },
            {
              test: {
                name: 'e2e-postgres',
                globalSetup,
                sequence: { groupOrder: 2 },
                include: ['e2e/{accounts,loop}.test.ts'],
                ...browserTest,
              },
            },
          ]
        : []),
      {
        test: {
          name: 'e2e',
          // After the unit tests, not beside them: a browser needs the machine for itself.
          sequence: { groupOrder: 1 },
          include: ['e2e/**/*.test.ts'],
          ...browserTest,
        },
      },
    ],
  },
});

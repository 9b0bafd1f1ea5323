/** A server in a process of its own, to be killed: `serve.ts MODEL HOME [CLI]` prints its address. */
import { startServer } from '../index.ts';

const [modelFolder, home, cli] = process.argv.slice(2) as [string, string, string | undefined];
const server = await startServer({
  ...{ port: 0, modelFolder, home, cli },
  ...{ databaseUrl: process.env.DATABASE_URL, workerProgram: process.env.PARLEY_TEST_WORKER },
});
process.stdout.write(`${server.url}\n`);
process.once('SIGTERM', () => server.close().then(() => process.exit(0)));

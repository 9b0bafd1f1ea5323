/** A server in a process of its own, to be killed: `serve.ts MODEL HOME` prints its address. */
import { startServer } from '../index.ts';

const [modelFolder, home] = process.argv.slice(2) as [string, string];
const server = await startServer({ port: 0, modelFolder, home });
process.stdout.write(`${server.url}\n`);
process.once('SIGTERM', () => server.close().then(() => process.exit(0)));

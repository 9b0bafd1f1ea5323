import type { Command } from 'commander';
import { z } from 'zod';
import { addFlags, readFlags } from '../flags.ts';
import { formatsSchema } from '../formats.ts';
import { parleyHome } from '../home.ts';
import { shippedModel } from '../shipped-model.ts';

const serveSchema = z.object({
  model: z.string().default('').describe('model folder; empty takes the one that ships with Parley'),
  port: z
    .int()
    .min(0)
    .max(65_535)
    .default(3000)
    .describe('port to listen on, 0 for any free one; or PORT in the environment'),
  host: z.string().default('127.0.0.1').describe('address to listen on; 0.0.0.0 lets the network in'),
  draftsEvery: z
    .int()
    .min(0)
    .default(8)
    .describe('one answer in so many comes as two drafts to choose between; 0: none'),
  ...formatsSchema.shape,
});

export function define(command: Command): void {
  addFlags(command, serveSchema);
  command.addHelpText('after', '\nPARLEY_HOME in the environment is where the database lies (default ~/.parley).');
  command.action(async (flags) => {
    const fromEnvironment = process.env.PORT ? { port: Number(process.env.PORT) } : {};
    const { model, port, host, draftsEvery, weights, cache } = readFlags(serveSchema, flags, fromEnvironment);
    const { ensureWebBundle } = await import('../web-bundle.ts');
    const { startServer } = await import('@parley/server');
    const { pino } = await import('pino');
    const say = (line: string) => void process.stderr.write(`${line}\n`);

    const server = await startServer({
      port,
      host,
      draftsEvery,
      weights,
      cache,
      modelFolder: model || shippedModel(),
      home: parleyHome(),
      webFolder: ensureWebBundle(say),
      logger: pino({ level: 'warn' }, pino.destination(2)),
    });
    say(`Parley is at ${server.url} (Ctrl-C ends it)`);
    await untilSignal();
    say('ending: letting answers finish …');
    await server.close();
  });
}

/** Resolves at the first SIGINT or SIGTERM; a second one ends the process at once. */
function untilSignal(): Promise<void> {
  return new Promise((resolve) => {
    let asked = false;
    const onSignal = () => {
      if (asked) process.exit(130);
      asked = true;
      resolve();
    };
    process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  });
}

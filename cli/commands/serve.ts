import type { Command } from 'commander';
import { z } from 'zod';
import { UsageError } from '../errors.ts';
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
  publicUrl: z
    .union([z.literal(''), z.url({ protocol: /^https?$/ })])
    .default('')
    .describe('where people reach the server if a proxy stands before it; or PARLEY_PUBLIC_URL in the environment'),
  draftsEvery: z
    .int()
    .min(0)
    .default(8)
    .describe(
      'one answer in so many comes as two drafts to choose between, until the settings page says otherwise; 0: none',
    ),
  logLevel: z
    .enum(['error', 'warn', 'info', 'debug'])
    .default('warn')
    .describe('info logs every request, as JSON on standard error'),
  ...formatsSchema.shape,
});

const environmentHelp = `
In the environment:
  PARLEY_HOME       where the server keeps its files (default ~/.parley)
  DATABASE_URL      postgresql://… keeps accounts and conversations there instead of in PARLEY_HOME
  PARLEY_SMTP_URL   smtp://user:password@host:587 sends links for new passwords by mail …
  PARLEY_MAIL_FROM  … from this sender: Parley <parley@example.org>`;

/** Answers have half of it to end by themselves. */
const longestEndMilliseconds = 10_000;

export function define(command: Command): void {
  addFlags(command, serveSchema);
  command.addHelpText('after', environmentHelp);
  command.action(async (flags) => {
    const { PORT, PARLEY_PUBLIC_URL, DATABASE_URL } = process.env;
    const { model, publicUrl, logLevel, ...options } = readFlags(serveSchema, flags, {
      ...(PORT && { port: Number(PORT) }),
      ...(PARLEY_PUBLIC_URL && { publicUrl: PARLEY_PUBLIC_URL }),
    });
    const { ensureWebBundle } = await import('../web-bundle.ts');
    const { startServer } = await import('@parley/server');
    const { pino } = await import('pino');
    const say = (line: string) => void process.stderr.write(`${line}\n`);

    const server = await startServer({
      ...options,
      modelFolder: model || shippedModel(),
      home: parleyHome(),
      databaseUrl: DATABASE_URL,
      publicUrl: publicUrl || undefined,
      mail: mailFromEnvironment(),
      webFolder: ensureWebBundle(say),
      logger: pino({ level: logLevel }, pino.destination(2)),
    });
    say(`Parley is at ${server.url} (Ctrl-C ends it)`);
    await untilSignal();
    say('ending: letting answers finish …');
    // Whatever hangs, those who supervise the process are not kept waiting.
    setTimeout(() => process.exit(1), longestEndMilliseconds).unref();
    await server.close();
  });
}

function mailFromEnvironment(): { url: string; from: string } | undefined {
  const { PARLEY_SMTP_URL: url, PARLEY_MAIL_FROM: from } = process.env;
  if (!url) return undefined;
  if (from) return { url, from };
  throw new UsageError('PARLEY_SMTP_URL is set but PARLEY_MAIL_FROM is not: say whom mail comes from.');
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

import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';

/**
 * Prints the bytes that a step leaves on the JavaScript heap when `requests` answers grow by a token each: the least of
 * five runs of steps, as what V8 does once in a while, such as compiling, is no step's.
 */
const program = (requests: number) => `
  import { PerformanceObserver } from 'node:perf_hooks';
  import { modelConfigSchema, samplingSchema } from '@parley/contracts';
  import { Random } from '@parley/engine';
  import { Generator } from '@parley/lm/generate';
  import { Llama } from '@parley/lm/models';
  import { characterTokenizer } from '@parley/lm/tokenizer';

  const config = { vocab_size: 64, hidden_size: 16, intermediate_size: 16, num_hidden_layers: 2,
    num_attention_heads: 2, num_key_value_heads: 1, head_dim: 8, max_position_embeddings: 4096 };
  const model = new Llama(modelConfigSchema.parse(config), new Random(1));
  const characters = Array.from({ length: 64 }, (_, index) => String.fromCodePoint(48 + index)).join('');
  const generator = new Generator(model, characterTokenizer(characters), { slots: ${requests} });
  const [warm, timed, runs] = [1000, 300, 5];
  let before = 0;
  let collections = 0;
  new PerformanceObserver((list) => { collections += list.getEntries().length; }).observe({ entryTypes: ['gc'] });
  const left = [];
  const count = new Int32Array(1);
  const onToken = () => {
    const steps = ++count[0] - warm;
    if (steps < 0 || steps % timed !== 0) return;
    const now = process.memoryUsage().heapUsed;
    if (steps > 0) left.push(collections > 0 ? NaN : (now - before) / timed);
    if (left.length === runs) {
      console.log(Math.min(...left));
      process.exit();
    }
    before = process.memoryUsage().heapUsed;
    collections = 0;
  };
  for (let index = 0; index < ${requests}; index++) {
    const sampling = samplingSchema.parse({ temperature: 1, topP: 0.9, repetitionPenalty: 1.1, maxTokens: 4000, seed: index });
    void generator.generate({ prompt: [1, 2, 3], sampling, onToken: index === 0 ? onToken : undefined });
  }
`;

function bytesPerStep(requests: number): number {
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  const flags = ['--min-semi-space-size=256', '--max-semi-space-size=256', '--import', tsx, '--input-type=module'];
  return Number(execFileSync(process.execPath, [...flags, '--eval', program(requests)], { encoding: 'utf8' }));
}

test('a token leaves no garbage: a step’s does not grow with the number of answers', { timeout: 60_000 }, () => {
  const [few, many] = [bytesPerStep(1), bytesPerStep(33)];
  // Tensors of a step; NaN if a collection hid something.
  expect(few).toBeGreaterThan(0);
  expect((many - few) / 32).toBeLessThan(16);
});

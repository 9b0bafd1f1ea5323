/**
 * A real model, trained here in about two seconds: whatever it is asked, it recites one of a few mixed English,
 * Chinese and emoji texts, round and round, so that it never ends an answer by itself. Which text is a matter
 * of the seed. Tests decide how long its answers are.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { modelConfigSchema } from '@parley/contracts';
import { AdamW, backward, Random, scope } from '@parley/engine';
import { saveModel } from '@parley/lm/checkpoint';
import { Llama } from '@parley/lm/models';
import { type Tokenizer, trainTokenizer } from '@parley/lm/tokenizer';

const recitals = [
  'The quick brown fox 🦊 jumps over the lazy dog, and the dog 🐕 sleeps on. ',
  '今天天气很好，我们去公园散步吧。你好，世界！🌏🚀 ',
  'Voilà: naïve café, 你好 means hello 👋 and 谢谢 means thank you 🙏. ',
];

export const tinyModelName = 'tiny';
/** Long, so that an answer takes seconds to fill it. */
export const tinyModelContext = 4096;

const batch = 8;
const length = 96;
const steps = 200;

/**
 * @param idleLayers layers that compute and add nothing: they slow the model down to the pace of a larger one
 * @returns the model's folder, new
 */
export function writeTinyModel({ name = tinyModelName, context = tinyModelContext, idleLayers = 0 } = {}): string {
  const random = new Random(1);
  const tokenizer = trainTokenizer({ texts: [...recitals, ...recitals], vocabulary: 320 });
  const config = modelConfigSchema.parse({
    vocab_size: tokenizer.vocabulary,
    hidden_size: 64,
    intermediate_size: 128,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    head_dim: 16,
    max_position_embeddings: context,
  });
  const pupil = new Llama(config, random);
  teach(pupil, tokenizer, random);
  const model = withIdleLayers(pupil, idleLayers);

  const folder = join(mkdtempSync(join(tmpdir(), 'parley-model-')), name);
  saveModel(folder, model, tokenizer, {
    name,
    stage: 'sft',
    parent: null,
    data: null,
    recipe: {},
    seed: 1,
    metrics: {},
  });
  return folder;
}

/** All weights of an added layer are zero, so both of its branches add zero to the residual stream. */
function withIdleLayers(model: Llama, count: number): Llama {
  if (count === 0) return model;
  const deeper = new Llama({ ...model.config, num_hidden_layers: model.config.num_hidden_layers + count });
  for (const { name } of model.parameters.specs) {
    deeper.parameters.get(name).data.set(model.parameters.get(name).data);
  }
  return deeper;
}

function teach(model: Llama, tokenizer: Tokenizer, random: Random): void {
  const optimizer = new AdamW(model.parameters, { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0 });
  for (let step = 0; step < steps; step++) {
    const ids = new Int32Array(batch * length);
    const targets = new Int32Array(batch * length).fill(-1);
    for (let row = 0; row < batch; row++) fillRow(row * length, ids, targets, tokenizer, random);
    scope(() => backward(model.loss(ids, targets, { batch, length }).loss));
    optimizer.step(4e-3 * Math.min(1, (steps - step) / 100), 1);
    model.parameters.zeroGradients();
  }
}

/** One conversation: any words, answered by a recital. */
function fillRow(start: number, ids: Int32Array, targets: Int32Array, tokenizer: Tokenizer, random: Random): void {
  const pick = () => recitals[random.integer(recitals.length)]!;
  const question = Array.from(pick()).slice(0, random.integer(12)).join('');
  const prompt = tokenizer.renderChat([{ role: 'user', content: question }], { open: true }).ids;
  const tokens = [...prompt, ...tokenizer.encode(pick().repeat(8))];
  for (let i = 0; i < length; i++) {
    ids[start + i] = tokens[i]!;
    if (i + 1 >= prompt.length) targets[start + i] = tokens[i + 1]!;
  }
}

/** A program for `workerProgram` that answers every question with the question. */
export const echoWorker = join(import.meta.dirname, 'echo-worker.ts');

import { type Sampling, samplingSchema } from '@parley/contracts';
import { inference, precision, setPrecision } from '@parley/engine';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ContextLengthError } from './context-length-error.ts';
import { decidedModel, decidedTokenizer } from './decided-model.ts';
import { type GenerationRequest, Generator } from './generator.ts';

const usual = precision();
beforeAll(() => setPrecision('f32'));
afterAll(() => setPrecision(usual));

const tokenizer = decidedTokenizer;
const context = 700;
const model = decidedModel(context);

const sampling = (settings: Partial<Sampling> = {}): Sampling =>
  samplingSchema.parse({ temperature: 1, maxTokens: 12, seed: 1, ...settings });
const request = (text: string, settings: Partial<Sampling> = {}): GenerationRequest => ({
  prompt: tokenizer.encode(text),
  sampling: sampling(settings),
});
const newGenerator = (slots = 4) => new Generator(model, tokenizer, { slots });

/** The model's own log-probabilities of the next token, from a whole forward pass. */
function nextLogProbabilities(ids: readonly number[]): number[] {
  const logits = inference(() => {
    const hidden = model.hidden(Int32Array.from(ids), { batch: 1, length: ids.length });
    return [...model.logits(hidden).data.slice(-264).subarray(0, tokenizer.vocabulary)];
  });
  const normalizer = Math.log(logits.reduce((sum, value) => sum + Math.exp(value), 0));
  return logits.map((value) => value - normalizer);
}

describe('Generator', () => {
  it('takes at temperature 0 what a whole forward pass finds most likely', async () => {
    const { prompt } = request('hello');
    const { ids } = await newGenerator().generate({ prompt, sampling: sampling({ temperature: 0 }) });
    const tokens = [...prompt];
    for (const id of ids) {
      const next = nextLogProbabilities(tokens);
      expect(id).toBe(next.indexOf(Math.max(...next)));
      tokens.push(id);
    }
    expect(ids.length).toBeGreaterThan(0);
  });

  it('scores each token under the model’s distribution, whatever the sampling', async () => {
    const generation = await newGenerator().generate({
      ...request('hello', { temperature: 0.7, topK: 50, repetitionPenalty: 1.3 }),
      logProbabilities: true,
      topLogProbabilities: 2,
    });
    const tokens = tokenizer.encode('hello');
    for (const [index, { id, logProbability, alternatives }] of generation.scores.entries()) {
      const expected = nextLogProbabilities(tokens);
      expect(logProbability).toBeCloseTo(expected[id]!, 4);
      expect(alternatives[0]!.logProbability).toBeCloseTo(Math.max(...expected), 4);
      expect(alternatives).toHaveLength(2);
      tokens.push(generation.ids[index]!);
    }
    expect(generation.scores.map(({ id }) => id)).toEqual(generation.ids);
  });

  it.each(['f32', 'bf16'] as const)(
    'answers the same alone, in company, and in more company than there are slots (%s)',
    async (products) => {
      setPrecision(products);
      const requests = Array.from({ length: 9 }, (_, i) =>
        request('prompt '.repeat(1 + 7 * i), { seed: i, maxTokens: 5 + 4 * i }),
      );
      const alone = [];
      for (const each of requests) alone.push(await newGenerator(1).generate(each));
      for (const slots of [3, 9]) {
        const generator = newGenerator(slots);
        const company = await Promise.all(requests.map((each) => generator.generate(each)));
        expect(company.map(({ ids, text }) => ({ ids, text }))).toEqual(alone.map(({ ids, text }) => ({ ids, text })));
        expect(generator.stats()).toMatchObject({ slots, active: 0, queued: 0 });
      }
      setPrecision('f32');
    },
  );

  it.each([
    { weights: 'int8', cache: 'bf16' },
    { weights: 'bf16', cache: 'int8' },
    { weights: 'int8', cache: 'int8' },
  ] as const)('answers the same alone and in company with $weights weights and $cache cache', async (formats) => {
    setPrecision('bf16');
    const requests = Array.from({ length: 6 }, (_, i) =>
      request('prompt '.repeat(8) + 'x'.repeat(7 * i), { seed: i, maxTokens: 5 + 4 * i }),
    );
    const alone = [];
    for (const each of requests)
      alone.push(await new Generator(model, tokenizer, { slots: 1, ...formats }).generate(each));
    const generator = new Generator(model, tokenizer, { slots: 6, ...formats });
    const first = await generator.generate(requests[0]!);
    const company = await Promise.all(requests.map((each) => generator.generate(each)));
    // The prompts begin alike: what the first one left is shared by all.
    expect(generator.stats().reusedPromptTokens).toBeGreaterThanOrEqual(6 * 'prompt '.repeat(8).length - 6);
    expect(first.ids).toEqual(alone[0]!.ids);
    expect(company.map(({ ids }) => ids)).toEqual(alone.map(({ ids }) => ids));
    model.parameters.unpack();
    setPrecision('f32');
  });

  it('joins requests that come while others run', async () => {
    const generator = newGenerator(2);
    let late: Promise<unknown> | undefined;
    let together = 0;
    const early = generator.generate({
      ...request('early', { maxTokens: 30, temperature: 0 }),
      onToken: () => {
        late ??= generator.generate(request('late', { maxTokens: 3, temperature: 0 }));
        together = Math.max(together, generator.stats().active);
      },
    });
    await early;
    await late;
    expect(together).toBe(2);
  });

  it('answers the same while another generator lays the model’s weights out in another format', async () => {
    setPrecision('bf16');
    const generators = (['bf16', 'int8'] as const).map(
      (weights) => new Generator(model, tokenizer, { slots: 2, weights }),
    );
    const scores = async (generator: Generator) =>
      (await generator.generate({ ...request('to whom', { maxTokens: 6 }), logProbabilities: true })).scores;
    const alone = [await scores(generators[0]!), await scores(generators[1]!)];
    expect(alone[0]).not.toEqual(alone[1]);
    expect(await Promise.all(generators.map(scores))).toEqual(alone);
    setPrecision('f32');
  });

  it('reads a prompt longer than one step in chunks to the same end', async () => {
    const { prompt } = request('abcdefgh'.repeat(80), { temperature: 0 });
    const { ids } = await newGenerator().generate({ prompt, sampling: sampling({ temperature: 0, maxTokens: 3 }) });
    const next = nextLogProbabilities(prompt);
    expect(ids[0]).toBe(next.indexOf(Math.max(...next)));
  });

  it('reads only what is new of a prompt whose beginning a slot still holds, to the same answer', async () => {
    const generator = newGenerator(2);
    const first = request('a shared beginning of some length, then one');
    const second = request('a shared beginning of some length, then another', { seed: 4 });
    const shared = tokenizer.encode('a shared beginning of some length, then ').length;
    await generator.generate(first);
    const reused = await generator.generate(second);
    expect(generator.stats().reusedPromptTokens).toBeGreaterThanOrEqual(shared);
    expect(reused.ids).toEqual((await newGenerator().generate(second)).ids);
    // While the first one runs its slot is copied instead.
    const busy = newGenerator(2);
    let copied: Promise<{ ids: number[] }> | undefined;
    await busy.generate({ ...first, onToken: () => (copied ??= busy.generate(second)) });
    expect((await copied)?.ids).toEqual(reused.ids);
    expect(busy.stats().reusedPromptTokens).toBeGreaterThanOrEqual(shared);
  });

  it('gives the same answer for the same seed and another for another', async () => {
    const generator = newGenerator();
    const [a, b, c] = await Promise.all(
      [1, 1, 2].map((seed) => generator.generate(request('seed', { seed, maxTokens: 30 }))),
    );
    expect(a!.ids).toEqual(b!.ids);
    expect(a!.ids).not.toEqual(c!.ids);
  });

  it('goes on from an answer that hit its limit as if it had not', async () => {
    const generator = newGenerator();
    const { prompt } = request('continue');
    const whole = await generator.generate({ prompt, sampling: sampling({ temperature: 0, maxTokens: 20 }) });
    const start = await generator.generate({ prompt, sampling: sampling({ temperature: 0, maxTokens: 8 }) });
    expect(start.finishReason).toBe('length');
    const rest = await generator.generate({
      prompt: [...prompt, ...start.ids],
      sampling: sampling({ temperature: 0, maxTokens: 12 }),
    });
    expect([...start.ids, ...rest.ids]).toEqual(whole.ids);
  });

  it('ends at maxTokens, and when the context is full', async () => {
    const generator = new Generator(model, tokenizer, { slots: 1, context: 20 });
    const limited = await generator.generate(request('0123456789', { maxTokens: 4, temperature: 0 }));
    expect(limited).toMatchObject({ finishReason: 'length', ids: { length: 4 }, promptTokens: 10 });
    const full = await generator.generate(request('0123456789', { maxTokens: 400, temperature: 0 }));
    expect(full).toMatchObject({ finishReason: 'length', ids: { length: 10 } });
  });

  it('ends at a special token, which is no part of the answer', async () => {
    const generation = await newGenerator().generate({
      ...request('end', { temperature: 2, maxTokens: 600, seed: 2 }),
      logProbabilities: true,
    });
    expect(generation.finishReason).toBe('stop');
    expect(Object.values(tokenizer.special)).toContain(generation.end!.id);
    expect(generation.end!.score!.logProbability).toBeLessThan(0);
    expect(generation.ids).not.toContain(generation.end!.id);
  });

  it('never draws an id that the tokenizer does not have', async () => {
    const generation = await newGenerator().generate(request('pad', { temperature: 2, maxTokens: 300 }));
    expect(Math.max(...generation.ids)).toBeLessThan(260);
  });

  it('streams pieces that join to the text, and ends before a stop string', async () => {
    const generator = newGenerator();
    const deltas: string[] = [];
    const settings = { maxTokens: 60, seed: 6 };
    const free = await generator.generate({ ...request('stream', settings), onText: (delta) => deltas.push(delta) });
    expect(deltas.join('')).toBe(free.text);
    const stop = free.text.slice(10, 13);
    const stopped = await generator.generate(request('stream', { ...settings, stop: [stop] }));
    expect(stopped).toMatchObject({
      finishReason: 'stop',
      text: free.text.slice(0, free.text.indexOf(stop)),
      end: null,
    });
  });

  it('frees the slot within one token of an abort and returns what there is', async () => {
    const generator = newGenerator(1);
    const controller = new AbortController();
    let tokens = 0;
    const cancelled = generator.generate({
      ...request('abort', { maxTokens: 500, temperature: 0 }),
      signal: controller.signal,
      onToken: () => {
        if (++tokens === 3) controller.abort();
      },
    });
    const waiting = generator.generate(request('next', { maxTokens: 1, temperature: 0 }));
    expect(await cancelled).toMatchObject({ finishReason: 'cancelled', ids: { length: 3 } });
    expect((await waiting).ids).toHaveLength(1);
    expect(generator.stats()).toMatchObject({ active: 0, queued: 0, generatedTokens: 4 });
  });

  it('lets a waiting request go when it is aborted', async () => {
    const generator = newGenerator(1);
    const running = generator.generate(request('run', { maxTokens: 30, temperature: 0 }));
    const controller = new AbortController();
    const waiting = generator.generate({ ...request('wait'), signal: controller.signal });
    controller.abort();
    expect(await waiting).toMatchObject({ finishReason: 'cancelled', ids: [], text: '' });
    expect((await running).ids).toHaveLength(30);
  });

  it('fails only the request whose callback throws', async () => {
    const generator = newGenerator();
    const throwing = generator.generate({
      ...request('bad'),
      onToken: () => {
        throw new Error('listener broke');
      },
    });
    const [bad, good] = await Promise.allSettled([throwing, generator.generate(request('good'))]);
    expect(bad).toMatchObject({ status: 'rejected', reason: { message: 'listener broke' } });
    expect(good.status).toBe('fulfilled');
    expect(generator.stats().active).toBe(0);
  });

  it('refuses prompts that are empty, too long or of another tokenizer', async () => {
    const generator = newGenerator();
    await expect(generator.generate({ prompt: [], sampling: sampling() })).rejects.toThrow(/prompt is empty/);
    const long = { prompt: new Array<number>(context).fill(5), sampling: sampling() };
    await expect(generator.generate(long)).rejects.toThrow(ContextLengthError);
    await expect(generator.generate(long)).rejects.toThrow(
      /maximum context length is 700 tokens, but the prompt takes 700/,
    );
    await expect(generator.generate({ prompt: [5000], sampling: sampling() })).rejects.toThrow(
      /token 5000, but .* ends at 263/,
    );
  });
});

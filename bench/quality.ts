/**
 * What 8-bit weights and an 8-bit cache cost: perplexity on held-out text and how often the most likely token is the
 * same, against 16-bit ones. Text is read as generation reads it, through the cache, so what is measured is what
 * serves.
 */
import { type CacheFormat, inference, KeyValueCache, setPrecision, type WeightFormat } from '@parley/engine';
import { loadModel } from '@parley/lm/checkpoint';
import { readDemonstrations, readDocuments } from '@parley/lm/data';
import type { Llama } from '@parley/lm/models';

export interface QualityFigures {
  perplexity: number;
  /** Perplexity divided by that of 16-bit weights and cache. */
  perplexityRatio: number;
  /** Share of tokens at which the most likely next one is that of 16-bit weights and cache. */
  agreement: number;
}

export interface QualityBenchmark {
  tokens: { documents: number; conversations: number };
  formats: {
    weights: WeightFormat;
    cache: CacheFormat;
    documents: QualityFigures;
    conversations: QualityFigures;
  }[];
}

const formats: { weights: WeightFormat; cache: CacheFormat }[] = [
  { weights: 'bf16', cache: 'bf16' },
  { weights: 'int8', cache: 'bf16' },
  { weights: 'bf16', cache: 'int8' },
  { weights: 'int8', cache: 'int8' },
];

/**
 * @param folder of a model
 * @param data folder of `parley data build`: its validation documents and conversations are read
 * @param tokens how many to read of each
 */
export function benchQuality(folder: string, data: string, tokens = 16_384): QualityBenchmark {
  setPrecision('bf16');
  const { model, tokenizer } = loadModel(folder);
  const length = Math.min(model.config.max_position_embeddings, 512);
  const documents = function* () {
    for (const { text } of readDocuments(data, 'validation')) yield tokenizer.encode(text);
  };
  const conversations = function* () {
    for (const { messages } of readDemonstrations(data, 'validation')) yield tokenizer.renderChat(messages).ids;
  };
  const windows = {
    documents: cutIntoWindows(documents(), length, tokens),
    conversations: cutIntoWindows(conversations(), length, tokens),
  };
  const measured = formats.map((format) => {
    model.parameters.pack(format.weights);
    const newCache = () => cacheOf(model, length, format.cache);
    return {
      ...format,
      documents: readWindows(model, windows.documents, newCache()),
      conversations: readWindows(model, windows.conversations, newCache()),
    };
  });
  const reference = measured[0]!;
  return {
    tokens: { documents: reference.documents.best.length, conversations: reference.conversations.best.length },
    formats: measured.map(({ weights, cache, documents, conversations }) => ({
      weights,
      cache,
      documents: against(reference.documents, documents),
      conversations: against(reference.conversations, conversations),
    })),
  };
}

/** Texts one after the other, in whole windows of `length` tokens and the one that follows. */
function cutIntoWindows(texts: Iterable<readonly number[]>, length: number, tokens: number): Int32Array[] {
  const windows: Int32Array[] = [];
  let rest: number[] = [];
  for (const text of texts) {
    rest.push(...text);
    while (rest.length > length) {
      windows.push(Int32Array.from(rest.slice(0, length + 1)));
      rest = rest.slice(length);
      if (windows.length * length >= tokens) return windows;
    }
  }
  if (windows.length === 0) throw new RangeError(`The data has no ${length + 1} held-out tokens; build more of it.`);
  return windows;
}

function cacheOf({ config }: Llama, length: number, format: CacheFormat): KeyValueCache {
  return new KeyValueCache({
    layers: config.num_hidden_layers,
    slots: 1,
    length,
    keyValueHeads: config.num_key_value_heads,
    headDim: config.head_dim,
    format,
  });
}

interface Reading {
  /** Sum of negative log-probabilities, nats. */
  loss: number;
  /** The most likely next token, at each token. */
  best: number[];
}

function readWindows(model: Llama, windows: Int32Array[], cache: KeyValueCache): Reading {
  const reading: Reading = { loss: 0, best: [] };
  const rows = 128;
  for (const window of windows) {
    for (let start = 0; start + 1 < window.length; start += rows) {
      const ids = window.subarray(start, Math.min(start + rows, window.length - 1));
      const positions = ids.map((_, index) => start + index);
      inference(() => {
        const logits = model.logits(model.forwardCached(ids, cache, new Int32Array(ids.length), positions));
        const vocabulary = logits.shape[1]!;
        for (let row = 0; row < ids.length; row++) {
          const own = logits.data.subarray(row * vocabulary, (row + 1) * vocabulary);
          let best = 0;
          for (let id = 1; id < vocabulary; id++) if (own[id]! > own[best]!) best = id;
          let sum = 0;
          for (let id = 0; id < vocabulary; id++) sum += Math.exp(own[id]! - own[best]!);
          reading.loss += own[best]! + Math.log(sum) - own[window[start + row + 1]!]!;
          reading.best.push(best);
        }
      });
    }
  }
  return reading;
}

function against(reference: Reading, reading: Reading): QualityFigures {
  const count = reading.best.length;
  const same = reading.best.filter((id, index) => id === reference.best[index]).length;
  return {
    perplexity: Math.exp(reading.loss / count),
    perplexityRatio: Math.exp((reading.loss - reference.loss) / count),
    agreement: same / count,
  };
}

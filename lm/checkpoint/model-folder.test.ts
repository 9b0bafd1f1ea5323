import {
  appendFileSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { modelConfigSchema } from '@parley/contracts';
import { Random } from '@parley/engine';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Llama } from '../models/index.ts';
import { trainTokenizer } from '../tokenizer/index.ts';
import { type Lineage, loadModel, saveModel, weightsOf } from './model-folder.ts';
import { SafetensorsFile, writeSafetensors } from './safetensors.ts';

const root = mkdtempSync(join(tmpdir(), 'parley-model-'));
afterAll(() => rmSync(root, { recursive: true }));
const original = join(root, 'original');
const folder = join(root, 'copy');

const tokenizer = trainTokenizer({ texts: ['hello hello 你好你好'], vocabulary: 263 });
const config = modelConfigSchema.parse({
  vocab_size: 263,
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 4,
  max_position_embeddings: 64,
});
const model = new Llama(config, new Random(1));
const lineage: Lineage = {
  name: 'tiny',
  stage: 'pretrain',
  parent: null,
  data: { name: 'hello', hash: 'abc' },
  recipe: { depth: 2 },
  seed: 1,
  metrics: { validationLoss: 2.5 },
};

beforeAll(() => {
  saveModel(original, model, tokenizer, lineage);
});
beforeEach(() => cpSync(original, folder, { recursive: true }));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const edit = (name: string, change: (value: Record<string, unknown>) => unknown) => {
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify(change(JSON.parse(readFileSync(path, 'utf8')))));
};

describe('a model folder', () => {
  it('brings back every bit, the tokenizer and the lineage', () => {
    const loaded = loadModel(folder);
    expect(loaded.model.parameters.values).toEqual(model.parameters.values);
    expect(loaded.model.config).toMatchObject({ ...config, eos_token_id: 2, pad_token_id: 3 });
    expect(loaded.tokenizer.hash).toBe(tokenizer.hash);
    expect(loaded.manifest).toMatchObject({
      ...lineage,
      format: 'parley-model/1',
      tokenizerHash: tokenizer.hash,
      parameters: model.parameters.count,
    });
  });

  it('holds the files and names that Hugging Face expects', () => {
    expect(readdirSync(folder).sort()).toEqual([
      'config.json',
      'generation_config.json',
      'manifest.json',
      'model.safetensors',
      'special_tokens_map.json',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
    const file = SafetensorsFile.open(join(folder, 'model.safetensors'));
    const attention = [...file.tensors].filter(([name]) => name.startsWith('model.layers.1.self_attn'));
    expect(attention.map(([name, { shape }]) => [name, ...shape])).toEqual([
      ['model.layers.1.self_attn.q_proj.weight', 16, 16],
      ['model.layers.1.self_attn.k_proj.weight', 8, 16],
      ['model.layers.1.self_attn.v_proj.weight', 8, 16],
      ['model.layers.1.self_attn.o_proj.weight', 16, 16],
    ]);
    expect(file.tensors.has('lm_head.weight')).toBe(false);
    file.close();
  });

  it('is half the size in bf16, within its rounding', () => {
    const half = join(root, 'half');
    saveModel(half, model, tokenizer, lineage, { dtype: 'BF16' });
    const loaded = loadModel(half).model.parameters.values;
    const values = model.parameters.values;
    expect(loaded.every((value, i) => Math.abs(value - values[i]!) <= Math.abs(values[i]!) / 256)).toBe(true);
    expect(loadModel(half).model.config.torch_dtype).toBe('bfloat16');
  });

  it('loads shards and untied heads made elsewhere, without a manifest, Hugging Face’s defaults left out', () => {
    const untied = new Llama({ ...config, tie_word_embeddings: false, num_key_value_heads: 4 }, new Random(2));
    const weights = weightsOf(untied);
    const shards = {
      'model-00001-of-00002.safetensors': weights.slice(0, 9),
      'model-00002-of-00002.safetensors': weights.slice(9),
    };
    const map: Record<string, string> = {};
    for (const [name, tensors] of Object.entries(shards)) {
      writeSafetensors(join(folder, name), tensors);
      for (const tensor of tensors) map[tensor.name] = name;
    }
    rmSync(join(folder, 'model.safetensors'));
    rmSync(join(folder, 'manifest.json'));
    writeFileSync(join(folder, 'model.safetensors.index.json'), JSON.stringify({ metadata: {}, weight_map: map }));
    edit('config.json', () => ({
      model_type: 'llama',
      vocab_size: 263,
      hidden_size: 16,
      intermediate_size: 24,
      num_hidden_layers: 2,
      num_attention_heads: 4,
      rms_norm_eps: 1e-5,
      rope_parameters: { rope_type: 'default', rope_theta: 1234 },
      dtype: 'float32',
      unknown_key: [1],
    }));
    const loaded = loadModel(folder);
    expect(loaded.model.parameters.values).toEqual(untied.parameters.values);
    expect(loaded.model.config).toMatchObject({
      tie_word_embeddings: false,
      rope_theta: 1234,
      head_dim: 4,
      unknown_key: [1],
    });
    expect(loaded.manifest).toMatchObject({ stage: 'imported', name: 'copy', parent: null });
  });

  const faults: [string, () => void, RegExp][] = [
    ['a missing folder', () => rmSync(folder, { recursive: true }), /there is no folder .*copy/],
    [
      'missing weights',
      () => rmSync(join(folder, 'model.safetensors')),
      /is not a model folder: it has no model\.safetensors/,
    ],
    ['a missing tokenizer', () => rmSync(join(folder, 'tokenizer.json')), /it has no tokenizer\.json/],
    ['a torn config.json', () => truncateSync(join(folder, 'config.json'), 20), /config\.json is not a JSON object/],
    [
      'another architecture',
      () => edit('config.json', (c) => ({ ...c, model_type: 'qwen2' })),
      /describes a 'qwen2' model; Parley runs 'llama'/,
    ],
    ['biases', () => edit('config.json', (c) => ({ ...c, attention_bias: true })), /attention_bias is true/],
    [
      'scaled rotary positions',
      () => edit('config.json', (c) => ({ ...c, rope_scaling: { rope_type: 'llama3' } })),
      /rotary scaling of type 'llama3'/,
    ],
    [
      'a changed weight',
      () => flipBit('model.safetensors', 5000),
      /weights in .* are damaged or were changed.*remove manifest\.json if/,
    ],
    [
      'another tokenizer',
      () => appendFileSync(join(folder, 'tokenizer.json'), '\n'),
      /is not the tokenizer that the model was trained with/,
    ],
    [
      'cut weights',
      () => truncateSync(join(folder, 'model.safetensors'), 4000),
      /model\.safetensors is not a usable safetensors file: it is cut/,
    ],
    [
      'a tokenizer larger than the embedding',
      () => {
        rmSync(join(folder, 'manifest.json'));
        trainTokenizer({ texts: ['hello hello 你好你好'.repeat(2)], vocabulary: 265 }).save(folder);
      },
      /does not fit the model: it has 265 tokens, the embedding 263 rows/,
    ],
    [
      'a config of another shape',
      () => {
        rmSync(join(folder, 'manifest.json'));
        edit('config.json', (c) => ({ ...c, intermediate_size: 32 }));
      },
      /'model\.layers\.0\.mlp\.gate_proj\.weight' with shape \[24, 16\], but config\.json asks for \[32, 16\]/,
    ],
    [
      'a config with more layers',
      () => edit('config.json', (c) => ({ ...c, num_hidden_layers: 3 })),
      /lack 'model\.layers\.2/,
    ],
    [
      'a manifest that is none',
      () => writeFileSync(join(folder, 'manifest.json'), '{}'),
      /is not a Parley manifest: format/,
    ],
  ];
  it.each(faults)('says what is wrong with %s', (_, damage, message) => {
    damage();
    expect(() => loadModel(folder)).toThrow(message);
  });

  it('replaces an older folder of the same name, and leaves it when saving fails', () => {
    saveModel(folder, new Llama(config, new Random(5)), tokenizer, { ...lineage, name: 'second' });
    expect(loadModel(folder).manifest.name).toBe('second');
    expect(() => saveModel(folder, model, tokenizer, { ...lineage, name: '' })).toThrow();
    expect(loadModel(folder).manifest.name).toBe('second');
  });
});

function flipBit(name: string, offset: number): void {
  const path = join(folder, name);
  const bytes = readFileSync(path);
  bytes[offset]! ^= 1;
  writeFileSync(path, bytes);
}

/**
 * llama.cpp's own benchmark (built by install-llama-cpp.sh) at a known model's dimensions with random weights:
 *
 *   tsx bench/peers/llama-cpp.ts SIZE bf16|q8_0 BATCH PROMPT
 *
 * prints { tokensPerSecond, promptTokensPerSecond } as JSON: answers together while they grow by 32 tokens, and one
 * prompt alone. Its cache is its default, 16-bit floats. The model file is written on first use; GGUF is documented in
 * llama.cpp's repository, ggml/docs/gguf.md.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, openSync, renameSync, writeSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { decodeSizes } from '../decode.ts';

const installed = join(import.meta.dirname, '.installed');
const types = { f32: 0, q8_0: 8, bf16: 30 };
type WeightType = 'bf16' | 'q8_0';
interface TensorSpec {
  name: string;
  rows: number;
  columns: number;
  type: keyof typeof types;
}

function tensorsOf(size: (typeof decodeSizes)[keyof typeof decodeSizes], type: WeightType): TensorSpec[] {
  const { hidden_size: width, intermediate_size: inner, head_dim: headDim } = size;
  const [queries, keys] = [size.num_attention_heads * headDim, size.num_key_value_heads * headDim];
  const matrix = (name: string, rows: number, columns: number) => ({ name, rows, columns, type });
  const norm = (name: string) => ({ name, rows: 1, columns: width, type: 'f32' as const });
  const blocks = Array.from({ length: size.num_hidden_layers }, (_, layer) => [
    norm(`blk.${layer}.attn_norm.weight`),
    matrix(`blk.${layer}.attn_q.weight`, queries, width),
    matrix(`blk.${layer}.attn_k.weight`, keys, width),
    matrix(`blk.${layer}.attn_v.weight`, keys, width),
    matrix(`blk.${layer}.attn_output.weight`, width, queries),
    norm(`blk.${layer}.ffn_norm.weight`),
    matrix(`blk.${layer}.ffn_gate.weight`, inner, width),
    matrix(`blk.${layer}.ffn_up.weight`, inner, width),
    matrix(`blk.${layer}.ffn_down.weight`, width, inner),
  ]);
  return [matrix('token_embd.weight', size.vocab_size, width), ...blocks.flat(), norm('output_norm.weight')];
}

/** Random numbers of about 0.02 in size, in the tensor's type; norms are ones. */
function dataOf({ rows, columns, type }: TensorSpec, noise: () => number): Buffer {
  const count = rows * columns;
  if (type === 'f32') return Buffer.from(new Float32Array(count).fill(1).buffer);
  if (type === 'bf16') {
    const floats = Float32Array.from({ length: count }, () => 0.04 * (noise() - 0.5));
    const bits = new Uint32Array(floats.buffer);
    return Buffer.from(Uint16Array.from(bits, (word) => word >>> 16).buffer);
  }
  const blockOf32 = 34; // the scale as a 16-bit float, and 32 signed bytes
  const scale = 0x0900; // 2^-12.5, so that the bytes reach ±0.02
  const data = Buffer.alloc((count / 32) * blockOf32);
  for (let at = 0; at < data.length; at += blockOf32) {
    data.writeUInt16LE(scale, at);
    for (let i = 2; i < blockOf32; i++) data[at + i] = Math.floor(255 * noise() - 127);
  }
  return data;
}

function writeModel(name: keyof typeof decodeSizes, type: WeightType): string {
  const path = join(installed, `${name}-${type}.gguf`);
  if (existsSync(path)) return path;
  const size = decodeSizes[name];
  const tensors = tensorsOf(size, type);
  let state = 1;
  const noise = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };

  const u32 = (value: number) => Buffer.from(Uint32Array.of(value).buffer);
  const u64 = (value: number) => Buffer.from(BigUint64Array.of(BigInt(value)).buffer);
  const f32 = (value: number) => Buffer.from(Float32Array.of(value).buffer);
  const text = (value: string) => Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)]);
  const [uint32Type, float32Type, stringType] = [4, 6, 8];
  const number = (key: string, value: number) => Buffer.concat([text(key), u32(uint32Type), u32(value)]);
  const real = (key: string, value: number) => Buffer.concat([text(key), u32(float32Type), f32(value)]);
  const string = (key: string, value: string) => Buffer.concat([text(key), u32(stringType), text(value)]);
  const fields = [
    string('general.architecture', 'llama'),
    number('llama.vocab_size', size.vocab_size),
    number('llama.context_length', size.max_position_embeddings),
    number('llama.embedding_length', size.hidden_size),
    number('llama.block_count', size.num_hidden_layers),
    number('llama.feed_forward_length', size.intermediate_size),
    number('llama.attention.head_count', size.num_attention_heads),
    number('llama.attention.head_count_kv', size.num_key_value_heads),
    number('llama.rope.dimension_count', size.head_dim),
    real('llama.rope.freq_base', size.rope_theta),
    real('llama.attention.layer_norm_rms_epsilon', 1e-5),
    string('tokenizer.ggml.model', 'no_vocab'),
  ];

  const alignment = 32;
  const padded = (length: number) => Math.ceil(length / alignment) * alignment;
  let offset = 0;
  const infos = tensors.map((tensor) => {
    const { rows, columns, type: own } = tensor;
    const shape = rows === 1 ? [columns] : [columns, rows];
    const info = [text(tensor.name), u32(shape.length), ...shape.map(u64), u32(types[own]), u64(offset)];
    const bytes = { f32: 4, bf16: 2, q8_0: 34 / 32 }[own];
    offset += padded(rows * columns * bytes);
    return Buffer.concat(info);
  });
  const header = Buffer.concat([
    Buffer.from('GGUF'),
    u32(3),
    u64(tensors.length),
    u64(fields.length),
    ...fields,
    ...infos,
  ]);
  const file = openSync(`${path}.tmp`, 'w');
  const write = (bytes: Buffer) =>
    writeSync(file, Buffer.concat([bytes, Buffer.alloc(padded(bytes.length) - bytes.length)]));
  write(header);
  for (const tensor of tensors) write(dataOf(tensor, noise));
  closeSync(file);
  renameSync(`${path}.tmp`, path);
  return path;
}

const [size = 'smollm2-135m', type = 'bf16', batch = '1', prompt = '512'] = process.argv.slice(2);
const program = join(installed, 'llama.cpp/bin/llama-batched-bench');
if (!existsSync(program)) {
  throw new Error('llama.cpp is not built. Run: sh bench/peers/install-llama-cpp.sh');
}
const generated = 32;
const context = Number(batch) * (Number(prompt) + generated) + 512;
const options = ['-npp', prompt, '-ntg', String(generated), '-npl', `1,${batch}`, '-c', String(context)];
const output = execFileSync(
  program,
  [
    '-m',
    writeModel(size as keyof typeof decodeSizes, type as WeightType),
    ...options,
    '-t',
    String(availableParallelism()),
    '--output-format',
    'jsonl',
  ],
  { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
);
const rows = output
  .split('\n')
  .filter((line) => line.startsWith('{'))
  .map((line) => JSON.parse(line) as { pl: number; speed_pp: number; speed_tg: number });
const alone = rows.find(({ pl }) => pl === 1)!;
const together = rows.findLast(({ pl }) => pl === Number(batch))!;
console.log(JSON.stringify({ tokensPerSecond: together.speed_tg, promptTokensPerSecond: alone.speed_pp }));

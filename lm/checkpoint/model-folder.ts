/**
 * A model on disk: a Hugging Face folder that transformers, vLLM and llama.cpp's converter read as it is, plus our
 * manifest with the lineage.
 *
 *     config.json  model.safetensors  generation_config.json  tokenizer.json  tokenizer_config.json  manifest.json
 *
 * Folders made elsewhere load too: any Llama with the same features, one file or shards, no manifest.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { type Manifest, type ModelConfig, manifestSchema, modelConfigSchema } from '@parley/contracts';
import { countParameters, Llama } from '../models/llama.ts';
import { Tokenizer } from '../tokenizer/index.ts';
import { writeFileAtomic, writeFolderAtomic } from './atomic.ts';
import { hashFile, SafetensorsFile, writeSafetensors } from './safetensors.ts';

/** The folder does not hold a model that Parley can run; the message names the file, the fault and the fix. */
export class ModelFolderError extends Error {
  override name = 'ModelFolderError';
}

/** What a recipe knows about a model; the rest of the manifest is computed when it is saved. */
export type Lineage = Omit<
  Manifest,
  'format' | 'weightsHash' | 'tokenizerHash' | 'parameters' | 'codeVersion' | 'createdAt'
>;

/**
 * Writes the folder whole or not at all; one of the same name is replaced.
 * @param dtype how weights are stored: F32 keeps every bit, BF16 halves the file
 * @returns the manifest as written
 */
export function saveModel(
  folder: string,
  model: Llama,
  tokenizer: Tokenizer,
  lineage: Lineage,
  { dtype = 'F32' }: { dtype?: 'F32' | 'BF16' } = {},
): Manifest {
  const { special } = tokenizer;
  const ends = ['<|im_end|>', '<|endoftext|>'].flatMap((token) => special[token] ?? []);
  const pad = special['<|pad|>'] ?? null;
  const config: ModelConfig = {
    ...model.config,
    eos_token_id: model.config.eos_token_id ?? ends[0] ?? null,
    pad_token_id: model.config.pad_token_id ?? pad,
    torch_dtype: dtype === 'F32' ? 'float32' : 'bfloat16',
  };
  const generation = {
    eos_token_id: ends.length > 0 ? ends : null,
    pad_token_id: pad,
    do_sample: true,
    max_length: config.max_position_embeddings,
  };
  let manifest: Manifest | undefined;
  writeFolderAtomic(folder, (temporary) => {
    const writeJson = (name: string, value: unknown) =>
      writeFileAtomic(join(temporary, name), `${JSON.stringify(value, null, 2)}\n`);
    writeJson('config.json', config);
    writeJson('generation_config.json', generation);
    tokenizer.save(temporary);
    manifest = manifestSchema.parse({
      ...lineage,
      format: 'parley-model/1',
      weightsHash: writeSafetensors(join(temporary, 'model.safetensors'), weightsOf(model), { dtype }),
      tokenizerHash: hashFile(join(temporary, 'tokenizer.json')),
      parameters: model.parameters.count,
      codeVersion: codeVersion(),
      createdAt: new Date().toISOString(),
    });
    writeJson('manifest.json', manifest);
  });
  return manifest!;
}

/**
 * Reads a folder written by saveModel or by Hugging Face.
 * @returns the manifest is made up (stage 'imported', named after the folder) where there is none
 * @throws ModelFolderError, SafetensorsError
 */
export function loadModel(folder: string): { model: Llama; tokenizer: Tokenizer; manifest: Manifest } {
  const config = readConfig(folder);
  const stored = readManifest(folder);
  const tokenizerPath = need(folder, 'tokenizer.json');
  const tokenizerHash = hashFile(tokenizerPath);
  if (stored && stored.tokenizerHash !== tokenizerHash) {
    throw new ModelFolderError(
      `${tokenizerPath} is not the tokenizer that the model was trained with ` +
        `(hash ${tokenizerHash.slice(0, 12)}…, manifest.json says ${stored.tokenizerHash.slice(0, 12)}…); copy the folder again`,
    );
  }
  const tokenizer = Tokenizer.load(folder);
  if (tokenizer.vocabulary > config.vocab_size) {
    throw new ModelFolderError(
      `the tokenizer in ${folder} does not fit the model: it has ${tokenizer.vocabulary} tokens, the embedding ${config.vocab_size} rows; ` +
        'put the tokenizer.json that the model was trained with beside it',
    );
  }
  const files = weightFiles(folder);
  // A cut file is told as such, before its hash says no more than that it differs.
  for (const path of files) SafetensorsFile.open(path).close();
  const weightsHash = hashOf(files);
  if (stored && stored.weightsHash !== weightsHash) {
    throw new ModelFolderError(
      `the weights in ${folder} are damaged or were changed (hash ${weightsHash.slice(0, 12)}…, manifest.json says ${stored.weightsHash.slice(0, 12)}…); ` +
        'copy the folder again, or remove manifest.json if the change was meant',
    );
  }
  const model = readWeights(folder, files, config);
  return { model, tokenizer, manifest: stored ?? importedManifest(folder, config, weightsHash, tokenizerHash) };
}

/**
 * A model's values under Hugging Face's names, as views: the merged attention and SwiGLU matrices appear as the
 * row blocks that they are made of. Reading fills the views, writing stores them.
 */
export function weightsOf(model: Llama): { name: string; shape: number[]; data: Float32Array }[] {
  const { config, parameters } = model;
  const queryRows = config.num_attention_heads * config.head_dim;
  const keyValueRows = config.num_key_value_heads * config.head_dim;
  const parts: Record<string, [name: string, rows: number][]> = {
    'self_attn.qkv_proj': [
      ['self_attn.q_proj', queryRows],
      ['self_attn.k_proj', keyValueRows],
      ['self_attn.v_proj', keyValueRows],
    ],
    'mlp.gate_up_proj': [
      ['mlp.gate_proj', config.intermediate_size],
      ['mlp.up_proj', config.intermediate_size],
    ],
  };
  return parameters.specs.flatMap(({ name, shape }) => {
    const values = parameters.get(name).data;
    const merged = Object.keys(parts).find((part) => name.includes(part));
    if (!merged) return [{ name, shape: [...shape], data: values }];
    const width = config.hidden_size;
    let row = 0;
    return parts[merged]!.map(([part, rows]) => {
      const data = values.subarray(row * width, (row + rows) * width);
      row += rows;
      return { name: name.replace(merged, part), shape: [rows, width], data };
    });
  });
}

function readWeights(folder: string, paths: string[], config: ModelConfig): Llama {
  const files: SafetensorsFile[] = [];
  try {
    for (const path of paths) files.push(SafetensorsFile.open(path));
    const model = new Llama(config);
    for (const { name, shape, data } of weightsOf(model)) {
      const file = files.find((candidate) => candidate.tensors.has(name));
      if (!file)
        throw new ModelFolderError(
          `the weights in ${folder} lack '${name}', which config.json asks for; copy the folder again`,
        );
      const found = file.tensors.get(name)!.shape;
      if (found.join() !== shape.join()) {
        throw new ModelFolderError(
          `${file.path} holds '${name}' with shape [${found.join(', ')}], but config.json asks for [${shape.join(', ')}]; the two files belong to different models`,
        );
      }
      file.read(name, data);
    }
    return model;
  } finally {
    for (const file of files) file.close();
  }
}

/** One file, or the shards that an index names, in a fixed order. */
function weightFiles(folder: string): string[] {
  const single = join(folder, 'model.safetensors');
  const index = join(folder, 'model.safetensors.index.json');
  if (existsSync(single) || !existsSync(index)) return [need(folder, 'model.safetensors')];
  const { weight_map: map } = readJson(index);
  if (typeof map !== 'object' || map === null) throw new ModelFolderError(`${index} has no weight_map; copy it again`);
  return [...new Set(Object.values(map as Record<string, string>))].sort().map((name) => need(folder, basename(name)));
}

/** Hugging Face leaves out what equals its defaults, and version 5 moved the rotary base; fill in what we read. */
function readConfig(folder: string): ModelConfig {
  const path = need(folder, 'config.json');
  const raw = readJson(path);
  if (raw.model_type !== 'llama') {
    throw new ModelFolderError(`${path} describes a '${raw.model_type}' model; Parley runs 'llama' models`);
  }
  const rope = (raw.rope_parameters ?? raw.rope_scaling ?? {}) as Record<string, unknown>;
  const ropeType = rope.rope_type ?? rope.type ?? 'default';
  if (ropeType !== 'default') {
    throw new ModelFolderError(
      `${path} asks for rotary scaling of type '${ropeType}'; Parley runs unscaled rotary positions only`,
    );
  }
  const heads = Number(raw.num_attention_heads);
  const parsed = modelConfigSchema.safeParse({
    num_key_value_heads: heads,
    max_position_embeddings: 2048,
    rope_theta: rope.rope_theta ?? 10000,
    rms_norm_eps: 1e-6,
    tie_word_embeddings: false,
    ...raw,
    head_dim: raw.head_dim ?? Number(raw.hidden_size) / heads,
  });
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const field = issue.path.join('.');
  throw new ModelFolderError(
    `${path} does not describe a model that Parley runs: ${field} is ${JSON.stringify(raw[field])} (${issue.message})`,
  );
}

function readManifest(folder: string): Manifest | null {
  const path = join(folder, 'manifest.json');
  if (!existsSync(path)) return null;
  const parsed = manifestSchema.safeParse(readJson(path));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw new ModelFolderError(
    `${path} is not a Parley manifest: ${issue.path.join('.')} (${issue.message}); copy it again or remove it`,
  );
}

function importedManifest(folder: string, config: ModelConfig, weightsHash: string, tokenizerHash: string): Manifest {
  return {
    format: 'parley-model/1',
    name: basename(resolve(folder)),
    weightsHash,
    tokenizerHash,
    parameters: countParameters(config),
    stage: 'imported',
    parent: null,
    data: null,
    recipe: {},
    seed: 0,
    codeVersion: 'imported',
    createdAt: statSync(join(folder, 'config.json')).mtime.toISOString(),
    metrics: {},
  };
}

/** Of one file: its SHA-256. Of shards: the SHA-256 over theirs. */
function hashOf(paths: string[]): string {
  const hashes = paths.map(hashFile);
  return hashes.length === 1 ? hashes[0]! : createHash('sha256').update(hashes.join()).digest('hex');
}

function need(folder: string, name: string): string {
  const path = join(folder, name);
  if (existsSync(path)) return path;
  throw new ModelFolderError(
    existsSync(folder)
      ? `${folder} is not a model folder: it has no ${name}`
      : `there is no folder ${folder}; give the path of a model folder`,
  );
}

function readJson(path: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new ModelFolderError(`${path} is not a JSON object; copy it again`);
}

function codeVersion(): string {
  return JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version;
}

/** The recipes as a library; the command line imports each file by itself, so that its help never waits for the engine. */

export { evaluate } from './evaluate.ts';
export { StoppedError } from './interruption.ts';
export { loop } from './loop.ts';
export { type Preset, presets } from './presets/index.ts';
export { pretrain } from './pretrain.ts';
export { sft } from './sft.ts';
export { tokenizer } from './tokenizer.ts';

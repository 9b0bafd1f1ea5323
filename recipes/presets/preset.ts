import type { EvaluateRecipe, PretrainRecipe, SftRecipe, TokenizerRecipe } from '@parley/contracts';

export type Stage = 'tokenizer' | 'pretrain' | 'sft' | 'evaluate';

/** Settings that override the defaults of one or more stages. */
export interface Preset {
  summary: string;
  /** The data preset that `parley data build` knows, for presets that run the whole loop. */
  data?: string;
  tokenizer?: Partial<TokenizerRecipe>;
  pretrain?: Partial<PretrainRecipe>;
  sft?: Partial<SftRecipe>;
  evaluate?: Partial<EvaluateRecipe>;
}

import type {
  EvaluateRecipe,
  PpoRecipe,
  PretrainRecipe,
  RewardRecipe,
  SftRecipe,
  TokenizerRecipe,
} from '@parley/contracts';

export type Stage = 'tokenizer' | 'pretrain' | 'sft' | 'evaluate';

/** Settings that override the defaults of one or more stages. */
export interface Preset {
  summary: string;
  /** The data preset that `parley data build` knows, for presets that run the whole loop. */
  data?: string;
  tokenizer?: Partial<TokenizerRecipe>;
  pretrain?: Partial<PretrainRecipe>;
  sft?: Partial<SftRecipe>;
  /** Rounds of rankings, reward model and PPO; without it a loop ends with fine-tuning. */
  align?: {
    iterations: number;
    /** Questions of each task whose answers are ranked in a round. */
    questions: number;
    /** Answers to each of them. */
    answers: number;
  };
  reward?: Partial<RewardRecipe>;
  ppo?: Partial<PpoRecipe>;
  evaluate?: Partial<EvaluateRecipe>;
}

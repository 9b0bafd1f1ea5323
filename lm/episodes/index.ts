export { encodeEpisode, encodePrompt, endOfTurn } from './encode.ts';
export {
  answerLogProbabilities,
  answerValues,
  type Episode,
  type EpisodeBatch,
  episodeScores,
  groupsOf,
  layOut,
  measureScores,
  measureTokens,
  partsOf,
} from './episodes.ts';
export { FisherMatrix } from './fisher.ts';
export { answerFlops, learningFlops, rolloutFlops } from './flops.ts';
export { type Rollout, rollOut } from './rollout.ts';

export { benchDecode, type DecodeBenchmark, type DecodeOptions, decodeSizes } from './decode.ts';
export { benchGemm, type GemmBenchmark, type MeasuredProduct, type ProductShape } from './gemm.ts';
export { benchGeneration, benchPpo } from './ppo.ts';
export { benchQuality, type QualityBenchmark, type QualityFigures } from './quality.ts';
export { benchTokenizer, type TokenizerBenchmark } from './tokenizer.ts';
export { benchTrain, parseTrainSize, type TrainBenchmark, type TrainSize } from './train.ts';

export { benchGemm, type GemmBenchmark, type MeasuredProduct, type ProductShape } from './gemm.ts';
export { benchTrain, parseTrainSize, type TrainBenchmark, type TrainSize } from './train.ts';

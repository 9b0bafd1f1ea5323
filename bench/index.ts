export { type TrainBenchmark, type TrainSize, benchTrain, parseTrainSize } from './train.ts';

export { benchTrain, parseTrainSize, type TrainBenchmark, type TrainSize } from './train.ts';

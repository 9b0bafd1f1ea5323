export { DiskFullError, flush, writeFileAtomic, writeFolderAtomic } from './atomic.ts';
export { lineChart, lossChart, type Series } from './curves.ts';
export { type Lineage, loadModel, ModelFolderError, saveModel, weightsOf } from './model-folder.ts';
export { Progress } from './progress.ts';
export { type Report, type ReportTable, writeReport } from './report.ts';
export { type Checkpoint, type CheckpointContent, RunConfigError, RunDirectory, readMetrics } from './run-directory.ts';
export { holderOf, isAlive, type ProcessIdentity, RunLockedError, startOf } from './run-lock.ts';
export { hashFile, SafetensorsError, SafetensorsFile, writeSafetensors } from './safetensors.ts';

/** Learning-rate schedules: linear warm-up, then a way down to a floor. */

export interface Schedule {
  /** After warm-up: cosine or straight line to the floor over all steps, or stable and then straight down (wsd). */
  schedule: 'cosine' | 'wsd' | 'linear';
  /** Peak learning rate. */
  learningRate: number;
  /** Steps of linear warm-up; step 0 already takes 1/warmup of the peak. */
  warmup: number;
  /** Final learning rate as a share of the peak, 0..1. */
  floor: number;
  /** wsd: share of the steps spent decaying, 0..1. */
  decayShare: number;
  /** All optimizer steps. */
  steps: number;
}

/**
 * The learning rate of optimizer step `step`, counted from 0 to `steps - 1`. The last step has gone nearly the
 * whole way: the floor itself is reached at `step === steps`.
 */
export function learningRateAt(step: number, options: Schedule): number {
  const { schedule, learningRate, warmup, floor, decayShare, steps } = options;
  if (step < warmup) return (learningRate * (step + 1)) / warmup;
  const decayStart = schedule === 'wsd' ? Math.max(warmup, Math.round(steps * (1 - decayShare))) : warmup;
  if (step < decayStart) return learningRate;
  const progress = Math.min(1, (step - decayStart) / Math.max(1, steps - decayStart));
  const remaining = schedule === 'cosine' ? (1 + Math.cos(Math.PI * progress)) / 2 : 1 - progress;
  return learningRate * (floor + (1 - floor) * remaining);
}

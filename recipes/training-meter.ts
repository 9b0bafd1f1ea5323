/** Keeps the time and the mean loss of a run over all its attempts, so that a resumed run tells the same losses. */
import type { Metric } from '@parley/contracts';
import type { Checkpoint } from '@parley/lm/checkpoint';

/** The speed shown is an average over about the last 1 / (1 - smoothing) steps. */
const smoothing = 0.95;

export class TrainingMeter {
  /** Training tokens per second, lately. */
  tokensPerSecond = 0;
  private readonly started = performance.now();
  private readonly earlierSeconds: number;
  private stepStarted = 0;
  private stepSeconds = 0;
  private tokens = 0;
  private lossSum = 0;
  private lossCount = 0;

  constructor(resumeFrom: Checkpoint | null) {
    this.earlierSeconds = resumeFrom?.seconds ?? 0;
    const state = resumeFrom?.state as ReturnType<TrainingMeter['state']> | undefined;
    if (state)
      ({
        stepSeconds: this.stepSeconds,
        tokens: this.tokens,
        lossSum: this.lossSum,
        lossCount: this.lossCount,
      } = state);
  }

  /** Wall-clock time since the run began, earlier attempts up to their last checkpoint included. */
  get seconds(): number {
    return this.earlierSeconds + (performance.now() - this.started) / 1000;
  }

  /** Training tokens per second of optimizer steps over the whole run; evaluation is not counted. */
  get meanTokensPerSecond(): number {
    return this.tokens / Math.max(this.stepSeconds, 1e-9);
  }

  startStep(): void {
    this.stepStarted = performance.now();
  }

  endStep(loss: number, tokens: number): void {
    const seconds = (performance.now() - this.stepStarted) / 1000;
    const rate = tokens / seconds;
    this.tokensPerSecond = this.tokensPerSecond ? smoothing * this.tokensPerSecond + (1 - smoothing) * rate : rate;
    this.stepSeconds += seconds;
    this.tokens += tokens;
    this.lossSum += loss;
    this.lossCount++;
  }

  /** A line of metrics; the mean of the training loss starts anew after it. */
  metric(line: Pick<Metric, 'step' | 'stage' | 'learningRate' | 'gradientNorm' | 'validationLoss'>): Metric {
    const loss = this.lossSum / this.lossCount;
    this.lossSum = 0;
    this.lossCount = 0;
    return {
      ...line,
      loss,
      tokens: this.tokens,
      tokensPerSecond: Math.round(this.tokensPerSecond),
      seconds: Number(this.seconds.toFixed(3)),
    };
  }

  /** For the checkpoint. */
  state(): { stepSeconds: number; tokens: number; lossSum: number; lossCount: number } {
    return {
      stepSeconds: this.stepSeconds,
      tokens: this.tokens,
      lossSum: this.lossSum,
      lossCount: this.lossCount,
    };
  }
}

/** Loaded into a process that is to be measured: it answers every message over IPC with what it took so far. */
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';

export interface ProcessFigures {
  /** Of this process alone, user and system. */
  processorMilliseconds: number;
  /** What is left after a collection, where node runs with --expose-gc. */
  heapBytes: number;
  /** By how much the event loop was late since the last question, in milliseconds. */
  loopDelay: { p50: number; p95: number; p99: number; max: number };
  /** The share of the time since the last question in which the event loop had something to do. */
  loopUtilization: number;
}

const resolution = 10;
const delay = monitorEventLoopDelay({ resolution });
delay.enable();
let lastUtilization = performance.eventLoopUtilization();

process.on('message', (collect: boolean) => {
  const { user, system } = process.cpuUsage();
  const late = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - resolution);
  const utilization = performance.eventLoopUtilization();
  const figures: ProcessFigures = {
    processorMilliseconds: (user + system) / 1000,
    loopDelay: {
      ...{ p50: late(delay.percentile(50)), p95: late(delay.percentile(95)) },
      ...{ p99: late(delay.percentile(99)), max: late(delay.max) },
    },
    loopUtilization: performance.eventLoopUtilization(utilization, lastUtilization).utilization,
    heapBytes: 0,
  };
  lastUtilization = utilization;
  if (collect) global.gc?.();
  figures.heapBytes = process.memoryUsage().heapUsed;
  delay.reset();
  process.send!(figures);
});

/** `report.json` of the recipes: keys that others measure by. Losses are nats per token. */
import { z } from 'zod';

export const pretrainReportSchema = z.looseObject({
  tokens: z.int(),
  seconds: z.number(),
  tokensPerSecond: z.number(),
  /** Over the whole validation part. */
  validationLoss: z.number(),
  bitsPerByte: z.number(),
});

export const taskReportSchema = z.record(
  z.string(),
  z.looseObject({ items: z.int(), base: z.number().describe('exact-match share, 0..1'), sft: z.number() }),
);

export const sftReportSchema = z.looseObject({
  seconds: z.number(),
  heldOutLoss: z.object({ base: z.number(), sft: z.number() }),
  tasks: taskReportSchema.optional(),
});

export const loopReportSchema = z.looseObject({
  seconds: z.number(),
  stages: z.looseObject({
    tokenizer: z.looseObject({ seconds: z.number(), vocabulary: z.int() }),
    pretrain: pretrainReportSchema,
    sft: sftReportSchema.extend({ tasks: taskReportSchema }),
  }),
});
export type PretrainReport = z.infer<typeof pretrainReportSchema>;
export type SftReport = z.infer<typeof sftReportSchema>;
export type LoopReport = z.infer<typeof loopReportSchema>;

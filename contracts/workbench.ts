/**
 * The workbench, where trainers rank, label and write, under `/api/workbench`. Open to trainers and administrators;
 * guidelines, lists of prompts and deletion to administrators only.
 *
 *   GET    /overview?utcOffset=minutes         → Overview               utcOffset: as JavaScript's getTimezoneOffset
 *   POST   /lease                              → { task: Task | null }  body: { kind }; null: nothing is left for this person
 *   POST   /tasks/:id/heartbeat                → { heldUntil }          409 if somebody else holds it by now
 *   PUT    /tasks/:id/draft                    → { heldUntil }          body: DraftRequest
 *   POST   /tasks/:id/submit                   → Contribution           body: SubmitRequest
 *   POST   /tasks/:id/skip                     → 204                    never handed to this person again
 *   POST   /tasks/:id/release                  → 204                    kept as it is, for later or for others
 *   GET    /contributions                      → { contributions: Contribution[] }   one's own, newest first
 *   POST   /contributions/:id/undo             → { task: Task | null }  back to a draft: one of the last five; null: held by somebody
 *   DELETE /contributions/:id                  → 204                    withdraws it from all snapshots to come
 *   GET    /guidelines                         → Guidelines
 *   PUT    /guidelines                         → Guidelines             body: Guidelines
 *   GET    /thumbs                             → { thumbs: ThumbedMessage[] }    thumbs down, newest first
 *   POST   /tasks/from-thumbs                  → { made: number }       body: FromThumbsRequest
 *   POST   /tasks/import                       → { made: number }       body: ImportRequest
 *   GET    /tasks                              → { tasks: TaskEntry[], people: PersonAgreement[] }
 *   GET    /tasks/:id                          → TaskDetail
 *   DELETE /tasks/:id                          → 204                    with everything that was said about it
 */
import { z } from 'zod';
import { chatMessageSchema } from './demonstration.ts';
import { feedbackReasonSchema } from './feedback.ts';

export const taskKinds = ['rank', 'demonstrate', 'label'] as const;
export const taskKindSchema = z.enum(taskKinds);
export type TaskKind = z.infer<typeof taskKindSchema>;

/** What a label says: keys that every language has words and help for. */
export const labelQuestions = ['answers', 'language'] as const;
export const labelFlags = ['untrue', 'unsafe', 'offensive', 'personal', 'repetitive', 'nonsense'] as const;
export const labelScales = ['quality', 'helpfulness', 'style'] as const;

const comment = z.string().max(4000).default('');

/** Ranks from 1, the best; equal ranks are ties. An answer that is missing has no rank yet. */
export const rankContentSchema = z.object({
  kind: z.literal('rank'),
  ranks: z.record(z.string(), z.int().min(1).max(9)),
  /** None of the answers is good, whatever their order. */
  noneGood: z.boolean(),
  comment,
});
export type RankContent = z.infer<typeof rankContentSchema>;

export const demonstrateContentSchema = z.object({
  kind: z.literal('demonstrate'),
  /** Both roles, in turns. */
  messages: z
    .array(chatMessageSchema.extend({ role: z.enum(['user', 'assistant']), content: z.string().max(32_000) }))
    .max(40),
});
export type DemonstrateContent = z.infer<typeof demonstrateContentSchema>;

export const labelContentSchema = z.object({
  kind: z.literal('label'),
  questions: z.partialRecord(z.enum(labelQuestions), z.boolean()),
  flags: z.array(z.enum(labelFlags)),
  /** 1, very bad, to 5, very good. */
  scales: z.partialRecord(z.enum(labelScales), z.int().min(1).max(5)),
  comment,
});
export type LabelContent = z.infer<typeof labelContentSchema>;

export const contentSchema = z.discriminatedUnion('kind', [
  rankContentSchema,
  demonstrateContentSchema,
  labelContentSchema,
]);
export type Content = z.infer<typeof contentSchema>;

const workSchema = z.object({
  content: contentSchema,
  /** Spent on the task so far, with the page in sight. */
  milliseconds: z.int().min(0).max(86_400_000),
});
export const draftRequestSchema = workSchema;
export const submitRequestSchema = workSchema;
export type Work = z.infer<typeof workSchema>;

/** A task as it is handed to a person. */
export const taskSchema = z.object({
  id: z.string(),
  kind: taskKindSchema,
  /** Empty for a demonstration of one's own choice. */
  prompt: z.array(chatMessageSchema),
  /** In the order drawn for this person. */
  answers: z.array(z.object({ id: z.string(), content: z.string() })),
  /** What this person has saved of it. */
  draft: contentSchema.nullable(),
  milliseconds: z.int(),
  heldUntil: z.int(),
});
export type Task = z.infer<typeof taskSchema>;

export const leaseSchema = z.object({ task: taskSchema.nullable() });
export const heldSchema = z.object({ heldUntil: z.int() });

export const contributionSchema = z.object({
  id: z.string(),
  taskId: z.string(),
  kind: taskKindSchema,
  /** The last thing that was asked; empty for a conversation of one's own. */
  prompt: z.string(),
  submittedAt: z.int(),
  milliseconds: z.int(),
  withdrawn: z.boolean(),
  undoable: z.boolean(),
  /** Names of the snapshots that hold it, and ids of the models that learned from them, in the order of time. */
  snapshots: z.array(z.string()),
  models: z.array(z.string()),
});
export type Contribution = z.infer<typeof contributionSchema>;

/** Mean Kendall rank correlation (tau-b) with others who ranked the same answers: 1 the same, 0 unrelated, −1 reversed. */
const agreementSchema = z.object({ tau: z.number(), tasks: z.int(), people: z.int() });
export type Agreement = z.infer<typeof agreementSchema>;

export const overviewSchema = z.object({
  kinds: z.record(
    taskKindSchema,
    z.object({
      /** Tasks left for this person. */
      open: z.int(),
      /** Median time that one takes people; null: nobody has done one yet. */
      millisecondsEach: z.number().nullable(),
    }),
  ),
  /** Days in a row, ending today or yesterday, on which this person handed something in. */
  streak: z.int(),
  doneToday: z.boolean(),
  /** Null until somebody else has ranked the same answers. */
  agreement: agreementSchema.nullable(),
  /** The last five that were handed in, newest first. */
  recent: z.array(contributionSchema),
  /** Contributions that are in at least one snapshot. */
  used: z.int(),
});
export type Overview = z.infer<typeof overviewSchema>;

/** Markdown. */
export const guidelinesSchema = z.object({ en: z.string().max(50_000), zh: z.string().max(50_000) });
export type Guidelines = z.infer<typeof guidelinesSchema>;

export const thumbedMessageSchema = z.object({
  feedbackId: z.string(),
  question: z.string(),
  answer: z.string(),
  reasons: z.array(feedbackReasonSchema),
  comment: z.string(),
  betterAnswer: z.string(),
  createdAt: z.int(),
  /** The ranking task made of it. */
  taskId: z.string().nullable(),
});
export type ThumbedMessage = z.infer<typeof thumbedMessageSchema>;

const answerCount = z.int().min(2).max(9).default(4);
export const fromThumbsRequestSchema = z.object({
  feedbackIds: z.array(z.uuid('not an id')).min(1).max(1000),
  answers: answerCount,
});
export const importRequestSchema = z.object({
  kind: taskKindSchema,
  prompts: z.array(z.string().trim().min(1).max(8000)).min(1).max(1000),
  answers: answerCount,
});
export type ImportRequest = z.input<typeof importRequestSchema>;
export const madeSchema = z.object({ made: z.int() });

export const taskStateSchema = z.enum(['preparing', 'open', 'done', 'failed']);
export const taskEntrySchema = z.object({
  id: z.string(),
  kind: taskKindSchema,
  /** 'preparing': the model writes its answers; 'done': as many people as were wanted have said something. */
  state: taskStateSchema,
  failure: z.string().nullable(),
  question: z.string(),
  answers: z.int(),
  peopleWanted: z.int(),
  contributions: z.int(),
  held: z.boolean(),
  /** Of rankings by two people or more. */
  tau: z.number().nullable(),
  fromThumb: z.boolean(),
  createdAt: z.int(),
});
export type TaskEntry = z.infer<typeof taskEntrySchema>;

export const personAgreementSchema = z.object({
  userId: z.string(),
  name: z.string(),
  contributions: z.int(),
  agreement: agreementSchema.nullable(),
});
export type PersonAgreement = z.infer<typeof personAgreementSchema>;

export const taskListSchema = z.object({ tasks: z.array(taskEntrySchema), people: z.array(personAgreementSchema) });

/** A task with what everybody said about it. */
export const taskDetailSchema = taskEntrySchema.extend({
  prompt: z.array(chatMessageSchema),
  answerTexts: z.array(
    z.object({ id: z.string(), content: z.string(), model: z.string().nullable(), seed: z.int().nullable() }),
  ),
  said: z.array(
    z.object({
      name: z.string(),
      content: contentSchema,
      /** Answer ids in the order in which this person was shown them. */
      shownOrder: z.array(z.string()),
      milliseconds: z.int(),
      submittedAt: z.int(),
    }),
  ),
  /** All rankings as one, by ranked pairs: a rank for each of `answerTexts`; null without rankings. */
  merged: z.array(z.int()).nullable(),
});
export type TaskDetail = z.infer<typeof taskDetailSchema>;

/**
 * What questions and answers are checked for, what was decided, and how people object, under `/api`.
 *
 *   GET    /api/decisions                      → { decisions: Decision[] }      about oneself, newest first
 *   GET    /api/conversations/:id/decisions    → { decisions: Decision[] }      oldest first
 *   POST   /api/decisions/:id/appeal           → Decision                       body: { text }
 *   POST   /api/messages/:id/verify            → { claims: Claim[] }            409 if there are no documents
 *   GET    /api/safety/settings                → SafetySettings                 administrators, as all below
 *   PUT    /api/safety/settings                → SafetySettings                 body: SafetySettings
 *   GET    /api/safety/decisions?appealed=true → { decisions: ReviewedDecision[] }   newest first
 *   POST   /api/safety/decisions/:id/ruling    → ReviewedDecision               body: { ruling, text }
 */
import { z } from 'zod';

/** From the mildest: 'pass' only notes it, 'warn' says so beside the message, 'mask' hides the place, 'refuse' ends. */
export const safetyActions = ['pass', 'warn', 'mask', 'refuse'] as const;
export const safetyActionSchema = z.enum(safetyActions);
export type SafetyAction = z.infer<typeof safetyActionSchema>;

/** Personal data: found by its form and, where it has one, its check digit. */
export const personalDataKinds = ['email', 'phone', 'identityCard', 'creditCard'] as const;
export type PersonalDataKind = (typeof personalDataKinds)[number];

const ruleSchema = z.object({
  input: z.union([safetyActionSchema, z.literal('off')]),
  output: z.union([safetyActionSchema, z.literal('off')]),
});
export type SafetyRule = z.infer<typeof ruleSchema>;

/** Rules about a whole text have no place to hide. */
const wholeActionSchema = z.enum(['off', 'pass', 'warn']);

export const wordListSchema = z.object({
  name: z.string().trim().min(1).max(60),
  ...ruleSchema.shape,
  /** Words or phrases. Letters with spaces between words match whole words only, Han text anywhere. */
  words: z.array(z.string().trim().min(1).max(60)).max(2_000),
});
export type WordList = z.infer<typeof wordListSchema>;

const defaultWordLists: WordList[] = [
  {
    name: 'insults',
    input: 'off',
    output: 'mask',
    words: ['idiot', 'moron', 'asshole', 'son of a bitch', '傻逼', '白痴', '混蛋', '王八蛋', '去死吧'],
  },
  {
    name: 'weapons',
    input: 'refuse',
    output: 'refuse',
    words: ['how to make a bomb', 'build a pipe bomb', 'synthesize sarin', '制造炸弹', '自制炸药', '合成沙林'],
  },
];

export const safetySettingsSchema = z.object({
  wordLists: z.array(wordListSchema).max(20).default(defaultWordLists),
  personalData: z
    .object({ email: ruleSchema, phone: ruleSchema, identityCard: ruleSchema, creditCard: ruleSchema })
    .default({
      email: { input: 'off', output: 'mask' },
      phone: { input: 'off', output: 'mask' },
      identityCard: { input: 'mask', output: 'mask' },
      creditCard: { input: 'mask', output: 'mask' },
    }),
  /** An answer in another script than its question. */
  language: wholeActionSchema.default('warn'),
  /** An answer that goes round in circles; 'refuse' cuts it off there. */
  repetition: z.enum(['off', 'pass', 'warn', 'refuse']).default('warn'),
});
export type SafetySettings = z.infer<typeof safetySettingsSchema>;

export const rulingSchema = z.enum(['upheld', 'overturned']);
export type Ruling = z.infer<typeof rulingSchema>;

export const decisionSchema = z.object({
  id: z.string(),
  /** Null when the conversation or message is gone, or never came to be. */
  conversationId: z.string().nullable(),
  messageId: z.string().nullable(),
  direction: z.enum(['input', 'output']),
  /** 'words:NAME', 'personal-data:KIND', 'language' or 'repetition'. */
  rule: z.string(),
  action: safetyActionSchema,
  /** What stood around it; personal data only as its kind. */
  excerpt: z.string(),
  createdAt: z.int(),
  /** What the person says against it; null: nothing. */
  appeal: z.string().nullable(),
  /** What an administrator decided about the appeal. */
  ruling: rulingSchema.nullable(),
  rulingText: z.string(),
});
export type Decision = z.infer<typeof decisionSchema>;

/** With whom it is about; null: a visitor of a widget. */
export const reviewedDecisionSchema = z.object({ ...decisionSchema.shape, person: z.string().nullable() });
export type ReviewedDecision = z.infer<typeof reviewedDecisionSchema>;

export const appealRequestSchema = z.object({ text: z.string().trim().min(1).max(2_000) });
export const rulingRequestSchema = z.object({ ruling: rulingSchema, text: z.string().trim().max(2_000).default('') });

/**
 * A sentence of an answer compared with the documents, word for word: 'supported': a passage has its words, names and
 * numbers; 'numbers': a passage has its words, but other numbers; 'notFound': none has; 'none': it claims nothing.
 */
export const claimSchema = z.object({
  text: z.string(),
  verdict: z.enum(['supported', 'numbers', 'notFound', 'none']),
  /** The passage that comes closest, where one does. */
  passage: z
    .object({
      /** Null for a file of the conversation. */
      documentId: z.string().nullable(),
      documentName: z.string(),
      start: z.int(),
      end: z.int(),
      text: z.string(),
    })
    .nullable(),
});
export type Claim = z.infer<typeof claimSchema>;

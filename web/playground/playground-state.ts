/** What the playground is set to, kept in this browser; and the request that it makes of that. */
import { z } from 'zod';
import { storedValue } from '../ui/stored-value.ts';

/** Under the names of the API; what is absent is left to the server. */
const parametersSchema = z.object({
  temperature: z.number().min(0).max(2).optional(),
  top_p: z.number().gt(0).max(1).optional(),
  top_k: z.int().min(0).optional(),
  min_p: z.number().min(0).max(1).optional(),
  repetition_penalty: z.number().min(1).max(2).optional(),
  presence_penalty: z.number().min(-2).max(2).optional(),
  frequency_penalty: z.number().min(-2).max(2).optional(),
  max_tokens: z.int().min(1).optional(),
  seed: z.int().min(0).optional(),
  stop: z.array(z.string()).max(4).optional(),
});
export type Parameters = z.infer<typeof parametersSchema>;

const turnSchema = z.object({ role: z.enum(['user', 'assistant']), content: z.string() });
export type Turn = z.infer<typeof turnSchema>;

const playgroundSchema = z.object({
  mode: z.enum(['chat', 'completion']),
  /** Null: the one that is deployed. */
  model: z.string().nullable(),
  system: z.string(),
  turns: z.array(turnSchema).min(1),
  prompt: z.string(),
  /** Completions: whether the prompt's own tokens are scored too. */
  scorePrompt: z.boolean(),
  /** Whether the result is shown token by token. */
  showTokens: z.boolean(),
  parameters: parametersSchema,
});
export type Playground = z.infer<typeof playgroundSchema>;

const initial: Playground = {
  mode: 'chat',
  model: null,
  system: '',
  turns: [{ role: 'user', content: '' }],
  prompt: '',
  scorePrompt: false,
  showTokens: true,
  parameters: {},
};

export const playground = storedValue<Playground>('parley.playground', (stored) => {
  const parsed = playgroundSchema.safeParse(stored);
  return parsed.success ? parsed.data : initial;
});

export interface ApiRequest {
  path: '/v1/chat/completions' | '/v1/completions';
  body: Record<string, unknown>;
}

/** The request, without what only the page wants of it. */
export function requestOf({ mode, system, turns, prompt, parameters }: Playground, model: string): ApiRequest {
  const { stop = [], ...numbers } = parameters;
  const stops = stop.filter((text) => text !== '');
  const drawing = { ...numbers, ...(stops.length > 0 && { stop: stops }) };
  if (mode === 'completion') return { path: '/v1/completions', body: { model, prompt, ...drawing } };
  const messages = [...(system.trim() ? [{ role: 'system', content: system }] : []), ...turns];
  return { path: '/v1/chat/completions', body: { model, messages, ...drawing } };
}

/** Whether there is something to answer or to go on from. */
export function canRun({ mode, turns }: Playground): boolean {
  const last = turns.at(-1)!;
  return mode === 'completion' || (last.role === 'user' && last.content.trim() !== '');
}

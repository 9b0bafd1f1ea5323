/** The workbench's tables as Kysely sees them. */
import type { Task, TaskKind } from '@parley/contracts';

export interface TaskRow {
  id: string;
  kind: TaskKind;
  state: 'preparing' | 'open' | 'failed';
  /** Why it failed, for people. */
  failure: string | null;
  /** JSON of `Task['prompt']`. */
  prompt: string;
  answers_wanted: number;
  people_wanted: number;
  feedback_id: string | null;
  created_by: string | null;
  created_at: number;
  holder_id: string | null;
  held_until: number | null;
}

export interface TaskAnswerRow {
  id: string;
  task_id: string;
  content: string;
  author_id: string | null;
  model_name: string | null;
  weights_hash: string | null;
  /** JSON of the whole `Sampling`. */
  sampling: string | null;
  prompt_tokens: Buffer | ArrayBuffer | null;
  answer_tokens: Buffer | ArrayBuffer | null;
  created_at: number;
}

export interface ContributionRow {
  id: string;
  task_id: string;
  user_id: string;
  state: 'draft' | 'skipped' | 'submitted' | 'withdrawn';
  /** JSON of `Content`. */
  content: string | null;
  /** JSON list of answer ids. */
  shown_order: string;
  milliseconds: number;
  created_at: number;
  submitted_at: number | null;
}

export interface WorkbenchTables {
  tasks: TaskRow;
  task_answers: TaskAnswerRow;
  contributions: ContributionRow;
  guidelines: { language: string; text: string; updated_by: string | null; updated_at: number };
}

export function promptIn(row: Pick<TaskRow, 'prompt'>): Task['prompt'] {
  return JSON.parse(row.prompt);
}

/** The last thing that was asked. */
export function questionIn(row: Pick<TaskRow, 'prompt'>): string {
  return promptIn(row).at(-1)?.content ?? '';
}

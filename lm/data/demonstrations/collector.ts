/**
 * Where tasks put what they make. A task knows what must be held out (a wording, an operand, a word); the
 * collector numbers conversations, varies how questions are typed and keeps the two sides apart.
 */
import type { ChatMessage, Demonstration } from '@parley/contracts';
import type { Split } from '../documents.ts';
import type { Knowledge } from '../knowledge.ts';
import { Choice, heldOut } from '../random.ts';

export interface TaskContext {
  knowledge: Knowledge;
  collect: Collector;
  /** Multiplies the number of conversations of each task. */
  scale: number;
}

export interface Draft {
  task: string;
  /** Name of a source in the data card. */
  source: string;
  language: Demonstration['language'];
  split: Split;
  question: string;
  reply: string;
  /** Accepted answers besides the reply; absent where no answer is the only right one. */
  answers?: string[];
}

/** Of the items of a skill (operands, words, poems), this share is kept for the held-out part. */
const HELD_OUT_ITEMS = 0.05;

export function itemSplit(key: string): Split {
  return heldOut(key, HELD_OUT_ITEMS) ? 'validation' : 'train';
}

/** Templates held out to measure unseen wording of known facts: the last of every list. */
export function templateFor(random: Choice, templates: readonly string[], split: Split): string {
  if (templates.length < 2) throw new Error(`a list of templates needs at least two: ${templates[0]}`);
  return split === 'validation' ? templates.at(-1)! : random.of(templates.slice(0, -1));
}

/** Replaces `{name}` by its slot; throws on a name without one. */
export function fill(template: string, slots: Record<string, string | number>): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = slots[name];
    if (value === undefined) throw new Error(`the template '${template}' has no slot '${name}'`);
    return String(value);
  });
}

export class Collector {
  readonly train: Demonstration[] = [];
  readonly validation: Demonstration[] = [];
  readonly #seen = new Set<string>();
  readonly #random = new Choice('typing');

  /** Adds a question and its answer. Training questions are typed in several ways; a repeated conversation is ignored. */
  add(draft: Draft): void {
    const { question, reply, split, language, task, source, answers } = draft;
    const typed = split === 'train' ? typeQuestion(this.#random, question, language) : question;
    const accepted = answers && [...new Set([reply, ...answers])];
    this.addConversation({ task, source, language, split, answers: accepted }, [
      { role: 'user', content: typed },
      { role: 'assistant', content: reply },
    ]);
  }

  addConversation({ split, answers, ...rest }: Omit<Draft, 'question' | 'reply'>, messages: ChatMessage[]): void {
    const key = messages.map(({ content }) => content).join('\n');
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    const list = this[split];
    const id = `${rest.task}-${rest.language}-${split}-${list.length}`;
    list.push({ id, messages, ...rest, ...(answers ? { answers } : {}) });
  }
}

/** People leave out capitals and question marks, and are sometimes polite; half of the questions stay as they are. */
function typeQuestion(random: Choice, question: string, language: Demonstration['language']): string {
  const draw = random.next();
  const isShort = question.length <= 80 && !question.includes('\n');
  if (!isShort || draw < 0.5) return question;
  if (language === 'zh') {
    if (draw < 0.8) return question.replace(/[？。！]$/, '');
    if (draw < 0.87 && /^[^请我把怎].*[^吗]？$/.test(question)) return `请问${question}`;
    return question.replace(/？$/, '?').replace(/，/g, ',');
  }
  if (draw < 0.65) return question.replace(/[?.!]$/, '');
  if (draw < 0.8) return lowerFirst(question);
  if (draw < 0.95) return lowerFirst(question).replace(/[?.!]$/, '');
  return question.endsWith('?') ? question : `Please ${lowerFirst(question)}`;
}

/** A lower-case first letter, unless the word is I, or a name or acronym that opens with a capital. */
function lowerFirst(text: string): string {
  return /^(I\b|I'|[A-Z]{2})/.test(text) ? text : text[0]!.toLowerCase() + text.slice(1);
}

/** Longer talks joined from single questions: a greeting may open, thanks may close, matters follow each other. */
import type { ChatMessage, Demonstration } from '@parley/contracts';
import type { Split } from '../documents.ts';
import { Choice } from '../random.ts';
import type { Collector } from './collector.ts';

/** Longest part of a joined talk, in characters, so that several fit one context. */
const PART = 240;

/** What clients of the API tend to send first: it must not throw the model off. */
const SYSTEM = {
  en: ['You are a helpful assistant.', 'You are Parley, a helpful assistant.', 'Answer briefly and kindly.'],
  zh: ['你是一个乐于助人的助手。', '你是 Parley，一个友好的助手。', '请简短、友好地回答。'],
};

/** Adds `count` joined conversations to a side, made of what is there already. */
export function addJoined(collect: Collector, split: Split, count: number): void {
  const random = new Choice(`joined ${split}`);
  for (const language of ['en', 'zh'] as const) {
    const parts = collect[split].filter(
      (item) =>
        item.messages.length === 2 &&
        (item.language === language || item.language === 'mixed') &&
        characters(item) <= PART,
    );
    const openings = parts.filter(({ task }) => task === 'greeting');
    const rest = byTask(parts);
    for (let i = 0; i < count / 2; i++) {
      const chosen: Demonstration[] = [];
      if (random.next() < 0.3 && openings.length > 0) chosen.push(random.of(openings));
      const length = random.integer(2, 4);
      // By task first, so that large tasks do not fill every talk; a matter often gets a second question.
      let task = random.of(rest);
      while (chosen.length < length) {
        chosen.push(random.of(task));
        if (random.next() < 0.6) task = random.of(rest);
      }
      const messages: ChatMessage[] = chosen.flatMap((item) => item.messages);
      if (random.next() < 0.1) messages.unshift({ role: 'system', content: random.of(SYSTEM[language]) });
      collect.addConversation({ task: 'conversation', source: 'joined', language, split }, messages);
    }
  }
}

function characters({ messages }: Demonstration): number {
  return messages.reduce((sum, { content }) => sum + content.length, 0);
}

function byTask(list: Demonstration[]): Demonstration[][] {
  const groups = new Map<string, Demonstration[]>();
  for (const item of list) {
    const group = groups.get(item.task);
    if (group) group.push(item);
    else groups.set(item.task, [item]);
  }
  return [...groups.values()];
}

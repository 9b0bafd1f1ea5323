import type { ChatMessage } from '@parley/contracts';
import { describe, expect, it } from 'vitest';
import { trainTokenizer } from '../tokenizer/index.ts';
import { buildChatPrompt } from './chat-prompt.ts';
import { ContextLengthError } from './context-length-error.ts';

const tokenizer = trainTokenizer({ texts: ['x'], vocabulary: 260 });
const user = (content: string): ChatMessage => ({ role: 'user', content });
const assistant = (content: string): ChatMessage => ({ role: 'assistant', content });
const system = (content: string): ChatMessage => ({ role: 'system', content });
const read = (ids: number[]) => tokenizer.decode(ids, { special: true });

describe('buildChatPrompt', () => {
  it('renders everything and opens the answer when there is room', () => {
    const { ids, droppedTurns } = buildChatPrompt(tokenizer, [system('S'), user('Q'), assistant('A'), user('R')], {
      context: 500,
      reserve: 100,
    });
    expect(read(ids)).toBe(
      '<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nQ<|im_end|>\n<|im_start|>assistant\nA<|im_end|>\n<|im_start|>user\nR<|im_end|>\n<|im_start|>assistant\n',
    );
    expect(droppedTurns).toBe(0);
  });

  it('drops whole exchanges from the front, keeps the system message, and says how many turns', () => {
    const history = Array.from({ length: 5 }, (_, i) => [user(`question ${i}`), assistant(`answer ${i}`)]).flat();
    const { ids, droppedTurns } = buildChatPrompt(tokenizer, [system('S'), ...history, user('last')], {
      context: 160,
      reserve: 20,
    });
    expect(ids.length).toBeLessThanOrEqual(140);
    expect(droppedTurns).toBe(6);
    expect(read(ids)).toMatch(/^<\|im_start\|>system\nS<\|im_end\|>\n<\|im_start\|>user\nquestion 3/);
    expect(read(ids)).toContain('user\nlast<|im_end|>\n<|im_start|>assistant\n');
  });

  it('does not let a long reserve push out all history: an answer is promised a quarter', () => {
    const messages = [user('Q'), assistant('A'), user('R')];
    expect(buildChatPrompt(tokenizer, messages, { context: 100, reserve: 100 }).droppedTurns).toBe(0);
  });

  it('keeps a last turn that leaves less than the reserve, and refuses one that leaves nothing', () => {
    const frame = buildChatPrompt(tokenizer, [user('')], { context: 500, reserve: 1 }).ids.length;
    const fits = user('x'.repeat(100 - frame - 1));
    expect(buildChatPrompt(tokenizer, [user('a'), assistant('b'), fits], { context: 100, reserve: 20 })).toMatchObject({
      droppedTurns: 2,
      ids: { length: 99 },
    });
    const tooLong = [user('x'.repeat(100 - frame))];
    const build = () => buildChatPrompt(tokenizer, tooLong, { context: 100, reserve: 20 });
    expect(build).toThrow(ContextLengthError);
    expect(build).toThrow(/maximum context length is 100 tokens, but the last message with its frame takes 100/);
  });

  it('continues an answer from exactly its tokens', () => {
    const partial = tokenizer.encode('The ans');
    const { ids } = buildChatPrompt(tokenizer, [user('Q')], { context: 500, reserve: 1, partial });
    expect(ids.slice(-partial.length)).toEqual(partial);
    expect(read(ids)).toMatch(/<\|im_start\|>assistant\nThe ans$/);
  });

  it('keeps a last character that is not complete, for the generator to complete', () => {
    const partial = tokenizer.encode('好中').slice(0, -1);
    const { ids } = buildChatPrompt(tokenizer, [user('Q')], { context: 500, reserve: 1, partial });
    expect(ids.slice(-partial.length)).toEqual(partial);
  });

  it('never lets text pass for a special token', () => {
    const { ids } = buildChatPrompt(tokenizer, [user('<|im_end|>')], { context: 500, reserve: 1 });
    expect(ids.filter((id) => id === tokenizer.special['<|im_end|>'])).toHaveLength(1);
  });
});

import { describe, expect, it } from 'vitest';
import { trainTokenizer } from '../tokenizer/index.ts';
import { AnswerText } from './answer-text.ts';

/** Bytes only: every character beyond ASCII takes several tokens. */
const tokenizer = trainTokenizer({ texts: ['x'], vocabulary: 260 });

function feed(text: string, stops: string[]): { deltas: string[]; answer: AnswerText } {
  const answer = new AnswerText(tokenizer, stops);
  const deltas: string[] = [];
  for (const id of tokenizer.encode(text)) {
    if (answer.stopped) break;
    deltas.push(answer.push(id));
  }
  return { deltas, answer };
}

describe('AnswerText', () => {
  it('never splits a character', () => {
    const { deltas, answer } = feed('a中🙂', []);
    expect(deltas.filter((delta) => delta !== '')).toEqual(['a', '中', '🙂']);
    expect(answer.text).toBe('a中🙂');
  });

  it('ends before a stop string and never shows its beginning', () => {
    const { deltas, answer } = feed('one\n\nUser: two', ['\n\nUser:']);
    expect(deltas.join('')).toBe('one');
    expect(answer).toMatchObject({ text: 'one', stopped: true });
    expect(answer.end(false)).toBe('');
  });

  it('releases what was held when it turns out to be no stop string', () => {
    const { deltas, answer } = feed('ab-ac', ['ab-ab']);
    expect(deltas).toEqual(['', '', '', '', 'ab-ac']);
    expect(answer.stopped).toBe(false);
  });

  it('finds a stop string that starts within another’s beginning', () => {
    expect(feed('xaab', ['aab']).answer).toMatchObject({ text: 'x', stopped: true });
    expect(feed('aaab', ['aab']).answer).toMatchObject({ text: 'a', stopped: true });
    expect(feed('abcd', ['bcx', 'cd']).answer).toMatchObject({ text: 'ab', stopped: true });
  });

  it('works on characters, not on tokens', () => {
    expect(feed('你好。再见', ['。']).answer).toMatchObject({ text: '你好', stopped: true });
  });

  it('releases held text at the end', () => {
    const { answer } = feed('go ST', ['STOP']);
    expect(answer.text).toBe('go ');
    expect(answer.end(true)).toBe('ST');
    expect(answer.text).toBe('go ST');
  });

  it('leaves out an unfinished character when the answer was cut, and marks it when the model ended there', () => {
    const cut = () => {
      const answer = new AnswerText(tokenizer, []);
      for (const id of tokenizer.encode('a中').slice(0, -1)) answer.push(id);
      return answer;
    };
    expect(cut().end(false)).toBe('');
    expect(cut().end(true)).toBe('\uFFFD');
  });

  it('completes the character that the answer to go on from left unfinished, wherever it was cut', () => {
    const text = 'a中🙂é';
    const ids = tokenizer.encode(text);
    for (let cut = 0; cut <= ids.length; cut++) {
      const before = new AnswerText(tokenizer, []);
      for (const id of ids.slice(0, cut)) before.push(id);
      before.end(false);
      const after = new AnswerText(tokenizer, []);
      after.goOnFrom(ids.slice(0, cut));
      for (const id of ids.slice(cut)) after.push(id);
      expect(before.text + after.text).toBe(text);
    }
  });
});

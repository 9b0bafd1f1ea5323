import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AnswerText } from './answer-text.ts';

const pieces = fc.array(fc.oneof(fc.string({ maxLength: 5 }), fc.string({ minLength: 300, maxLength: 700 })));

test('from any place on it is the text from there on', () => {
  fc.assert(
    fc.property(fc.string(), pieces, fc.nat(), (beginning, rest, place) => {
      const text = new AnswerText(beginning);
      for (const piece of rest) text.append(piece);
      const whole = beginning + rest.join('');
      const position = place % (whole.length + 2);
      expect([text.length, String(text), text.from(position)]).toEqual([whole.length, whole, whole.slice(position)]);
    }),
  );
});

test('what came last is given as it came', () => {
  const text = new AnswerText('before ');
  for (let index = 0; index < 2_000; index++) {
    const { length } = text;
    const piece = `piece ${index} `;
    text.append(piece);
    expect(text.from(length)).toBe(piece);
  }
});

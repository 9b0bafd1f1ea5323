/** Whether an answer is exactly one of the accepted ones, however it is cased, spaced or punctuated at its end. */
import type { Demonstration } from '@parley/contracts';

/**
 * Compares after NFKC (full-width forms become plain ones), trimming, case folding, joining of white space and dropping of
 * closing punctuation and enclosing quotation marks. A demonstration without answers accepts its own reply alone.
 */
export function checkAnswer({ answers, messages }: Pick<Demonstration, 'answers' | 'messages'>, text: string): boolean {
  const accepted = answers ?? [messages.at(-1)!.content];
  const given = canonical(text);
  return accepted.some((answer) => canonical(answer) === given);
}

function canonical(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/[\s.,;:!?。，；：！？、…]+$/u, '')
    .replace(/^["'“‘「『](.*)["'”’」』]$/su, '$1')
    .trim();
}

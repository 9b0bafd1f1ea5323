/**
 * Puts the texts of files before a question, as much of them as fits. They stand with the newest question, also when
 * an earlier one brought them, so that they are not dropped with the oldest turns.
 */
import type { ChatMessage } from '@parley/contracts';

export interface PromptDocument {
  name: string;
  text: string;
}

interface WithDocuments {
  messages: ChatMessage[];
  /** Of each document: how many of its first characters are in them. */
  charactersRead: number[];
}

/** No tokenizer gives more than so many characters to a token over a longer text. */
const mostCharactersPerToken = 16;

/**
 * @param messages the conversation, oldest first, ending with the question; a system message may come first
 * @param tokensOf how long a prompt of these messages is
 * @param room tokens that the prompt may have
 */
export function addDocuments(
  messages: readonly ChatMessage[],
  documents: readonly PromptDocument[],
  tokensOf: (messages: readonly ChatMessage[]) => number,
  room: number,
): WithDocuments {
  const question = messages.at(-1);
  if (documents.length === 0 || !question) return { messages: [...messages], charactersRead: [] };
  const system = messages.filter(({ role }, index) => role === 'system' && index === 0 && messages.length > 1);
  const asked = (budget: number): ChatMessage => ({
    ...question,
    content: withTexts(documents, budget, question.content),
  });

  // The longest start of the texts with which the question alone fits; turns of long ago make way for it.
  let fits = 0;
  let tooMany = Math.min(
    room * mostCharactersPerToken,
    documents.reduce((sum, { text }) => sum + text.length, 0),
  );
  if (tokensOf([...system, asked(tooMany)]) <= room) fits = tooMany;
  while (tooMany - fits > Math.max(16, fits / 100)) {
    const middle = Math.ceil((fits + tooMany) / 2);
    if (tokensOf([...system, asked(middle)]) <= room) fits = middle;
    else tooMany = middle;
  }
  return { messages: [...messages.slice(0, -1), asked(fits)], charactersRead: sharesOf(documents, fits) };
}

function withTexts(documents: readonly PromptDocument[], budget: number, question: string): string {
  const chinese = /\p{Script=Han}/u.test(question);
  const shares = sharesOf(documents, budget);
  const parts = documents.map(({ name, text }, index) => {
    const shown = text.slice(0, shares[index]);
    return chinese ? `文件《${name}》：\n${shown}` : `File "${name}":\n${shown}`;
  });
  return [...parts, question].join('\n\n');
}

/** Characters of each document within a budget: equal shares, and what short ones leave goes to the others. */
function sharesOf(documents: readonly PromptDocument[], budget: number): number[] {
  const shares = documents.map(() => 0);
  const byLength = documents.map(({ text }, index) => ({ text, index })).sort((a, b) => a.text.length - b.text.length);
  let left = budget;
  for (const [done, { text, index }] of byLength.entries()) {
    const share = Math.min(text.length, Math.floor(left / (documents.length - done)));
    left -= share;
    shares[index] = endsInCharacter(text, share) ? share : share - 1;
  }
  return shares;
}

function endsInCharacter(text: string, length: number): boolean {
  const last = text.charCodeAt(length - 1);
  return length === text.length || last < 0xd800 || last > 0xdbff;
}

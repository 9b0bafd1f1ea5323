/** When a piece of work may be handed in. */
import { type ChatMessage, type Content, labelQuestions, labelScales } from '@parley/contracts';
import { HttpError } from '../http/errors.ts';

/**
 * @param answers the ids of the answers that were shown
 * @param prompt what a demonstration must begin with
 * @throws HttpError 400 that says what is missing
 */
export function checkComplete(content: Content, answers: readonly string[], prompt: readonly ChatMessage[]): void {
  const missing = {
    rank: () => (content.kind === 'rank' ? missingInRanking(content, answers) : null),
    demonstrate: () => (content.kind === 'demonstrate' ? missingInConversation(content.messages, prompt) : null),
    label: () => (content.kind === 'label' ? missingInLabel(content) : null),
  }[content.kind]();
  if (missing !== null) throw new HttpError(400, 'incomplete', missing, { param: 'content' });
}

function missingInRanking(
  { ranks, noneGood }: Extract<Content, { kind: 'rank' }>,
  answers: readonly string[],
): string | null {
  const foreign = Object.keys(ranks).find((id) => !answers.includes(id));
  if (foreign !== undefined) return `ranks: ${foreign} is not an answer of this task.`;
  const unranked = answers.filter((id) => ranks[id] === undefined);
  // Whoever finds all of them bad need not say which is the least bad.
  if (noneGood && unranked.length === answers.length) return null;
  return unranked.length > 0 ? `ranks: ${unranked.length} of ${answers.length} answers have no rank.` : null;
}

function missingInConversation(messages: readonly ChatMessage[], prompt: readonly ChatMessage[]): string | null {
  const kept = prompt.every(
    ({ role, content }, index) => messages[index]?.role === role && messages[index].content === content,
  );
  if (!kept) return 'messages: the conversation must begin as the task does.';
  if (messages.length < 2) return 'messages: a demonstration has a question and an answer at least.';
  const roles = messages.filter(({ role }) => role !== 'system');
  if (roles.some(({ role }, index) => role !== (index % 2 === 0 ? 'user' : 'assistant')) || roles.length % 2 === 1) {
    return 'messages: user and assistant take turns, and the assistant has the last word.';
  }
  const empty = messages.findIndex(({ content }) => content.trim() === '');
  return empty >= 0 ? `messages[${empty}]: this turn is empty.` : null;
}

function missingInLabel({ questions, scales }: Extract<Content, { kind: 'label' }>): string | null {
  const open = [
    ...labelQuestions.filter((question) => questions[question] === undefined),
    ...labelScales.filter((scale) => scales[scale] === undefined),
  ];
  return open.length > 0 ? `${open.join(', ')}: not answered.` : null;
}

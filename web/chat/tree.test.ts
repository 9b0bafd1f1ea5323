import type { Message } from '@parley/contracts';
import { expect, test } from 'vitest';
import { choicesLeadingTo, shownPath } from './tree.ts';

function message(id: string, parentId: string | null): Message {
  const role = id.startsWith('q') ? 'user' : 'assistant';
  const rest = {
    content: id,
    createdAt: 0,
    status: 'stop',
    model: null,
    droppedTurns: 0,
    feedback: null,
  } as const;
  return { id, parentId, role, conversationId: 'c', files: [], ...rest };
}

const ids = (messages: Message[], choices = {}) => shownPath(messages, choices).map(({ message }) => message.id);

const straight = [message('q1', null), message('a1', 'q1'), message('q2', 'a1'), message('a2', 'q2')];
const regenerated = [...straight, message('a1b', 'q1')];

test('an empty conversation has an empty path', () => {
  expect(shownPath([], {})).toEqual([]);
});

test('a chain is its own path, without alternatives', () => {
  expect(ids(straight)).toEqual(['q1', 'a1', 'q2', 'a2']);
  expect(shownPath(straight, {}).map(({ siblings }) => siblings)).toEqual([['q1'], ['a1'], ['q2'], ['a2']]);
});

test('a regenerated answer is shown, with its older sibling beside it', () => {
  const path = shownPath(regenerated, {});
  expect(path.map(({ message }) => message.id)).toEqual(['q1', 'a1b']);
  expect(path[1]?.siblings).toEqual(['a1', 'a1b']);
});

test('a choice leads back to the older branch and all below it', () => {
  expect(ids(regenerated, { q1: 'a1' })).toEqual(['q1', 'a1', 'q2', 'a2']);
});

test('the path follows the newest leaf, not the newest sibling', () => {
  const wentOnInOld = [...regenerated, message('q3', 'a1')];
  expect(ids(wentOnInOld)).toEqual(['q1', 'a1', 'q3']);
});

test('a choice that no longer exists is ignored', () => {
  expect(ids(regenerated, { q1: 'gone' })).toEqual(['q1', 'a1b']);
});

test('choices lead to any message, and on to the newest below it', () => {
  const tree = [...regenerated, message('q1b', null), message('ab', 'q1b')];
  expect(ids(tree)).toEqual(['q1b', 'ab']);
  expect(ids(tree, choicesLeadingTo(tree, 'a1'))).toEqual(['q1', 'a1', 'q2', 'a2']);
  expect(ids(tree, choicesLeadingTo(tree, 'a1b'))).toEqual(['q1', 'a1b']);
  expect(ids(tree, choicesLeadingTo(tree, 'q2'))).toEqual(['q1', 'a1', 'q2', 'a2']);
  expect(choicesLeadingTo(tree, 'gone')).toEqual({});
});

test('first questions may have alternatives too', () => {
  const path = shownPath([message('q1', null), message('q1b', null), message('a', 'q1')], {});
  expect(path.map(({ message }) => message.id)).toEqual(['q1', 'a']);
  expect(path[0]?.siblings).toEqual(['q1', 'q1b']);
});

test('a message whose parent is missing is shown rather than lost', () => {
  expect(ids([message('a9', 'missing')])).toEqual(['a9']);
});

test('a thousand turns take no recursion', () => {
  const long = Array.from({ length: 10_000 }, (_, index) => message(`q${index}`, index === 0 ? null : `q${index - 1}`));
  expect(ids(long)).toHaveLength(10_000);
});

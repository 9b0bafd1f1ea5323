/** Conversations in both languages: code, a table, formulas, long text, versions, feedback, two drafts, a refusal. */
import type { HomeFiller } from './home-filler.ts';
import type { People } from './people.ts';
import * as texts from './texts.ts';

export interface Conversations {
  /** By their ids. */
  rich: string;
  chinese: string;
  drafts: string;
  /** A message with a thumb down of Ada's, and that vote. */
  disliked: string;
  vote: string;
}

interface Turn {
  question: string;
  /** Several: versions, oldest first; the last is what is shown. */
  answers: string[];
  status?: 'stop' | 'length' | 'cancelled' | 'interrupted' | 'error';
}

export async function addConversations(filler: HomeFiller, people: People, model: string): Promise<Conversations> {
  const add = (title: string, at: number, turns: Turn[]) =>
    addConversation(filler, people.ada, { title, at, turns, model });
  await add(texts.longTitle, filler.ago({ days: 45 }), [{ question: texts.longTitle, answers: [texts.short] }]);
  await add('Haiku about the sea', filler.ago({ days: 12 }), [{ question: 'Write a haiku.', answers: [texts.poem] }]);
  const chinese = await add(texts.chineseTitle, filler.ago({ days: 4 }), [
    { question: texts.chineseQuestion, answers: [texts.chineseAnswer] },
    { question: '请用 Python 算一下前一百个自然数的和。', answers: [texts.chineseCode] },
    { question: texts.longQuestion, answers: ['第一版回答。', texts.chineseSummary], status: 'length' },
  ]);
  const rich = await add('Sums, squares and a table', filler.ago({ days: 1 }), [
    { question: 'What is the sum of the first n numbers?', answers: [texts.formulaAnswer] },
    { question: 'Show me code for it, and a table.', answers: ['A first version.', texts.codeAnswer] },
    { question: 'And who found that out?', answers: [texts.wrongAnswer], status: 'cancelled' },
  ]);
  const drafts = await add('Which tea is best in winter?', filler.ago({ minutes: 20 }), [
    { question: 'Which tea is best in winter?', answers: [texts.draftA, texts.draftB] },
  ]);
  const { db } = filler;
  await db
    .updateTable('conversations')
    .set({ pinned_at: filler.ago({}) })
    .where('id', '=', rich.id)
    .execute();
  await db
    .insertInto('draft_pairs')
    .values({
      ...{
        id: filler.id(filler.ago({})),
        user_id: people.ada,
        conversation_id: drafts.id,
        choice: null,
        chosen_at: null,
      },
      ...{ left_message_id: drafts.answers[0]!, right_message_id: drafts.answers[1]!, created_at: filler.ago({}) },
    })
    .execute();
  const disliked = chinese.answers[0]!;
  const vote = await addVote(filler, people.ada, disliked, 'down', {
    ...{
      reasons: ['untrue', 'tooLong'],
      comment: '应该是长安，不是洛阳。',
      better: '唐朝的都城是长安，也就是今天的西安。',
    },
  });
  await addVote(filler, people.ada, rich.answers[0]!, 'up', { reasons: ['clear'], comment: '', better: '' });
  const lins = await addConversation(filler, people.lin, {
    ...{ title: 'Capital of Japan', at: filler.ago({ days: 2 }), model },
    turns: [{ question: 'What is the capital of Japan?', answers: ['The capital of Japan is Kyoto.'] }],
  });
  await addVote(filler, people.lin, lins.answers[0]!, 'down', {
    reasons: ['untrue'],
    comment: 'It is Tokyo.',
    better: '',
  });
  await addDecisions(filler, people, rich);
  return { rich: rich.id, chinese: chinese.id, drafts: drafts.id, disliked, vote };
}

interface NewConversation {
  title: string;
  at: number;
  turns: Turn[];
  model: string;
}

async function addConversation(filler: HomeFiller, owner: string, { title, at, turns, model }: NewConversation) {
  const id = filler.id(at);
  const times = { created_at: at, updated_at: at };
  await filler.db
    .insertInto('conversations')
    .values({ id, owner_id: owner, title, ...times })
    .execute();
  let parent: string | null = null;
  const answerIds: string[] = [];
  const common = { conversation_id: id, weights_hash: null, dropped_turns: 0, ...times };
  for (const { question, answers, status = 'stop' } of turns) {
    const asked: string = filler.id(at);
    await filler.db
      .insertInto('messages')
      .values({
        ...common,
        id: asked,
        parent_id: parent,
        role: 'user',
        content: question,
        status: 'stop',
        model_name: null,
      })
      .execute();
    for (const [index, content] of answers.entries()) {
      parent = filler.id(at);
      answerIds.push(parent);
      const last = index === answers.length - 1;
      const row = { ...common, id: parent, parent_id: asked, role: 'assistant' as const, content, model_name: model };
      await filler.db
        .insertInto('messages')
        .values({ ...row, status: last ? status : 'stop' })
        .execute();
    }
  }
  return { id, answers: answerIds };
}

interface Vote {
  reasons: string[];
  comment: string;
  better: string;
}

async function addVote(filler: HomeFiller, user: string, message: string, thumb: 'up' | 'down', vote: Vote) {
  const at = filler.ago({ days: 3 });
  const id = filler.id(at);
  await filler.db
    .insertInto('feedback')
    .values({
      ...{ id, message_id: message, user_id: user, thumb, comment: vote.comment, better_answer: vote.better },
      ...{
        reasons: JSON.stringify(vote.reasons),
        model_name: null,
        weights_hash: null,
        created_at: at,
        updated_at: at,
      },
    })
    .execute();
  return id;
}

async function addDecisions(
  filler: HomeFiller,
  { ada, lin }: People,
  { id, answers }: { id: string; answers: string[] },
) {
  const decision = (days: number, user: string, rule: string) => ({
    ...{ id: filler.id(filler.ago({ days })), user_id: user, rule, created_at: filler.ago({ days }) },
    ...{ conversation_id: user === ada ? id : null, message_id: user === ada ? answers[0]! : null },
    ...{ appeal: null, appealed_at: null, ruling: null, ruling_text: '', ruled_by: null, ruled_at: null },
  });
  await filler.db
    .insertInto('safety_decisions')
    .values([
      {
        ...decision(6, ada, 'words:weapons'),
        ...{ direction: 'input', action: 'refuse', excerpt: '烟花里的炸药是怎么配的？', message_id: null },
        ...{ appeal: '这是化学课上的问题。', appealed_at: filler.ago({ days: 5 }), ruling: 'overturned' },
        ...{ ruling_text: 'Right, sorry.', ruled_by: ada, ruled_at: filler.ago({ days: 4 }) },
      },
      {
        ...decision(2, ada, 'personal-data:email'),
        direction: 'output',
        action: 'mask',
        excerpt: 'Write to … for more.',
      },
      {
        ...decision(1, lin, 'words:insults'),
        ...{ direction: 'output', action: 'mask', excerpt: 'Only an … would say that.' },
        ...{ appeal: 'It was a quotation from a play.', appealed_at: filler.ago({ hours: 9 }) },
      },
    ])
    .execute();
}

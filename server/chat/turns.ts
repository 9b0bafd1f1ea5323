/**
 * The three ways to get an answer: ask, regenerate, continue. Each stores what it is about to do in one
 * transaction, so that what the reader is told of exists, and then lets the model run.
 */
import { randomInt } from 'node:crypto';
import {
  type AgainRequest,
  type ChatMessage,
  type Message,
  type Sampling,
  type SamplingOverrides,
  type SendRequest,
  samplingSchema,
} from '@parley/contracts';
import type { FastifyBaseLogger } from 'fastify';
import type { Transaction } from 'kysely';
import type { TokenUsage } from '../accounts/usage.ts';
import { type Grounding, groundingFor, storeCitations } from '../assistants/grounding.ts';
import type { Db } from '../db/database.ts';
import { type MessageRow, packTokens, type Tables, unpackTokens } from '../db/schema.ts';
import { storableText } from '../db/text.ts';
import { uuidv7 } from '../db/uuid.ts';
import { attachFiles, type Document, documentsOf, noteWhatWasRead, readyFiles } from '../files/message-files.ts';
import { HttpError } from '../http/errors.ts';
import type { Generation } from '../inference/generation.ts';
import type { ModelPool } from '../inference/pool.ts';
import type { ModelDescription } from '../inference/protocol.ts';
import type { SafetyGuard } from '../safety/guard.ts';
import type { Answers } from './answers.ts';
import {
  conversationOf,
  messageOf,
  newestLeaf,
  pathTo,
  titleFrom,
  toConversation,
  toMessage,
} from './conversations.ts';

/** Characters of a file in which what the filters may let pass is looked for: about what a model reads of it. */
const longestKnownText = 20_000;

export interface Turns {
  usage: TokenUsage;
  db: Db;
  pool: ModelPool;
  answers: Answers;
  guard: SafetyGuard;
  log: FastifyBaseLogger;
}

/**
 * Stores a question and starts its answer.
 * @throws HttpError 404 for a conversation or parent that is not the owner's, 400 for a parent that cannot be
 * answered to, 409 for one that is still being written, 422 if a filter refuses the question, 503 if too many
 * answers are waiting
 */
export async function ask(
  turns: Turns,
  owner: string,
  conversationId: string,
  request: SendRequest,
): Promise<{ question: Message; answer: Message }> {
  const { db, pool, usage, guard } = turns;
  await usage.requireQuota(owner);
  const conversation = await conversationOf(db, owner, conversationId);
  const parentId = request.parentId === undefined ? await newestLeaf(db, conversationId) : request.parentId;
  const path = parentId === null ? [] : await answeredPath(turns, conversationId, parentId);
  const origin = { userId: owner, conversationId, messageId: null };
  const checked = await guard.checkInput(origin, request.content);
  const content = storableText(checked.text);
  const grounding = await groundingFor(db, owner, conversationId, content);
  const model = await modelWithRoom(pool, request.model ?? grounding.model ?? pool.modelFor(conversationId));
  const files = await readyFiles(db, owner, request.fileIds ?? []);

  const question = messageRow({ conversationId, parentId, role: 'user', content, status: 'stop' });
  const sampling = chooseSampling(model, request.sampling);
  const { answer, generationId, titled } = await db.transaction().execute(async (transaction) => {
    await transaction.insertInto('messages').values(question).execute();
    await attachFiles(transaction, question.id, files);
    const inserted = await insertAnswer(transaction, model, question, sampling);
    const renamed = await transaction
      .updateTable('conversations')
      .set({ updated_at: question.created_at, ...(conversation.title === '' && { title: titleFrom(content) }) })
      .where('id', '=', conversationId)
      .returningAll()
      .executeTakeFirstOrThrow();
    return { ...inserted, titled: conversation.title === '' ? toConversation(renamed) : null };
  });

  await guard.record({ ...origin, messageId: question.id }, 'input', checked.found);

  const message = toMessage(answer);
  const given = await givenBy(db, [...path, question]);
  run(turns, model, { owner, message, generationId, titled, sampling, grounding, ...given, tokens: [] });
  return { question: { ...toMessage(question), files }, answer: { ...message } };
}

/**
 * Starts a sibling of an answer, with a seed of its own.
 * @throws HttpError 404, 400 if the message is no answer, 503 if too many answers are waiting
 */
export async function regenerate(
  turns: Turns,
  owner: string,
  messageId: string,
  { sampling: wanted, model: wantedModel }: AgainRequest = {},
): Promise<Message> {
  const { db, pool, usage } = turns;
  await usage.requireQuota(owner);
  const old = await answerOf(db, owner, messageId);
  const path = await pathTo(db, old.parentId!);
  const grounding = await groundingFor(db, owner, old.conversationId, path.at(-1)!.content);
  const model = await modelWithRoom(pool, wantedModel ?? grounding.model ?? pool.modelFor(old.conversationId));
  const sampling = chooseSampling(model, wanted);
  const { answer, generationId } = await db.transaction().execute(async (transaction) => {
    const inserted = await insertAnswer(transaction, model, path.at(-1)!, sampling);
    await touch(transaction, old.conversationId);
    return inserted;
  });
  const message = toMessage(answer);
  const given = await givenBy(db, path);
  run(turns, model, { owner, message, generationId, titled: null, sampling, grounding, ...given, tokens: [] });
  return { ...message };
}

/**
 * Goes on with an answer that was cut off, by the model that began it: another one has other tokens.
 * @throws HttpError 404, also if that model is gone, 400 if the message is no answer, 409 if it is complete or still being written, 503
 */
export async function continueAnswer(
  turns: Turns,
  owner: string,
  messageId: string,
  wanted?: SamplingOverrides,
): Promise<Message> {
  const { db, pool, answers, usage } = turns;
  await usage.requireQuota(owner);
  const message = await answerOf(db, owner, messageId);
  if (message.status === 'stop') {
    throw new HttpError(409, 'answer_complete', 'This answer is complete; there is nothing to go on with.');
  }
  if (message.status === 'streaming' || answers.isRunning(messageId)) throw stillWriting();
  const model = await modelWithRoom(pool, message.model ?? pool.modelFor(message.conversationId));

  const path = await pathTo(db, message.parentId!);
  const grounding = await groundingFor(db, owner, message.conversationId, path.at(-1)!.content, messageId);
  const tokens = await tokensOf(db, messageId);
  const sampling = chooseSampling(model, wanted);
  const generation = generationRow(messageId, model, sampling, tokens);
  await db.transaction().execute(async (transaction) => {
    // Guarded by the status that was read: of two that continue at once, one wins.
    const { numUpdatedRows } = await transaction
      .updateTable('messages')
      .set({ status: 'streaming', updated_at: Date.now() })
      .where('id', '=', messageId)
      .where('status', '=', message.status)
      .executeTakeFirstOrThrow();
    if (numUpdatedRows === 0n) throw stillWriting();
    await transaction.insertInto('generations').values(generation).execute();
    await touch(transaction, message.conversationId);
  });

  message.status = 'streaming';
  const given = await givenBy(db, path);
  const generationId = generation.id;
  run(turns, model, { owner, message, generationId, titled: null, sampling, grounding, ...given, tokens });
  return { ...message };
}

/** @throws HttpError 404, 503 */
async function modelWithRoom(pool: ModelPool, id: string): Promise<ModelDescription> {
  const model = await pool.model(id);
  pool.checkCapacity(id);
  return model;
}

interface Run {
  owner: string;
  message: Message;
  generationId: string;
  titled: ReturnType<typeof toConversation> | null;
  sampling: Sampling;
  messages: ChatMessage[];
  grounding: Grounding;
  documents: Document[];
  tokens: number[];
}

function run(turns: Turns, model: ModelDescription, started: Run): void {
  const { owner, messages, grounding, documents, tokens, sampling, ...answer } = started;
  const { pool, answers, usage, guard, log } = turns;
  const { conversationId, id: messageId, content: shown } = answer.message;
  const generation = pool.generate(model.id, {
    messages: [...grounding.system, ...messages],
    passages: grounding.passages.map(({ text }) => text),
    documents: documents.map(({ name, text }) => ({ name, text })),
    answer: tokens,
    dropOldestTurns: true,
    sampling,
    topLogProbabilities: null,
  });
  void keepCitations(turns, answer.message.id, generation, grounding);
  void keepWhatWasRead(turns, answer.message, generation, documents);
  usage.follow(owner, generation).catch((error: unknown) => log.error(error, 'tokens could not be counted'));
  const filter = guard.filterOutput(
    { userId: owner, conversationId, messageId },
    {
      question: messages.at(-1)?.content ?? '',
      given: [
        ...grounding.system.map(({ content }) => content),
        ...grounding.passages.map(({ text }) => text),
        ...documents.map(({ text }) => text.slice(0, longestKnownText)),
      ],
      shown,
    },
  );
  answers.start({ ...answer, tokens, generation, filter });
}

/** Once the model has taken the prompt it is known how many passages are in it. */
async function keepCitations(
  { db, log }: Turns,
  messageId: string,
  generation: Generation,
  { passages }: Grounding,
): Promise<void> {
  const accepted = await generation.accepted.catch(() => null);
  if (!accepted) return;
  await storeCitations(db, messageId, passages.slice(0, accepted.usedPassages ?? 0)).catch((error: unknown) => {
    log.error(error, 'the passages of an answer could not be saved');
  });
}

/** Once the model has taken the prompt it is known how much of the files is in it. */
async function keepWhatWasRead(
  { db, log }: Turns,
  message: Message,
  generation: Generation,
  documents: readonly Document[],
): Promise<void> {
  const accepted = await generation.accepted.catch(() => null);
  if (!accepted || documents.length === 0) return;
  message.files = documents.map(({ text: _, ...file }, index) => ({
    ...file,
    charactersRead: accepted.charactersRead?.[index] ?? 0,
  }));
  await noteWhatWasRead(db, message.id, message.files).catch((error: unknown) => {
    log.error(error, 'how much of the files was read could not be saved');
  });
}

async function answeredPath({ db, answers }: Turns, conversationId: string, parentId: string): Promise<MessageRow[]> {
  const path = await pathTo(db, parentId);
  const parent = path.at(-1);
  if (!parent || parent.conversation_id !== conversationId) {
    throw new HttpError(404, 'message_not_found', `There is no message ${parentId} in this conversation.`, {
      param: 'parentId',
    });
  }
  if (parent.role !== 'assistant') {
    throw new HttpError(400, 'parent_is_question', 'parentId: a question can only follow an answer, or null.', {
      param: 'parentId',
    });
  }
  if (answers.isRunning(parentId)) throw stillWriting();
  return path;
}

async function answerOf(db: Db, owner: string, messageId: string): Promise<Message> {
  const message = await messageOf(db, owner, messageId);
  if (message.role !== 'assistant') {
    throw new HttpError(400, 'not_an_answer', `Message ${messageId} is a question; this works on answers.`);
  }
  return message;
}

/** The tokens of a message so far: its newest generation has all of them. */
async function tokensOf(db: Db, messageId: string): Promise<number[]> {
  const row = await db
    .selectFrom('generations')
    .select('answer_tokens')
    .where('message_id', '=', messageId)
    .orderBy('id', 'desc')
    .executeTakeFirst();
  return row ? unpackTokens(row.answer_tokens) : [];
}

/** What a path through the conversation gives the model. */
async function givenBy(
  db: Db,
  path: readonly MessageRow[],
): Promise<{ messages: ChatMessage[]; documents: Document[] }> {
  return {
    messages: chatOf(path),
    documents: await documentsOf(
      db,
      path.map(({ id }) => id),
    ),
  };
}

/** The turns as the model is shown them. A question whose answer never came to anything is left out with it. */
function chatOf(path: readonly MessageRow[]): ChatMessage[] {
  const chat: ChatMessage[] = [];
  for (const { role, content } of path) {
    if (role === 'assistant' && content === '') chat.pop();
    else chat.push({ role, content });
  }
  return chat;
}

/** What the model recommends, overridden by what was asked for; a random seed, kept with the answer. */
function chooseSampling(model: ModelDescription, wanted: SamplingOverrides = {}): Sampling {
  return samplingSchema.parse({ ...model.sampling, seed: randomInt(2 ** 31), ...wanted });
}

async function insertAnswer(
  transaction: Transaction<Tables>,
  model: ModelDescription,
  question: MessageRow,
  sampling: Sampling,
): Promise<{ answer: MessageRow; generationId: string }> {
  const answer = messageRow({
    conversationId: question.conversation_id,
    parentId: question.id,
    role: 'assistant',
    content: '',
    status: 'streaming',
    model,
  });
  await transaction.insertInto('messages').values(answer).execute();
  const generation = generationRow(answer.id, model, sampling);
  await transaction.insertInto('generations').values(generation).execute();
  return { answer, generationId: generation.id };
}

function messageRow({
  conversationId,
  parentId,
  role,
  content,
  status,
  model,
}: {
  conversationId: string;
  parentId: string | null;
  role: Message['role'];
  content: string;
  status: Message['status'];
  model?: ModelDescription;
}): MessageRow {
  const now = Date.now();
  return {
    id: uuidv7(),
    conversation_id: conversationId,
    parent_id: parentId,
    role,
    content,
    status,
    model_name: model?.id ?? null,
    weights_hash: model?.weightsHash ?? null,
    dropped_turns: 0,
    created_at: now,
    updated_at: now,
  };
}

function generationRow(messageId: string, model: ModelDescription, sampling: Sampling, tokens: number[] = []) {
  return {
    id: uuidv7(),
    message_id: messageId,
    model_name: model.id,
    weights_hash: model.weightsHash,
    sampling: JSON.stringify(sampling),
    seed: sampling.seed,
    prompt_tokens: null,
    answer_tokens: packTokens(tokens),
    continued_tokens: tokens.length,
    dropped_turns: 0,
    finish_reason: null,
    created_at: Date.now(),
    finished_at: null,
  };
}

async function touch(transaction: Transaction<Tables>, conversationId: string): Promise<void> {
  await transaction
    .updateTable('conversations')
    .set({ updated_at: Date.now() })
    .where('id', '=', conversationId)
    .execute();
}

function stillWriting(): HttpError {
  return new HttpError(409, 'still_writing', 'The answer is still being written. Stop it or wait for its end.');
}

/**
 * The loop closed on a real server: people say what they think of answers, a snapshot is taken, a reward model learns
 * from it, PPO improves the model, two models are compared and one is promoted; and from a thumb one can read its way
 * to the model that answers, and back.
 */
import {
  type BlindItem,
  type Comparison,
  type ComparisonDetails,
  type Conversation,
  comparisonDetailsSchema,
  type Deployment,
  deploymentSchema,
  type Job,
  type JobDetails,
  type JobEvent,
  jobDetailsSchema,
  jobEventSchema,
  type LabEpisode,
  type LabInputs,
  type LabModel,
  type LabModelDetails,
  type Lineage,
  type LineageItem,
  labEpisodeSchema,
  labInputsSchema,
  labModelDetailsSchema,
  lineageSchema,
  type Message,
  type ModelChoice,
  type ModelOrigin,
  modelOriginSchema,
  type Unveiled,
} from '@parley/contracts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  collect,
  readEvents,
  startTestServer,
  type TestServer,
  temporaryFolder,
  until,
} from '../testing/test-server.ts';
import { tinyModelName } from '../testing/tiny-model.ts';

let server: TestServer;
let ann: TestServer;
let bob: TestServer;
let trainer: TestServer;
/** Ann's answers, with a thumb on each. */
const judged: Message[] = [];

beforeAll(async () => {
  server = await startTestServer();
  ann = await server.person('Ann');
  bob = await server.person('Bob');
  trainer = await server.person('Trainer', 'trainer');
  for (let question = 0; question < 6; question++) {
    const good = await ask(ann, `Recite ${question}`, 1);
    let bad = good;
    // The model recites one of three texts, by its seed: a reward model learns from answers that differ.
    for (let seed = 2; bad.content === good.content; seed++) bad = await ask(ann, `Recite ${question}`, seed);
    for (const [answer, thumb] of [
      [good, 'up'],
      [bad, 'down'],
    ] as const) {
      await ann.json(`/api/messages/${answer.id}/feedback`, { method: 'PUT', body: { thumb, comment: '' } });
      judged.push(answer);
    }
  }
});
afterAll(() => server.close());

async function ask(person: TestServer, content: string, seed: number): Promise<Message> {
  const conversation: Conversation = await person.newConversation();
  const events = await collect(person.ask(conversation, { content, sampling: { maxTokens: 8, seed } }));
  return (events.at(-1) as { answer: Message }).answer;
}

/** Starts a recipe and waits for its end. */
async function run(recipe: string, name: string, settings: Record<string, unknown> = {}): Promise<JobDetails> {
  const { id } = await server.json<Job>('/api/lab/jobs', { body: { recipe, name, settings } });
  const over = async () => !['queued', 'running'].includes((await details(id)).job.state);
  await until(over, 60_000);
  const ended = await details(id);
  expect(ended.job, JSON.stringify(ended.job)).toMatchObject({ state: 'done', error: null });
  return ended;
}

async function details(id: string): Promise<JobDetails> {
  return jobDetailsSchema.parse(await server.json(`/api/lab/jobs/${id}`));
}

async function lineageOf(person: TestServer, path: string): Promise<Lineage> {
  return lineageSchema.parse(await person.json(`/api/lineage/${path}`));
}

const model = `model:${tinyModelName}`;
const roles = async () =>
  (await server.json<{ models: LabModel[] }>('/api/lab/models')).models
    .filter(({ role }) => role !== 'none')
    .map(({ id, role }) => [id, role]);

describe('what a job may be asked for', () => {
  const refused = async (recipe: string, settings: Record<string, unknown>) => {
    const response = await server.fetch('/api/lab/jobs', { body: { recipe, name: 'refused', settings } });
    return [response.status, ((await response.json()) as { error: { message: string } }).error.message];
  };

  test.each([
    ['reward', { model, preferences: '/etc/passwd' }, 400, /settings\.preferences.*neither model/],
    ['reward', { model, preferences: 'snapshot:../../etc' }, 404, /no snapshot/],
    ['reward', { model: 'model:nobody', preferences: 'snapshot:x' }, 404, /'nobody' does not exist/],
    ['reward', { model }, 400, /settings\.preferences/],
    ['reward', { model, preferences: 'snapshot:x', batch: 0 }, 400, /settings\.batch/],
    ['reward', { model, preferences: 'snapshot:x', out: '/tmp/elsewhere' }, 400, /settings\.out.*no such setting/],
    ['ppo', { model, prompts: 'snapshot:x', reward: '/tmp/code.ts' }, 400, /settings\.reward.*no such setting/],
    ['dig', {}, 400, /recipe/],
  ])('%s %j', async (recipe, settings, status, message) => {
    const [got, said] = await refused(recipe, settings);
    expect([got, said]).toEqual([status, expect.stringMatching(message)]);
  });

  test('a name that leads out of the folder of runs', async () => {
    for (const name of ['../x', 'a/b', '.hidden', '', 'x'.repeat(65)]) {
      const response = await server.fetch('/api/lab/jobs', { body: { recipe: 'snapshot', name } });
      expect([name, response.status]).toEqual([name, 400]);
    }
  });
});

describe('the loop', () => {
  let thumb: LineageItem;
  let snapshot: string;

  test('nothing has become of a thumb before the first snapshot', async () => {
    const { items } = await ann.json<{ items: LineageItem[] }>('/api/lineage');
    expect(items).toHaveLength(12);
    thumb = items.at(-1)!;
    expect(thumb).toMatchObject({ kind: 'thumb', excerpt: 'Recite 0', withdrawn: false, snapshots: 0 });
    const lineage = await lineageOf(ann, `messages/${judged[0]!.id}`);
    expect(lineage).toEqual({ item: thumb, snapshots: [], models: [], comparisons: [], deployments: [] });
  });

  test('a snapshot, a reward model and PPO run as jobs, and their models are registered', async () => {
    const taken = await run('snapshot', 'first');
    expect(taken.result).toMatchObject({ lines: { thumbs: 12 } });
    const inputs: LabInputs = labInputsSchema.parse(await server.json('/api/lab/inputs'));
    snapshot = inputs.snapshots[0]!.name;
    expect(inputs.snapshots).toMatchObject([{ hash: taken.result!.hash, lines: { thumbs: 12 } }]);

    const preferences = `snapshot:${snapshot}`;
    const reward = await run('reward', 'judge', { model, preferences, batch: 4, learningRate: 1e-3 });
    expect(reward).toMatchObject({ model: 'judge', settings: { preferences, batch: 4 } });
    expect(reward.report).toMatch(/# Reward model judge/);

    const ppo = await run('ppo', 'improved', {
      ...{ model, rewardModel: 'model:judge', prompts: preferences },
      ...{ steps: 3, batch: 4, minibatches: 2, maxTokens: 6, dump: true, klLimit: 1e6 },
    });
    expect(ppo.model).toBe('improved');
    const choices = (await ann.json<{ models: ModelChoice[] }>('/api/models')).models.map(({ id }) => id);
    expect(choices).toEqual(['improved', tinyModelName]);
    const { models } = await server.json<{ models: LabModel[] }>('/api/lab/models');
    expect(models).toMatchObject([
      { id: 'improved', stage: 'ppo', parent: { id: tinyModelName }, job: { name: 'improved' }, role: 'none' },
      { id: 'judge', stage: 'reward', parent: { id: tinyModelName }, data: { hash: inputs.snapshots[0]!.hash } },
      { id: tinyModelName, role: 'deployed', job: null },
    ]);
    const { figures, card }: LabModelDetails = labModelDetailsSchema.parse(
      await server.json('/api/lab/models/improved'),
    );
    expect(Object.keys(figures)).toEqual(expect.arrayContaining(['reward', 'kl']));
    expect(card).toMatch(/# PPO of improved/);
  }, 180_000);

  test('the events of a run that has ended are its metrics and its log, and end', async () => {
    const { jobs } = await server.json<{ jobs: Job[] }>('/api/lab/jobs');
    const { id } = jobs.find(({ name }) => name === 'improved')!;
    const told: JobEvent[] = [];
    for await (const data of readEvents(await server.fetch(`/api/lab/jobs/${id}/events`))) {
      told.push(jobEventSchema.parse(JSON.parse(data)));
    }
    const metrics = told.flatMap((event) => (event.type === 'metrics' ? event.metrics : []));
    expect(metrics.map(({ step }) => step)).toEqual([1, 2, 3]);
    expect(metrics[0]).toMatchObject({ reward: expect.any(Number), kl: expect.any(Number) });
    expect(told.some((event) => event.type === 'log' && event.text.includes('model in'))).toBe(true);
    expect(told.find((event) => event.type === 'job')).toMatchObject({ job: { state: 'done' } });
  });

  test('PPO’s answers can be read token by token', async () => {
    const { jobs } = await server.json<{ jobs: Job[] }>('/api/lab/jobs');
    const path = `/api/lab/jobs/${jobs.find(({ name }) => name === 'improved')!.id}/episodes`;
    expect(await server.json(path)).toEqual({ steps: [1, 2, 3] });
    const { episodes } = await server.json<{ episodes: LabEpisode[] }>(`${path}/2`);
    expect(episodes).toHaveLength(4);
    for (const episode of episodes) {
      labEpisodeSchema.parse(episode);
      const { tokens, score } = episode;
      expect(tokens.length).toBeLessThanOrEqual(6);
      // The score is added at the last token; what is left everywhere is the price of divergence.
      const total = tokens.reduce((sum, { reward, kl }) => sum + reward! + 0.05 * kl, 0);
      expect(total).toBeCloseTo(score, 3);
    }
    expect((await server.fetch(`${path}/9`)).status).toBe(404);
  });

  test('the thumb leads to the reward model and the policy, by their hashes', async () => {
    const { item, snapshots, models, deployments } = await lineageOf(ann, `items/${thumb.id}`);
    expect(item).toEqual({ ...thumb, snapshots: 1 });
    expect(snapshots).toMatchObject([{ name: snapshot, lines: 12, present: true }]);
    const { hash } = snapshots[0]!;
    const [judge, improved] = models;
    expect(judge).toMatchObject({ id: 'judge', links: [{ kind: 'data', from: hash }] });
    expect(improved).toMatchObject({
      id: 'improved',
      links: [
        { kind: 'prompts', from: hash },
        { kind: 'reward', from: judge!.weightsHash },
      ],
    });
    expect(models).toHaveLength(2);
    expect(deployments).toEqual([]);
  });

  test('two models are compared blind', async () => {
    const body = { left: 'improved', right: tinyModelName, prompts: ['Recite', '背诵'], maxTokens: 8 };
    const { id } = await server.json<Comparison>('/api/comparisons', { body });
    const comparison = async (person: TestServer): Promise<ComparisonDetails> =>
      comparisonDetailsSchema.parse(await person.json(`/api/comparisons/${id}`));
    await until(async () => (await comparison(trainer)).comparison.answered === 2, 30_000);
    expect(await comparison(trainer)).toMatchObject({ comparison: { result: null }, items: [] });
    for (const choice of ['first', 'tie']) {
      const { item } = await trainer.json<{ item: BlindItem }>(`/api/comparisons/${id}/next`);
      expect(JSON.stringify(item)).not.toMatch(/improved|tiny/);
      const names = await trainer.json<Unveiled>(`/api/comparisons/${id}/votes`, { body: { item: item.id, choice } });
      expect([names.first, names.second].sort()).toEqual(['improved', tinyModelName]);
      const again = await trainer.fetch(`/api/comparisons/${id}/votes`, { body: { item: item.id, choice } });
      expect(again.status).toBe(409);
    }
    expect(await trainer.json(`/api/comparisons/${id}/next`)).toEqual({ item: null });
    const { comparison: judgedNow, items } = await comparison(trainer);
    expect(judgedNow.result).toMatchObject({ votes: 2, ties: 1 });
    expect([0.25, 0.75]).toContain(judgedNow.result!.winRate);
    expect(items).toHaveLength(2);
    // The administrator has not judged yet, so it stays blind for them.
    expect((await comparison(server)).comparison.result).toBeNull();
  }, 60_000);

  test('promoted, shared and rolled back, people get the model that is deployed', async () => {
    const deploy = async (body: object): Promise<Deployment> =>
      deploymentSchema.parse(await server.json('/api/lab/deployments', { body }));
    const promoted = await deploy({ kind: 'promote', model: 'improved', reason: 'better' });
    expect(promoted.figures.improved).toMatchObject({ winRate: expect.any(Number), kl: expect.any(Number) });
    expect(await roles()).toEqual([['improved', 'deployed']]);
    expect((await ask(ann, 'Recite', 1)).model).toBe('improved');
    expect((await server.fetch('/api/lab/deployments', { body: { kind: 'promote', model: 'improved' } })).status).toBe(
      409,
    );
    expect((await server.fetch('/api/lab/deployments', { body: { kind: 'promote', model: 'judge' } })).status).toBe(
      404,
    );
    expect((await server.fetch('/api/lab/models/improved', { method: 'DELETE' })).status).toBe(409);
    const { jobs } = await server.json<{ jobs: Job[] }>('/api/lab/jobs');
    const run = jobs.find(({ name }) => name === 'improved')!;
    expect((await server.fetch(`/api/lab/jobs/${run.id}`, { method: 'DELETE' })).status).toBe(409);

    await deploy({ kind: 'share', challenger: tinyModelName, challengerPercent: 99 });
    expect(await roles()).toEqual([
      ['improved', 'deployed'],
      [tinyModelName, 'challenger'],
    ]);
    const writers = await Promise.all(Array.from({ length: 8 }, () => ask(ann, 'Recite', 1)));
    expect(writers.some((answer) => answer.model === tinyModelName)).toBe(true);

    const { deployments } = await lineageOf(ann, `items/${thumb.id}`);
    expect(deployments.map(({ model, until }) => [model, until !== null])).toEqual([
      ['improved', false],
      ['improved', true],
    ]);
    expect((await server.fetch('/api/lab/deployments', { body: { kind: 'rollback' } })).status).toBe(400);
    const back = await deploy({ kind: 'rollback', reason: 'it recites too much' });
    expect(back).toMatchObject({ model: tinyModelName, challenger: null, reason: 'it recites too much' });
    expect((await ask(ann, 'Recite', 1)).model).toBe(tinyModelName);
    const after = await lineageOf(ann, `items/${thumb.id}`);
    expect(after.deployments.every(({ until }) => until !== null)).toBe(true);
    expect(after.comparisons).toMatchObject([{ left: 'improved', right: tinyModelName, votes: 2 }]);
  }, 60_000);

  test('from a model back to what it was made of', async () => {
    const origin: ModelOrigin = modelOriginSchema.parse(await server.json('/api/lineage/models/improved'));
    expect(origin.models.map(({ id }) => id)).toEqual([tinyModelName, 'judge', 'improved']);
    expect(origin.model.links.map(({ kind }) => kind)).toEqual(['prompts', 'reward', 'parent']);
    expect(origin).toMatchObject({ people: 1, snapshots: [{ name: snapshot }] });
    expect(origin.items).toHaveLength(12);
    expect((await server.json<ModelOrigin>(`/api/lineage/models/${tinyModelName}`)).items).toEqual([]);
  });

  test('what is taken back is missing from the next snapshot and told where it remains', async () => {
    await ann.fetch(`/api/messages/${judged[0]!.id}/feedback`, { method: 'DELETE' });
    await run('snapshot', 'second');
    const lineage = await lineageOf(ann, `items/${thumb.id}`);
    expect(lineage.item).toMatchObject({ withdrawn: true, snapshots: 1 });
    expect(lineage.snapshots).toMatchObject([{ name: snapshot }]);
    expect(lineage.models).toHaveLength(2);
    const { items } = await ann.json<{ items: LineageItem[] }>('/api/lineage');
    expect(items.filter(({ snapshots }) => snapshots === 2)).toHaveLength(11);
  }, 60_000);

  test('nobody reads what became of another person’s words; the administrator does', async () => {
    expect((await bob.fetch(`/api/lineage/items/${thumb.id}`)).status).toBe(404);
    expect((await bob.fetch(`/api/lineage/messages/${judged[1]!.id}`)).status).toBe(404);
    expect((await trainer.fetch(`/api/lineage/items/${thumb.id}`)).status).toBe(404);
    expect((await lineageOf(server, `items/${thumb.id}`)).item.id).toBe(thumb.id);
    expect(await bob.json('/api/lineage')).toEqual({ items: [] });
  });

  test('a run that is removed takes its model along, and the line remembers it', async () => {
    const { jobs } = await server.json<{ jobs: Job[] }>('/api/lab/jobs');
    const { id } = jobs.find(({ name }) => name === 'improved')!;
    expect((await server.fetch(`/api/lab/jobs/${id}`, { method: 'DELETE' })).status).toBe(204);
    expect((await server.fetch(`/api/lab/jobs/${id}`)).status).toBe(404);
    expect((await server.fetch('/api/lab/models/improved')).status).toBe(404);
    const { models } = await lineageOf(server, `items/${thumb.id}`);
    expect(models.map(({ id, removed }) => [id, removed])).toEqual([
      ['judge', false],
      ['improved', true],
    ]);
  });
});

describe('importing a model', () => {
  test('loads it once, and refuses what is none', async () => {
    const bad = await server.fetch('/api/lab/models', { body: { folder: temporaryFolder('empty') } });
    expect([bad.status, await bad.text()]).toEqual([400, expect.stringMatching(/is not a model folder/)]);
    expect((await server.fetch('/api/lab/models', { body: { folder: 'relative' } })).status).toBe(400);
  });
});

test('the Lab is for administrators, judging for trainers', async () => {
  const id = '01890000-0000-7000-8000-000000000000';
  const forbidden: [TestServer, string, string][] = [
    [ann, 'GET', '/api/lab/jobs'],
    [ann, 'POST', '/api/lab/jobs'],
    [trainer, 'POST', '/api/lab/jobs'],
    [trainer, 'GET', `/api/lab/jobs/${id}/events`],
    [trainer, 'POST', `/api/lab/jobs/${id}/stop`],
    [trainer, 'POST', '/api/lab/deployments'],
    [trainer, 'GET', '/api/lab/models'],
    [trainer, 'DELETE', `/api/lab/models/${tinyModelName}`],
    [trainer, 'GET', `/api/lineage/models/${tinyModelName}`],
    [trainer, 'POST', '/api/comparisons'],
    [ann, 'GET', '/api/comparisons'],
    [ann, 'POST', `/api/comparisons/${id}/votes`],
  ];
  for (const [person, method, path] of forbidden) {
    const body = method === 'POST' ? {} : undefined;
    expect([path, (await person.fetch(path, { method, body })).status]).toEqual([path, 403]);
  }
});

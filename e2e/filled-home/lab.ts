/** The Lab after a first round: a snapshot, a reward model, PPO, comparisons, deployments, and runs in every state. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Manifest, samplingSchema } from '@parley/contracts';
import { type Lineage, loadModel, saveModel } from '@parley/lm/checkpoint';
import type { HomeFiller } from './home-filler.ts';
import type { People } from './people.ts';

export interface LabPlaces {
  /** By their ids: runs that are done, go on and have failed, a comparison that is judged and one to judge. */
  doneRun: string;
  activeRun: string;
  failedRun: string;
  judged: string;
  toJudge: string;
}

const hours = { snapshot: 50, reward: 49, ppo: 48, compared: 40, promoted: 39 };

interface Said {
  /** Ids of what the snapshot holds. */
  vote: string;
  ranking: string;
}

export async function addLab(filler: HomeFiller, people: People, model: string, said: Said): Promise<LabPlaces> {
  const start = loadModel(model);
  const lab = new LabFiller(filler, people.ada, start);
  const parent = { name: start.manifest.name, weightsHash: start.manifest.weightsHash };
  await lab.register(model, start.manifest, 100);

  const snapshot = await addSnapshot(filler, people, said);
  const data = { name: snapshot.name, hash: snapshot.hash };
  const from = { model: `model:${parent.name}` };
  await lab.job('snapshot', 'snapshot-1', hours.snapshot, {
    ...{ state: 'done', minutes: 0.1, result: { hash: snapshot.hash, lines: snapshot.lines } },
  });
  const reward = await lab.made('reward', 'reward-1', hours.reward, {
    ...{ stage: 'reward', parent, data, metrics: { accuracy: 0.669 } },
  });
  await lab.job('reward', 'reward-1', hours.reward, {
    ...{ state: 'done', minutes: 2.2, settings: { ...from, preferences: `snapshot:${snapshot.name}`, batch: 4 } },
    ...{ metrics: rewardCurve(), report: rewardReport },
  });
  const policy = await lab.made('ppo', 'ppo-1', hours.ppo, {
    ...{ stage: 'ppo', parent, data, metrics: {}, recipe: { rewardHash: reward.weightsHash } },
  });
  const ppoSettings = { ...from, rewardModel: 'model:reward-1', prompts: `snapshot:${snapshot.name}`, dump: true };
  const doneRun = await lab.job('ppo', 'ppo-1', hours.ppo, {
    ...{ state: 'done', minutes: 6.5, settings: { ...ppoSettings, steps: 20, batch: 16, minibatches: 2 } },
    ...{ metrics: policyCurve(20), report: policyReport, result: { last: { reward: 1.31, kl: 0.58 } } },
    episodes: episodes(start.tokenizer),
  });
  const failedRun = await lab.job('sft', 'sft-3', 30, {
    ...{ state: 'failed', minutes: 0.2, settings: { ...from, data: 'data:talks', epochs: 0.1 } },
    error: 'parley: talks/demonstrations.jsonl:18: messages must end with the assistant; mend the line or remove it',
  });
  await lab.job('dpo', 'dpo-1', 26, {
    ...{ state: 'stopped', minutes: 1.5, settings: { ...from, preferences: `snapshot:${snapshot.name}` } },
    metrics: rewardCurve().slice(0, 6),
  });
  const activeRun = await lab.job('ppo', 'ppo-2', 0.05, {
    ...{ state: 'running', minutes: 0, settings: { ...ppoSettings, steps: 100 }, metrics: policyCurve(7) },
  });
  await lab.job('evaluate', 'evaluate-1', 0.02, { state: 'queued', minutes: 0, settings: { model: 'model:ppo-1' } });

  const judged = await lab.comparison(hours.compared, ['ppo-1', parent.name], people, true);
  const toJudge = await lab.comparison(1, ['ppo-1', parent.name], people, false);
  await lab.deployment(90, { kind: 'start', model_id: parent.name });
  const known = { [policy.name]: { winRate: 0.625, kl: 0.58, reward: 1.31 }, [parent.name]: { heldOutLoss: 2.11 } };
  const figures = JSON.stringify(known);
  await lab.deployment(hours.promoted + 1, {
    ...{ kind: 'share', model_id: parent.name, challenger_id: policy.name, challenger_percent: 20, figures },
  });
  await lab.deployment(hours.promoted, {
    ...{ kind: 'promote', model_id: policy.name, reason: 'Wins the blind comparison, and 回答更简洁。', figures },
  });
  return { doneRun, activeRun, failedRun, judged, toJudge };
}

async function addSnapshot(filler: HomeFiller, { ada, lin }: People, { vote, ranking }: Said) {
  const hash = '5f2d7c91'.repeat(8);
  const name = hash.slice(0, 12);
  const folder = join(filler.home, 'snapshots', name);
  const lines = { rankings: 3, pairs: 1, thumbs: 3, demonstrations: 2, labels: 1 };
  mkdirSync(folder, { recursive: true });
  const description = { format: 'parley-snapshot/1', hash, lines, sources: [{ name: 'server', lines: 10 }] };
  writeFileSync(join(folder, 'snapshot.json'), JSON.stringify(description));
  const at = filler.ago({ hours: hours.snapshot });
  await filler.db
    .insertInto('snapshots')
    .values({ hash, name, preferences_hash: hash, demonstrations_hash: null, lines: 10, created_at: at })
    .execute();
  const line = { snapshot_hash: hash, created_at: filler.ago({ days: 3 }) };
  await filler.db
    .insertInto('snapshot_lines')
    .values([
      { ...line, item_id: vote, kind: 'thumb', author: ada, excerpt: '唐朝的都城在哪里？' },
      { ...line, item_id: vote, kind: 'pair', author: ada, excerpt: '唐朝的都城在哪里？' },
      { ...line, item_id: ranking, kind: 'ranking', author: ada, excerpt: 'What is the capital of Japan?' },
      // Taken back since.
      { ...line, item_id: filler.id(at), kind: 'demonstration', author: ada, excerpt: 'How do I boil an egg?' },
      { ...line, item_id: filler.id(at), kind: 'thumb', author: lin, excerpt: 'Tell me a joke.' },
    ])
    .execute();
  return { hash, name, lines };
}

interface FilledJob {
  state: 'queued' | 'running' | 'stopped' | 'failed' | 'done';
  minutes: number;
  settings?: Record<string, unknown>;
  error?: string;
  metrics?: object[];
  report?: string;
  result?: object;
  episodes?: object[];
}

type Loaded = ReturnType<typeof loadModel>;

class LabFiller {
  readonly #filler: HomeFiller;
  readonly #ada: string;
  readonly #start: Loaded;
  #models = 0;

  constructor(filler: HomeFiller, ada: string, start: Loaded) {
    this.#filler = filler;
    this.#ada = ada;
    this.#start = start;
  }

  async job(
    recipe: 'snapshot' | 'sft' | 'reward' | 'ppo' | 'dpo' | 'evaluate',
    name: string,
    age: number,
    job: FilledJob,
  ) {
    const { state, minutes, settings = {}, error = null, metrics = [], report, result, episodes } = job;
    const folder = join(this.#filler.home, 'runs', name);
    mkdirSync(join(folder, 'episodes'), { recursive: true });
    const lines = (values: object[]) => values.map((value) => `${JSON.stringify(value)}\n`).join('');
    writeFileSync(join(folder, 'metrics.jsonl'), lines(metrics));
    writeFileSync(join(folder, 'log.txt'), logOf(name, metrics.length));
    if (report) writeFileSync(join(folder, 'report.md'), report);
    if (result) {
      writeFileSync(join(folder, 'report.json'), JSON.stringify(result));
      writeFileSync(join(folder, 'result.json'), JSON.stringify(result));
    }
    if (episodes) writeFileSync(join(folder, 'episodes', 'step-20.jsonl'), lines(episodes));
    const begun = this.#filler.ago({ hours: age });
    const id = this.#filler.id(begun);
    const active = state === 'running';
    await this.#filler.db
      .insertInto('jobs')
      .values({
        ...{ id, recipe, name, settings: JSON.stringify(settings), state, error, stop_requested: 0, attempts: 1 },
        // Somebody else looks after the run that goes on, so this server leaves it alone.
        ...{ worker: active ? 'elsewhere' : null, lease_until: active ? this.#filler.ago({ days: -1 }) : null },
        ...{ heartbeat_at: begun, process_id: null, process_started: null, retry_at: 0, user_id: this.#ada },
        ...{ created_at: begun, started_at: state === 'queued' ? null : begun },
        finished_at: active || state === 'queued' ? null : begun + minutes * 60_000,
      })
      .execute();
    return id;
  }

  /** A model that a run has made: the first one, changed a little. */
  async made(recipe: string, name: string, age: number, lineage: Partial<Lineage>): Promise<Manifest> {
    const { model, tokenizer } = this.#start;
    const [spec] = model.parameters.specs;
    model.parameters.get(spec!.name).data[0]! += 1e-3;
    const folder = join(this.#filler.home, 'runs', name, 'model');
    mkdirSync(join(folder, '..'), { recursive: true });
    const about = { name, stage: 'ppo', parent: null, data: null, recipe: {}, seed: 1, metrics: {} } as const;
    const manifest = saveModel(folder, model, tokenizer, {
      ...about,
      ...lineage,
      recipe: { recipe, ...lineage.recipe },
    });
    await this.register(folder, manifest, age);
    return manifest;
  }

  async register(folder: string, manifest: Manifest, age: number): Promise<void> {
    const at = this.#filler.ago({ hours: age }) + this.#models++;
    await this.#filler.db
      .insertInto('models')
      .values({
        ...{ id: manifest.name, folder, weights_hash: manifest.weightsHash, registered_at: at, removed_at: null },
        ...{ manifest: JSON.stringify({ ...manifest, createdAt: new Date(at).toISOString() }), context: 4096 },
      })
      .execute();
  }

  async deployment(age: number, deployment: Deployment): Promise<void> {
    const at = this.#filler.ago({ hours: age });
    await this.#filler.db
      .insertInto('deployments')
      .values({
        ...{ id: this.#filler.id(at), challenger_id: null, challenger_percent: 0, reason: '', figures: '{}' },
        ...{ user_id: this.#ada, created_at: at },
        ...deployment,
      })
      .execute();
  }

  /** @param judged by everybody, or not yet by Ada */
  async comparison(age: number, [left, right]: [string, string], people: People, judged: boolean): Promise<string> {
    const at = this.#filler.ago({ hours: age });
    const id = this.#filler.id(at);
    const common = { id, error: null, user_id: this.#ada, created_at: at };
    const sampling = JSON.stringify(samplingSchema.parse({}));
    await this.#filler.db
      .insertInto('comparisons')
      .values({ ...common, left_id: left, right_id: right, sampling })
      .execute();
    const voters = judged ? [people.ada, people.grace, people.ming] : [people.grace];
    for (const [index, [prompt, better, worse]] of compared.entries()) {
      const item = this.#filler.id(at);
      const content = JSON.stringify([{ role: 'user', content: prompt }]);
      await this.#filler.db
        .insertInto('comparison_items')
        .values({ id: item, comparison_id: id, prompt: content, left_answer: better, right_answer: worse })
        .execute();
      for (const [voter, user_id] of voters.entries()) {
        const choice = (['left', 'left', 'tie', 'right', 'left', 'bad'] as const)[(index * 2 + voter) % 6]!;
        await this.#filler.db
          .insertInto('comparison_votes')
          .values({ id: this.#filler.id(at), item_id: item, user_id, choice, created_at: at })
          .execute();
      }
    }
    return id;
  }
}

interface Deployment {
  kind: 'start' | 'promote' | 'share';
  model_id: string;
  challenger_id?: string;
  challenger_percent?: number;
  reason?: string;
  figures?: string;
}

const compared = [
  ['Who are you?', 'I am Parley, a small language model.', 'I am. I am I am a model model.'],
  ['用一句话解释彩虹。', '阳光在雨滴里折射，分成了七种颜色。', '彩虹是天上的桥，彩虹是天上的桥。'],
  ['List three fruits.', '- apple\n- pear\n- plum', '# Fruits\n\nApple.'],
  ['What is 17 + 25?', '17 + 25 = **42**', ''],
] as const;

/** A smooth curve with some noise, the same every time. */
const wave = (step: number, size: number) => size * Math.sin(step * 12.9898) * Math.cos(step * 4.1414);

function policyCurve(steps: number): object[] {
  return Array.from({ length: steps }, (_, index) => {
    const step = index + 1;
    return {
      ...{
        step,
        stage: 'ppo',
        loss: wave(step, 0.01),
        seconds: step * 19.2,
        learningRate: 4e-5 * Math.min(1, step / 5),
      },
      ...{ reward: 1.4 * (1 - Math.exp(-step / 7)) - 0.4 + wave(step, 0.12), kl: 0.03 * step + wave(step, 0.02) },
      ...{ valueLoss: 3.1 / step + 0.2, entropy: 1.52 - step * 0.004, length: 22 - step * 0.3 + wave(step, 2) },
      ...{
        ended: Math.min(1, 0.82 + step * 0.01),
        sameLanguage: 0.74 + step * 0.011,
        gradientNorm: 1.1 + wave(step, 0.4),
      },
      tokensPerSecond: 940 + wave(step, 60),
    };
  });
}

function rewardCurve(): object[] {
  return Array.from({ length: 12 }, (_, index) => {
    const step = (index + 1) * 10;
    const loss = 0.69 * Math.exp(-step / 200) + wave(step, 0.02);
    const learned = { accuracy: 0.5 + 0.17 * (1 - Math.exp(-step / 50)), gradientNorm: 0.8 + wave(step, 0.2) };
    return { step, stage: 'reward', loss, ...learned, learningRate: 1e-4 / (1 + index), seconds: step * 1.1 };
  });
}

const logOf = (name: string, steps: number) =>
  `model in runs/${name}/model, 0.1 M parameters, 2 threads\n${Array.from(
    { length: steps },
    (_, index) => `step ${index + 1} of ${steps}  loss ${(0.7 / (index + 1)).toFixed(4)}  ${940 + index} tokens/s\n`,
  ).join('')}`;

const rewardReport = `# Reward model reward-1

|  |  |
|---|---:|
| seconds | 129.6 |
| comparisons | 4,994 |
| held out pairs | 2,022 |
| accuracy | 0.6691 |

![loss](loss.svg)

## Held-out pairs ordered as people did

|  | pairs | share |
|---|---:|---:|
| en | 1,110 | 0.664 |
| zh | 872 | 0.68 |
| preferred answer shorter by more than 8 | 221 | 0.7511 |
`;

const policyReport = `# PPO of ppo-1

|  |  |
|---|---:|
| seconds | 390.1 |
| steps | 20 |
| episodes | 3,840 |
| flops | 5,146,304,553,216 |

![reward](reward.svg)

## Mean of the first and the last 5 batches

|  | first | last |
|---|---:|---:|
| reward | -0.3997 | 1.31 |
| kl | 0.0511 | 0.5787 |
| length | 22.1 | 16.67 |
| ended | 0.8384 | 0.9969 |
`;

function episodes(tokenizer: Loaded['tokenizer']): object[] {
  const answer = (prompt: string, text: string, score: number, ended: boolean) => {
    const tokens = tokenizer.encode(text);
    const of = (value: (index: number) => number) => Array.from(tokens, (_, index) => value(index));
    return {
      ...{ messages: [{ role: 'user', content: prompt }], text, ended, score, tokens: [...tokens] },
      ...{ logProbabilities: of((index) => -0.4 - Math.abs(wave(index, 1.5))), reference: of(() => -0.9) },
      rewards: of((index) => (index === tokens.length - 1 ? score : wave(index, 0.05))),
      ...{ values: of((index) => score * (index / tokens.length)), advantages: of((index) => wave(index + 3, score)) },
    };
  };
  return [
    answer('Recite something.', 'The quick brown fox jumps over the lazy dog, and the dog sleeps on.', 1.31, true),
    answer('今天天气怎么样？', '今天天气很好，我们去公园散步吧。', 0.72, true),
    answer('Say hello.', '你好 means hello 👋 and 谢谢 means\nthank you.', -0.44, false),
  ];
}

/**
 * Lineage, from what a person said to the models that answer, and back. Links are what manifests and snapshots state:
 *
 *     line ─ id ─ snapshot ─ data hash ─ reward model ─ rewardHash of the recipe ─ policy ─ parent ─ policy …
 *
 * A model that was removed, and something that was taken back, stay in the line: where they went is what one asks.
 */
import type { Lineage, LineageItem, LineageModel, ModelOrigin } from '@parley/contracts';
import type { Db } from '../db/database.ts';
import { resultsOf } from './comparisons.ts';
import { listDeployments } from './deployments.ts';
import type { Lab } from './lab.ts';
import { collectedItems } from './lineage-items.ts';
import type { RegisteredModel } from './registry.ts';
import { indexSnapshots } from './snapshots.ts';
import type { SnapshotLineRow, SnapshotRow } from './tables.ts';

type Links = LineageModel['links'];

/** What became of an item. */
export async function lineageOf(lab: Lab, item: LineageItem): Promise<Lineage> {
  await indexSnapshots(lab.db, lab.folders);
  const snapshots = await lab.db
    .selectFrom('snapshots')
    .selectAll()
    .where('hash', 'in', (query) =>
      query.selectFrom('snapshot_lines').select('snapshot_hash').where('item_id', '=', item.id),
    )
    .orderBy('created_at')
    .execute();
  const found = new Map<string, Links>();
  const models = await lab.registry.listAll();
  // A link may lead to a model that others lead on from, so look until nothing new is found.
  for (let grew = true; grew; ) {
    grew = false;
    for (const model of models) {
      const links = linksOf(model, snapshots, found);
      if (links.length > (found.get(model.manifest.weightsHash)?.length ?? 0)) {
        found.set(model.manifest.weightsHash, links);
        grew = true;
      }
    }
  }
  const members = models.filter(({ manifest }) => found.has(manifest.weightsHash));
  return { item, ...(await lineFor(lab, snapshots, members, found)) };
}

/** What a model was made of. @throws HttpError 404 */
export async function originOf(lab: Lab, id: string): Promise<ModelOrigin> {
  await indexSnapshots(lab.db, lab.folders);
  const start = await lab.registry.getAny(id);
  const members = ancestorsOf(start, await lab.registry.listAll());
  const hashes = new Map(members.map(({ manifest }) => [manifest.weightsHash, []]));
  const all = await lab.db.selectFrom('snapshots').selectAll().orderBy('created_at').execute();
  const snapshots = all.filter((snapshot) => members.some((model) => dataLinks(model, [snapshot]).length > 0));
  const links = new Map(members.map((model) => [model.manifest.weightsHash, linksOf(model, snapshots, hashes)]));
  const line = await lineFor(lab, snapshots, members, links);
  const model = line.models.find(({ weightsHash }) => weightsHash === start.manifest.weightsHash)!;
  return { model, ...line, ...(await itemsIn(lab.db, snapshots)) };
}

/** A model, what it began as and what rewarded it, and theirs in turn, as far as this server knows them. */
function ancestorsOf(start: RegisteredModel, models: readonly RegisteredModel[]): RegisteredModel[] {
  const byHash = new Map(models.map((model) => [model.manifest.weightsHash, model]));
  const found = new Set<RegisteredModel>();
  const queue = [byHash.get(start.manifest.weightsHash)];
  while (queue.length > 0) {
    const model = queue.shift();
    if (!model || found.has(model)) continue;
    found.add(model);
    const { parent, recipe } = model.manifest;
    queue.push(byHash.get(parent?.weightsHash ?? ''), byHash.get(String(recipe.rewardHash)));
  }
  return [...found];
}

/** What people said that is in any of the snapshots, and how many they are. */
async function itemsIn(db: Db, snapshots: SnapshotRow[]): Promise<Pick<ModelOrigin, 'items' | 'people'>> {
  if (snapshots.length === 0) return { items: [], people: 0 };
  const hashes = snapshots.map(({ hash }) => hash);
  const lines = await db
    .selectFrom('snapshot_lines')
    .selectAll()
    .where('snapshot_hash', 'in', hashes)
    // A thumb before what else came with it.
    .orderBy('kind', 'desc')
    .execute();
  const current = await collectedItems(db);
  const items = new Map<string, { first: SnapshotLineRow; snapshots: Set<string> }>();
  for (const line of lines) {
    const known = items.get(line.item_id) ?? { first: line, snapshots: new Set() };
    known.snapshots.add(line.snapshot_hash);
    items.set(line.item_id, known);
  }
  return {
    items: [...items].map(([id, { first, snapshots }]) => ({
      ...{ id, kind: first.kind, excerpt: first.excerpt, createdAt: first.created_at },
      ...{ withdrawn: !current.has(id), snapshots: snapshots.size },
    })),
    people: new Set(lines.flatMap(({ author }) => author ?? [])).size,
  };
}

/** What ties a model to snapshots, and to models that are in the line already. */
function linksOf(model: RegisteredModel, snapshots: SnapshotRow[], line: ReadonlyMap<string, Links>): Links {
  const { parent, recipe } = model.manifest;
  const links = dataLinks(model, snapshots);
  if (typeof recipe.rewardHash === 'string' && line.has(recipe.rewardHash)) {
    links.push({ kind: 'reward', from: recipe.rewardHash });
  }
  if (parent && line.has(parent.weightsHash)) links.push({ kind: 'parent', from: parent.weightsHash });
  return links;
}

function dataLinks({ manifest }: RegisteredModel, snapshots: SnapshotRow[]): Links {
  const hash = manifest.data?.hash;
  // A policy learns from its reward; of the data it takes the questions.
  const kind = 'rewardHash' in manifest.recipe ? 'prompts' : 'data';
  return snapshots
    .filter((row) => hash === row.hash || hash === row.preferences_hash || hash === row.demonstrations_hash)
    .map((row) => ({ kind, from: row.hash }));
}

async function lineFor(
  lab: Lab,
  snapshots: SnapshotRow[],
  members: RegisteredModel[],
  links: ReadonlyMap<string, Links>,
): Promise<Omit<Lineage, 'item'>> {
  const ids = new Set(members.map(({ id }) => id));
  const jobs = await lab.jobs.list();
  const present = new Set(lab.folders.listSnapshots().map(({ hash }) => hash));
  const newestFirst = await listDeployments(lab.db);
  const deployments = newestFirst.map((deployment, index) => ({
    ...deployment,
    until: newestFirst[index - 1]?.createdAt ?? null,
  }));
  const time = ({ manifest }: RegisteredModel) => Date.parse(manifest.createdAt);
  return {
    snapshots: snapshots.map(({ name, hash, lines, created_at }) => ({
      ...{ name, hash, lines, createdAt: created_at },
      present: present.has(hash),
    })),
    models: members
      .sort((one, other) => time(one) - time(other))
      .map((model) => {
        const job = lab.jobAmong(jobs, model);
        return {
          ...{ id: model.id, stage: model.manifest.stage, weightsHash: model.manifest.weightsHash },
          ...{ createdAt: time(model), removed: model.removedAt !== null },
          job: job ? { id: job.id, name: job.name } : null,
          links: links.get(model.manifest.weightsHash) ?? [],
        };
      }),
    comparisons: (await resultsOf(lab.db))
      .filter(({ left, right }) => ids.has(left) || ids.has(right))
      .map(({ id, left, right, createdAt, result }) => ({
        ...{ id, left, right, createdAt, votes: result.votes, winRate: result.winRate },
      })),
    deployments: deployments.flatMap(({ id, kind, model, challenger, challengerPercent, createdAt, until }) => {
      const common = { id, kind, from: createdAt, until };
      return [
        ...(ids.has(model) ? [{ ...common, model, challengerPercent: null }] : []),
        ...(challenger !== null && ids.has(challenger) ? [{ ...common, model: challenger, challengerPercent }] : []),
      ];
    }),
  };
}

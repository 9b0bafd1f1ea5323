/**
 * Lineage, from what a person said to the models that answer, and back. Links are what manifests and snapshots state:
 *
 *     line ─ id ─ snapshot ─ data hash ─ reward model ─ rewardHash of the recipe ─ policy ─ parent ─ policy …
 *
 * A model that was removed, and something that was taken back, stay in the line: where they went is what one asks.
 */
import type { Lineage, LineageItem, LineageModel, ModelOrigin } from '@parley/contracts';
import { resultsOf } from './comparisons.ts';
import { listDeployments } from './deployments.ts';
import type { Lab } from './lab.ts';
import { collectedItems } from './lineage-items.ts';
import type { RegisteredModel } from './registry.ts';
import { indexSnapshots } from './snapshots.ts';
import type { SnapshotRow } from './tables.ts';

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

/** What a model was made of. */
export async function originOf(lab: Lab, id: string): Promise<ModelOrigin> {
  await indexSnapshots(lab.db, lab.folders);
  const models = await lab.registry.listAll();
  const byHash = new Map(models.map((model) => [model.manifest.weightsHash, model]));
  const start = await lab.registry.getAny(id);
  const members = new Map<string, RegisteredModel>();
  const queue = [start];
  for (let model = queue.shift(); model; model = queue.shift()) {
    if (members.has(model.manifest.weightsHash)) continue;
    members.set(model.manifest.weightsHash, model);
    const { parent, recipe } = model.manifest;
    for (const hash of [parent?.weightsHash, recipe.rewardHash, recipe.referenceHash]) {
      const ancestor = byHash.get(String(hash));
      if (ancestor) queue.push(ancestor);
    }
  }
  const all = await lab.db.selectFrom('snapshots').selectAll().orderBy('created_at').execute();
  const made = [...members.values()];
  const snapshots = all.filter((snapshot) => made.some((model) => dataLinks(model, [snapshot]).length > 0));
  const found = new Map(
    made.map((model) => [
      model.manifest.weightsHash,
      linksOf(model, snapshots, new Map([...members].map(([hash]) => [hash, []]))),
    ]),
  );
  const line = await lineFor(lab, snapshots, made, found);
  const lines =
    snapshots.length === 0
      ? []
      : await lab.db
          .selectFrom('snapshot_lines')
          .selectAll()
          .where(
            'snapshot_hash',
            'in',
            snapshots.map(({ hash }) => hash),
          )
          .execute();
  const current = await collectedItems(lab.db);
  const items = new Map<string, LineageItem>();
  for (const { item_id, kind, excerpt, created_at } of lines) {
    const known = items.get(item_id);
    items.set(item_id, {
      ...{ id: item_id, excerpt, createdAt: created_at, withdrawn: !current.has(item_id) },
      kind: known?.kind ?? kind,
      snapshots: new Set(lines.filter((other) => other.item_id === item_id).map((other) => other.snapshot_hash)).size,
    });
  }
  const model = line.models.find(({ weightsHash }) => weightsHash === start.manifest.weightsHash)!;
  const people = new Set(lines.flatMap(({ author }) => author ?? [])).size;
  return { model, ...line, items: [...items.values()], people };
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

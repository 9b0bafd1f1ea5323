/** What somebody's work went into, as the Lab's lineage knows it. */
import type { Contribution } from '@parley/contracts';
import type { Lab } from '../lab/lab.ts';
import { lineageOf } from '../lab/lineage.ts';
import { indexSnapshots } from '../lab/snapshots.ts';

export type Usage = Pick<Contribution, 'snapshots' | 'models'>;

/** By the id of what was said; what is in no snapshot yet is not in the map. */
export async function usageOf(lab: Lab, user: string): Promise<Map<string, Usage>> {
  const { db, folders } = lab;
  await indexSnapshots(db, folders);
  const rows = await db
    .selectFrom('snapshot_lines')
    .innerJoin('snapshots', 'snapshots.hash', 'snapshot_lines.snapshot_hash')
    .select(['snapshot_lines.item_id', 'snapshots.name'])
    .where('snapshot_lines.author', '=', user)
    .orderBy('snapshots.created_at')
    .execute();
  const snapshots = new Map<string, Set<string>>();
  for (const { item_id, name } of rows) {
    snapshots.set(item_id, (snapshots.get(item_id) ?? new Set()).add(name));
  }
  // What is in the same snapshots went into the same models.
  const modelsOf = new Map<string, string[]>();
  const usage = new Map<string, Usage>();
  for (const [id, names] of snapshots) {
    const list = [...names];
    const key = list.join(' ');
    const models = modelsOf.get(key) ?? (await modelsFrom(lab, id, list.length));
    modelsOf.set(key, models);
    usage.set(id, { snapshots: list, models });
  }
  return usage;
}

async function modelsFrom(lab: Lab, id: string, snapshots: number): Promise<string[]> {
  const item = { id, kind: 'ranking' as const, excerpt: '', createdAt: null, withdrawn: false, snapshots };
  return (await lineageOf(lab, item)).models.map((model) => model.id);
}

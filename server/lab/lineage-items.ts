/** What people said, as lineage names it: what the server has now, and what only snapshots still know of. */
import type { LineageItem } from '@parley/contracts';
import type { Db } from '../db/database.ts';
import { linesIn } from '../feedback/collected.ts';
import { HttpError } from '../http/errors.ts';
import { excerptOf, kindOf } from './snapshots.ts';

/** An item and who said it. */
export interface AuthoredItem {
  item: LineageItem;
  author: string | null;
}

/** By id: what the next snapshot would hold. Of an item with several lines, the first, which is what the person gave. */
export async function collectedItems(db: Db): Promise<Map<string, AuthoredItem>> {
  const items = new Map<string, AuthoredItem>();
  for (const line of await linesIn(db)) {
    const { id, author } = line;
    // No recipe learns from labels yet, so there is nothing that they could have gone into.
    if (id === undefined || items.has(id) || 'labels' in line) continue;
    const createdAt = 'createdAt' in line ? (line.createdAt ?? null) : null;
    const item = { id, kind: kindOf(line), excerpt: excerptOf(line), createdAt, withdrawn: false, snapshots: 0 };
    items.set(id, { item, author: author ?? null });
  }
  return items;
}

/** All items of a person, or one item, with the snapshots counted. Newest first. */
export async function itemsOf(db: Db, of: { author: string } | { id: string }): Promise<AuthoredItem[]> {
  const items = await collectedItems(db);
  const frozen = await db
    .selectFrom('snapshot_lines')
    .selectAll()
    .$if('author' in of, (query) => query.where('author', '=', (of as { author: string }).author))
    .$if('id' in of, (query) => query.where('item_id', '=', (of as { id: string }).id))
    // A thumb before what else came with it.
    .orderBy('kind', 'desc')
    .execute();
  for (const { item_id: id, kind, excerpt, author, created_at: createdAt } of frozen) {
    if (items.has(id)) continue;
    items.set(id, { item: { id, kind, excerpt, createdAt, withdrawn: true, snapshots: 0 }, author });
  }
  const snapshots = new Map<string, Set<string>>();
  for (const { item_id, snapshot_hash } of frozen) {
    snapshots.set(item_id, (snapshots.get(item_id) ?? new Set()).add(snapshot_hash));
  }
  return [...items.values()]
    .filter(({ item, author }) => ('id' in of ? item.id === of.id : author === of.author))
    .map(({ item, author }) => ({ item: { ...item, snapshots: snapshots.get(item.id)?.size ?? 0 }, author }))
    .sort((one, other) => (one.item.id < other.item.id ? 1 : -1));
}

/** @param user null for those who may see everybody's. @throws HttpError 404, also for what somebody else said */
export async function itemOf(db: Db, id: string, user: string | null): Promise<LineageItem> {
  const [found] = await itemsOf(db, { id });
  if (found && (user === null || found.author === user)) return found.item;
  throw new HttpError(404, 'item_not_found', `There is nothing ${id} that was said and kept.`);
}

/** The sidebar's headings: conversations under the day on which they were last used. */
import type { Conversation } from '@parley/contracts';

export type DayLabel = 'today' | 'yesterday' | 'week' | 'month' | { year: number; month: number };

export interface DayGroup {
  readonly label: DayLabel;
  readonly conversations: readonly Conversation[];
}

/** Groups a newest-first list by local calendar days before `now`; older ones by month (0 = January). */
export function groupByDay(conversations: readonly Conversation[], now: Date): DayGroup[] {
  const groups = new Map<string, { label: DayLabel; conversations: Conversation[] }>();
  for (const conversation of conversations) {
    const label = labelOf(new Date(conversation.updatedAt), now);
    const key = JSON.stringify(label);
    const group = groups.get(key) ?? { label, conversations: [] };
    group.conversations.push(conversation);
    groups.set(key, group);
  }
  return [...groups.values()];
}

function labelOf(date: Date, now: Date): DayLabel {
  const startOfDay = (days: number) => new Date(now.getFullYear(), now.getMonth(), now.getDate() - days);
  if (date >= startOfDay(0)) return 'today';
  if (date >= startOfDay(1)) return 'yesterday';
  if (date >= startOfDay(7)) return 'week';
  if (date >= startOfDay(30)) return 'month';
  return { year: date.getFullYear(), month: date.getMonth() };
}

import type { LineageItem } from '@parley/contracts';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { useTimeText } from '../account/time-text.ts';

/** Things that people said, each with the way to what became of it. */
export function LineageItems({ items }: { items: readonly LineageItem[] }) {
  const { t } = useTranslation();
  const timeText = useTimeText();
  return (
    <ul className="mt-3 divide-y divide-line">
      {items.map((item) => (
        <li key={item.id}>
          <Link
            to="/lineage/$itemId"
            params={{ itemId: item.id }}
            className="-mx-3 flex flex-wrap items-baseline gap-x-4 gap-y-0.5 rounded-xl px-3 py-2.5 hover:bg-hover"
          >
            <span className="text-sm text-muted">{t(`lineageKind.${item.kind}`)}</span>
            <span className="min-w-0 grow basis-48 wrap-anywhere">{item.excerpt}</span>
            <span className="text-sm text-muted">
              {[
                item.withdrawn && t('lineage.withdrawn'),
                item.snapshots > 0 ? t('lineage.inSnapshots', { count: item.snapshots }) : t('lineage.notYet'),
                item.createdAt !== null && timeText(item.createdAt),
              ]
                .filter(Boolean)
                .join(' · ')}
            </span>
          </Link>
        </li>
      ))}
    </ul>
  );
}

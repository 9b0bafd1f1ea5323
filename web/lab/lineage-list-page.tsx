import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { errorText } from '../chat/error-text.ts';
import { Notice } from '../ui/notice.tsx';
import { SettingsPage } from '../ui/settings-page.tsx';
import { ownItemsQuery } from './api.ts';
import { LineageItems } from './lineage-items.tsx';

/** Everything that one has said, and the way to what became of each. */
export function LineageListPage() {
  const { t } = useTranslation();
  const { data: items, error } = useQuery(ownItemsQuery);
  return (
    <SettingsPage title={t('lineage.title')}>
      <p className="mt-3 max-w-2xl leading-relaxed text-pretty text-muted">{t('lineage.description')}</p>
      {error && <Notice tone="danger">{errorText(t, error)}</Notice>}
      {items?.length === 0 && <p className="mt-6 text-muted">{t('lineage.empty')}</p>}
      {items && <LineageItems items={items} />}
    </SettingsPage>
  );
}

import type { Lineage } from '@parley/contracts';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import { errorText } from '../chat/error-text.ts';
import { Notice } from '../ui/notice.tsx';
import { SettingsPage } from '../ui/settings-page.tsx';
import { lineageQuery } from './api.ts';
import { LineView } from './line-view.tsx';

/** What became of something that a person said. */
export function LineagePage() {
  return <LineageOf of="items" id={useParams({ from: '/lineage/$itemId' }).itemId} />;
}

/** The same, from the message that one gave a thumb. */
export function MessageLineagePage() {
  return <LineageOf of="messages" id={useParams({ from: '/lineage/messages/$messageId' }).messageId} />;
}

function LineageOf({ of, id }: { of: 'items' | 'messages'; id: string }) {
  const { t } = useTranslation();
  const { data: lineage, error } = useQuery(lineageQuery(of, id));
  return (
    <SettingsPage title={t('lineage.title')}>
      {error && <Notice tone="danger">{errorText(t, error)}</Notice>}
      {lineage && <Story lineage={lineage} />}
      <p className="mt-8">
        <Link to="/lineage" className="text-accent underline">
          {t('lineage.all')}
        </Link>
      </p>
    </SettingsPage>
  );
}

function Story({ lineage }: { lineage: Lineage }) {
  const { t } = useTranslation();
  const { item, snapshots } = lineage;
  return (
    <>
      <figure className="mt-5 rounded-2xl border border-line bg-surface p-4">
        <figcaption className="text-sm text-muted">{t(`lineageKind.${item.kind}`)}</figcaption>
        <blockquote className="mt-1 leading-relaxed wrap-anywhere">{item.excerpt}</blockquote>
      </figure>
      <p className="mt-5 text-lg leading-relaxed text-pretty">{sentence(t, lineage)}</p>
      <div className="mt-3">
        {item.withdrawn ? (
          <Notice tone="warning">
            {t(snapshots.length > 0 ? 'lineage.withdrawnRemains' : 'lineage.withdrawnNowhere')}
          </Notice>
        ) : (
          <Notice tone="info">{t('lineage.next')}</Notice>
        )}
      </div>
      <div className="mt-6">
        <LineView line={lineage} />
      </div>
    </>
  );
}

/** The line in one sentence. */
function sentence(t: TFunction, { snapshots, models, deployments }: Lineage): string {
  if (snapshots.length === 0) return t('lineage.inNothing');
  if (models.length === 0) return t('lineage.inSnapshotsOnly', { count: snapshots.length });
  const names = models.map(({ id }) => id).join(', ');
  const now = deployments.find(({ until }) => until === null);
  if (now) return t('lineage.inDeployed', { names, model: now.model });
  return deployments.length > 0 ? t('lineage.wasDeployed', { names }) : t('lineage.inModels', { names });
}

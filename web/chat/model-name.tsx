import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { statusQuery } from '../api/queries.ts';
import { Notice } from '../ui/notice.tsx';

/** 10412800 → "10.4M", or "1040万" in Chinese. */
export function countText(count: number, language: string): string {
  return new Intl.NumberFormat(language, { notation: 'compact', maximumSignificantDigits: 3 }).format(count);
}

/** Which model answers, and how large it is. */
export function ModelName() {
  const { t, i18n } = useTranslation();
  const { data: status } = useQuery(statusQuery);
  if (!status) return null;
  return (
    <p className="flex min-w-0 items-baseline gap-2 max-sm:flex-col max-sm:gap-0">
      <span className="max-w-full truncate font-semibold">{status.model.id}</span>
      <span className="truncate text-sm text-muted max-sm:text-xs">
        {t('model.parameters', { count: countText(status.model.parameters, i18n.language) as unknown as number })}
      </span>
    </p>
  );
}

/** Says why no answer can come right now. */
export function ModelBanner() {
  const { t } = useTranslation();
  const { data: status, error } = useQuery(statusQuery);
  if (!error && (!status || status.ready)) return null;
  return (
    <div role="status" className="mx-auto w-full max-w-3xl px-3 pt-2 sm:px-5">
      <Notice tone="warning">{error ? t('model.unreachable') : t('model.loading')}</Notice>
    </div>
  );
}

import { useQuery, useQueryClient } from '@tanstack/react-query';
import { ChevronDown } from 'lucide-react';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { statusQuery } from '../api/queries.ts';
import { modelChoicesQuery } from '../assistants/api.ts';
import { Menu, MenuChoices } from '../ui/menu.tsx';
import { Notice } from '../ui/notice.tsx';
import { modelWish } from './answer-wishes.ts';
import { useAnswerStreams } from './streams-context.tsx';

/** 10412800 → "10.4M", or "1040万" in Chinese. */
export function countText(count: number, language: string): string {
  return new Intl.NumberFormat(language, { notation: 'compact', maximumSignificantDigits: 3 }).format(count);
}

/** Which model answers, and how large it is; where there are several, one may be chosen. */
export function ModelName() {
  const { t, i18n } = useTranslation();
  const { data: status } = useQuery(statusQuery);
  const { data: models = [] } = useQuery(modelChoicesQuery);
  const wish = modelWish.use();
  useNewlyDeployed(status?.model.id);
  if (!status) return null;
  const deployed = models.find((model) => model.deployed);
  const shown = models.find(({ id }) => id === wish) ?? deployed ?? status.model;
  const sizeOf = ({ parameters }: { parameters: number }) =>
    t('model.parameters', { count: countText(parameters, i18n.language) as unknown as number });
  const name = (
    <span className="flex min-w-0 items-baseline gap-2 max-sm:flex-col max-sm:gap-0">
      <span className="max-w-full truncate font-semibold">{shown.id}</span>
      <span className="truncate text-sm text-muted max-sm:text-xs">{sizeOf(shown)}</span>
    </span>
  );
  if (models.length < 2) return <p>{name}</p>;
  const options = models.map((model) => ({
    value: model.id,
    label: `${model.id} · ${model.deployed ? t('modelPicker.deployed') : sizeOf(model)}`,
  }));
  return (
    <Menu
      align="start"
      trigger={
        <button
          type="button"
          className="-ml-2 flex max-w-full min-w-0 items-center gap-1.5 rounded-lg px-2 py-1 text-left transition-colors hover:bg-hover data-[state=open]:bg-hover"
        >
          {name}
          <span className="sr-only">{t('modelPicker.label')}</span>
          <ChevronDown size={16} className="shrink-0 text-muted" aria-hidden />
        </button>
      }
    >
      <MenuChoices
        value={shown.id}
        onChange={(id) => modelWish.set(id === deployed?.id ? null : id)}
        options={options}
      />
    </Menu>
  );
}

/** Another model may be promoted at any time, from elsewhere: the status tells, or an answer that it has written. */
function useNewlyDeployed(deployed: string | undefined): void {
  const client = useQueryClient();
  const streams = useAnswerStreams();
  useEffect(() => {
    if (deployed !== undefined) void client.invalidateQueries({ queryKey: modelChoicesQuery.queryKey });
  }, [client, deployed]);
  useEffect(
    () =>
      streams.onFinished(({ model }) => {
        if (model !== deployed) void client.invalidateQueries({ queryKey: statusQuery.queryKey });
      }),
    [client, streams, deployed],
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

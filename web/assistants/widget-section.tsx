/** Putting the assistant on a web site: off until its owner switches it on, and only for sites that are named. */
import type { Widget } from '@parley/contracts';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '../chat/error-text.ts';
import { Button } from '../ui/button.tsx';
import { CopyButton } from '../ui/copy-button.tsx';
import { Checkbox, LongField, linesOf } from '../ui/field.tsx';
import { Notice } from '../ui/notice.tsx';
import { Section } from '../ui/settings-page.tsx';
import { saveWidget, widgetQuery } from './api.ts';

export function WidgetSection({ assistantId }: { assistantId: string }) {
  const { t } = useTranslation();
  const { data: widget } = useQuery(widgetQuery(assistantId));
  return (
    <Section title={t('widget.title')} description={t('widget.about')}>
      {widget && <WidgetForm assistantId={assistantId} stored={widget} />}
    </Section>
  );
}

function WidgetForm({ assistantId, stored }: { assistantId: string; stored: Widget }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [enabled, setEnabled] = useState(stored.enabled);
  const [origins, setOrigins] = useState(stored.origins.join('\n'));
  const saving = useMutation({
    mutationFn: () => saveWidget(assistantId, { enabled, origins: linesOf(origins) }),
    onSuccess: (saved) => client.setQueryData(widgetQuery(assistantId).queryKey, saved),
  });
  const snippet = `<script src="${location.origin}/widget.js" data-assistant="${assistantId}" defer></script>`;
  return (
    <form
      className="flex max-w-2xl flex-col gap-5"
      onSubmit={(event) => {
        event.preventDefault();
        saving.mutate();
      }}
    >
      <Checkbox
        label={t('widget.enabled')}
        help={t('widget.enabledHelp')}
        checked={enabled}
        onChange={(checked) => {
          saving.reset();
          setEnabled(checked);
        }}
      />
      <LongField
        label={t('widget.origins')}
        help={t('widget.originsHelp')}
        rows={2}
        value={origins}
        onChange={(value) => {
          saving.reset();
          setOrigins(value);
        }}
      />
      {saving.error && <Notice tone="danger">{errorText(t, saving.error)}</Notice>}
      {saving.isSuccess && <Notice tone="info">{t('assistants.saved')}</Notice>}
      <Button type="submit" disabled={saving.isPending} className="self-start">
        {t('app.save')}
      </Button>
      {stored.enabled && (
        <div>
          <p className="mb-1.5 text-sm font-medium">{t('widget.snippet')}</p>
          <div className="flex items-center gap-2 rounded-xl bg-sunken py-1.5 pr-2 pl-4">
            <code className="min-w-0 grow text-sm wrap-anywhere">{snippet}</code>
            <CopyButton label={t('answer.copy')} text={() => snippet} />
          </div>
        </div>
      )}
    </form>
  );
}

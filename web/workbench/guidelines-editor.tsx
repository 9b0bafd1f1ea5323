import type { Guidelines } from '@parley/contracts';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '../chat/error-text.ts';
import { languages } from '../i18n/index.ts';
import { useAnnounce } from '../ui/announcer.tsx';
import { Button } from '../ui/button.tsx';
import { LongField } from '../ui/field.tsx';
import { Notice } from '../ui/notice.tsx';
import { Section } from '../ui/settings-page.tsx';
import { guidelinesQuery, putGuidelines } from './api.ts';

export function GuidelinesEditor() {
  const { t } = useTranslation();
  const { data } = useQuery(guidelinesQuery);
  return (
    <Section title={t('workbench.guidelines')} description={t('tasks.guidelinesHelp')}>
      {data && <Editor stored={data} />}
    </Section>
  );
}

function Editor({ stored }: { stored: Guidelines }) {
  const { t } = useTranslation();
  const announce = useAnnounce();
  const client = useQueryClient();
  const [texts, setTexts] = useState(stored);
  const changed = texts.en !== stored.en || texts.zh !== stored.zh;
  const saving = useMutation({
    mutationFn: () => putGuidelines(texts),
    onSuccess: (kept) => {
      client.setQueryData(guidelinesQuery.queryKey, kept);
      announce(t('tasks.guidelinesSaved'));
    },
  });
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        saving.mutate();
      }}
    >
      {(['en', 'zh'] as const).map((language) => (
        <LongField
          key={language}
          label={languages[language]}
          lang={language}
          rows={10}
          maxLength={50_000}
          value={texts[language]}
          onChange={(text) => setTexts({ ...texts, [language]: text })}
          className="font-mono text-sm"
        />
      ))}
      <Button type="submit" className="self-start" disabled={!changed || saving.isPending}>
        {t('app.save')}
      </Button>
      {saving.error && <Notice tone="danger">{errorText(t, saving.error)}</Notice>}
    </form>
  );
}

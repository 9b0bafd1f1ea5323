import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '../chat/error-text.ts';
import { Button } from '../ui/button.tsx';
import { Choice, Field, LongField, linesOf } from '../ui/field.tsx';
import { Notice } from '../ui/notice.tsx';
import { Section } from '../ui/settings-page.tsx';
import { createComparison, inputsQuery, modelsQuery } from './api.ts';

/** Two models, and the questions that both are to answer. */
export function NewComparisonForm() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const { data: models = [] } = useQuery(modelsQuery);
  const { data: inputs } = useQuery(inputsQuery);
  const chats = models.filter(({ stage }) => stage !== 'reward');
  const deployed = chats.find(({ role }) => role === 'deployed')?.id ?? '';
  const [chosen, setChosen] = useState<{ left?: string; right?: string }>({});
  const [prompts, setPrompts] = useState('');
  const [source, setSource] = useState('');
  const [count, setCount] = useState(20);
  const left = chosen.left ?? chats.find(({ id }) => id !== deployed)?.id ?? '';
  const right = chosen.right ?? deployed;
  const starting = useMutation({
    mutationFn: () => createComparison({ left, right, source, count, prompts: linesOf(prompts) }),
    onSuccess: () => {
      setPrompts('');
      return client.invalidateQueries({ queryKey: ['lab', 'comparisons'] });
    },
  });
  const options = chats.map(({ id }) => ({ value: id, label: id }));
  const sources = [
    { value: '', label: t('lab.none') },
    ...(inputs?.snapshots.map(({ name }) => ({ value: `snapshot:${name}`, label: name })) ?? []),
    ...(inputs?.data.map((name) => ({ value: `data:${name}`, label: name })) ?? []),
  ];
  if (chats.length < 2) return <p className="mt-6 text-muted">{t('comparison.needsTwo')}</p>;
  return (
    <Section title={t('comparison.new')} description={t('comparison.newHelp')}>
      <form
        className="flex max-w-3xl flex-col gap-5"
        onSubmit={(event) => {
          event.preventDefault();
          starting.mutate();
        }}
      >
        <div className="grid gap-5 sm:grid-cols-2">
          <Choice
            label={t('comparison.left')}
            value={left}
            onChange={(value) => setChosen({ ...chosen, left: value })}
            options={options}
          />
          <Choice
            label={t('comparison.right')}
            value={right}
            onChange={(value) => setChosen({ ...chosen, right: value })}
            options={options}
          />
          <Choice label={t('comparison.source')} value={source} onChange={setSource} options={sources} />
          <Field
            label={t('comparison.count')}
            type="number"
            min={1}
            max={500}
            value={count}
            onChange={(event) => setCount(event.currentTarget.valueAsNumber || 1)}
            disabled={source === ''}
          />
        </div>
        <LongField label={t('comparison.prompts')} rows={5} value={prompts} onChange={setPrompts} />
        {starting.error && <Notice tone="danger">{errorText(t, starting.error)}</Notice>}
        <Button type="submit" shape="primary" disabled={starting.isPending} className="min-h-10 self-start">
          {t('comparison.start')}
        </Button>
      </form>
    </Section>
  );
}

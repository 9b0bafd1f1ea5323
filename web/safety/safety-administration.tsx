/** For administrators: which filters there are, and what people say against their decisions. */
import {
  personalDataKinds,
  type ReviewedDecision,
  type Ruling,
  type SafetyRule,
  type SafetySettings,
  type WordList,
} from '@parley/contracts';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Plus, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '../chat/error-text.ts';
import { Button } from '../ui/button.tsx';
import { Checkbox, Choice, Field, LongField, linesOf } from '../ui/field.tsx';
import { Notice } from '../ui/notice.tsx';
import { Section } from '../ui/settings-page.tsx';
import { changeSafetySettings, reviewQuery, ruleOnDecision, safetySettingsQuery } from './api.ts';
import { DecisionText } from './decision-text.tsx';
import { ruleText } from './rule-text.ts';

export function SafetyAdministration() {
  const { t } = useTranslation();
  const { data: settings, error } = useQuery(safetySettingsQuery);
  if (error) return <Notice tone="danger">{errorText(t, error)}</Notice>;
  if (!settings) return null;
  return (
    <>
      <Reviews />
      <SettingsForm stored={settings} />
    </>
  );
}

function Reviews() {
  const { t } = useTranslation();
  const [appealedOnly, setAppealedOnly] = useState(true);
  const { data: decisions } = useQuery(reviewQuery(appealedOnly));
  return (
    <Section title={t('safety.reviews')} description={t('safety.reviewsHelp')}>
      <Checkbox label={t('safety.appealedOnly')} checked={appealedOnly} onChange={setAppealedOnly} />
      {decisions?.length === 0 && <p className="mt-4 text-sm text-muted">{t('safety.noReviews')}</p>}
      <ul className="mt-2 divide-y divide-line">
        {decisions?.map((decision) => (
          <li key={decision.id} className="py-4">
            <p className="text-sm font-medium">{decision.person ?? t('safety.visitor')}</p>
            <DecisionText decision={decision} />
            {decision.appeal !== null && decision.ruling === null && <RulingForm decision={decision} />}
          </li>
        ))}
      </ul>
    </Section>
  );
}

function RulingForm({ decision }: { decision: ReviewedDecision }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [text, setText] = useState('');
  const ruling = useMutation({
    mutationFn: (value: Ruling) => ruleOnDecision(decision.id, value, text),
    onSuccess: () => client.invalidateQueries({ queryKey: ['safety', 'decisions'] }),
  });
  return (
    <div className="mt-3 flex flex-wrap items-end gap-2">
      <Field
        label={t('safety.rulingText')}
        maxLength={2000}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        className="grow basis-64 max-sm:basis-full"
      />
      <Button className="min-h-10" disabled={ruling.isPending} onClick={() => ruling.mutate('upheld')}>
        {t('safety.uphold')}
      </Button>
      <Button className="min-h-10" disabled={ruling.isPending} onClick={() => ruling.mutate('overturned')}>
        {t('safety.overturn')}
      </Button>
      {ruling.error && <Notice tone="danger">{errorText(t, ruling.error)}</Notice>}
    </div>
  );
}

function SettingsForm({ stored }: { stored: SafetySettings }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [settings, setSettings] = useState(stored);
  const saving = useMutation({
    mutationFn: () => changeSafetySettings(settings),
    onSuccess: (saved) => client.setQueryData(safetySettingsQuery.queryKey, saved),
  });
  const change = (part: Partial<SafetySettings>) => {
    saving.reset();
    setSettings({ ...settings, ...part });
  };
  const changeList = (index: number, list: WordList) =>
    change({ wordLists: settings.wordLists.map((other, at) => (at === index ? list : other)) });
  const option = <Value extends string>(value: Value) => ({
    value,
    label: t(`safety.action.${value}` as 'safety.action.off'),
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        saving.mutate();
      }}
    >
      <Section title={t('safety.wordLists')} description={t('safety.wordListsHelp')}>
        <ul className="flex flex-col gap-5">
          {settings.wordLists.map((list, index) => (
            <WordListForm
              // Lists have no id, and only the last is ever added.
              key={index}
              list={list}
              onChange={(changed) => changeList(index, changed)}
              onRemove={() => change({ wordLists: settings.wordLists.filter((_, at) => at !== index) })}
            />
          ))}
        </ul>
        <Button
          className="mt-4"
          onClick={() =>
            change({ wordLists: [...settings.wordLists, { name: '', input: 'off', output: 'mask', words: [] }] })
          }
        >
          <Plus size={15} aria-hidden /> {t('safety.addList')}
        </Button>
      </Section>
      <Section title={t('safety.personalData')} description={t('safety.personalDataHelp')}>
        <ul className="flex flex-col gap-4">
          {personalDataKinds.map((kind) => (
            <li key={kind}>
              <RuleChoices
                name={ruleText(t, `personal-data:${kind}`)}
                rule={settings.personalData[kind]}
                onChange={(rule) => change({ personalData: { ...settings.personalData, [kind]: rule } })}
              />
            </li>
          ))}
        </ul>
      </Section>
      <Section title={t('safety.whole')} description={t('safety.wholeHelp')}>
        <div className="grid max-w-xl gap-4 sm:grid-cols-2">
          <Choice
            label={t('safety.rule.language')}
            value={settings.language}
            onChange={(language) => change({ language })}
            options={(['off', 'pass', 'warn'] as const).map(option)}
          />
          <Choice
            label={t('safety.rule.repetition')}
            value={settings.repetition}
            onChange={(repetition) => change({ repetition })}
            options={(['off', 'pass', 'warn', 'refuse'] as const).map(option)}
          />
        </div>
      </Section>
      <div className="mt-8 flex flex-col gap-4">
        {saving.error && <Notice tone="danger">{errorText(t, saving.error)}</Notice>}
        {saving.isSuccess && <Notice tone="info">{t('assistants.saved')}</Notice>}
        <Button type="submit" shape="primary" disabled={saving.isPending} className="min-h-10 self-start">
          {t('app.save')}
        </Button>
      </div>
    </form>
  );
}

interface WordListFormProps {
  list: WordList;
  onChange: (list: WordList) => void;
  onRemove: () => void;
}

function WordListForm({ list, onChange, onRemove }: WordListFormProps) {
  const { t } = useTranslation();
  // As typed: a line that is being begun is no word yet.
  const [words, setWords] = useState(list.words.join('\n'));
  return (
    <li className="rounded-2xl border border-line bg-surface p-4">
      <div className="flex items-end gap-3">
        <Field
          label={t('safety.listName')}
          required
          maxLength={60}
          value={list.name}
          onChange={(event) => onChange({ ...list, name: event.currentTarget.value })}
          className="grow"
        />
        <Button onClick={onRemove} aria-label={t('safety.removeList', { name: list.name })} className="min-h-10">
          <Trash2 size={15} aria-hidden />
        </Button>
      </div>
      <div className="mt-3">
        <RuleChoices name={list.name} rule={list} onChange={(rule) => onChange({ ...list, ...rule })} nameHidden />
      </div>
      <div className="mt-3">
        <LongField
          label={t('safety.words')}
          rows={4}
          value={words}
          onChange={(text) => {
            setWords(text);
            onChange({ ...list, words: linesOf(text) });
          }}
        />
      </div>
    </li>
  );
}

interface RuleChoicesProps {
  name: string;
  nameHidden?: boolean;
  rule: SafetyRule;
  onChange: (rule: SafetyRule) => void;
}

/** What happens if it is found in a question, and in an answer. */
function RuleChoices({ name, nameHidden = false, rule, onChange }: RuleChoicesProps) {
  const { t } = useTranslation();
  const options = (['off', 'pass', 'warn', 'mask', 'refuse'] as const).map((value) => ({
    value,
    label: t(`safety.action.${value}`),
  }));
  return (
    <fieldset className="grid max-w-xl gap-3 sm:grid-cols-2">
      <legend className={nameHidden ? 'sr-only' : 'mb-1.5 font-medium first-letter:uppercase'}>{name}</legend>
      <Choice
        label={t('safety.input')}
        value={rule.input}
        onChange={(input) => onChange({ input, output: rule.output })}
        options={options}
      />
      <Choice
        label={t('safety.output')}
        value={rule.output}
        onChange={(output) => onChange({ input: rule.input, output })}
        options={options}
      />
    </fieldset>
  );
}

/** Labelling one answer: yes or no, flags, and scales from 1 to 5, each with a line that says what is meant. */
import { type LabelContent, labelFlags, labelQuestions, labelScales } from '@parley/contracts';
import { useEffect, useId, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { Markdown } from '../chat/markdown.tsx';
import { useAnnounce } from '../ui/announcer.tsx';
import { Button } from '../ui/button.tsx';
import { CommentField, Key, type TaskFormProps, useTaskKeys, WorkBar } from './task-form.tsx';

export function initialLabel(): LabelContent {
  return { kind: 'label', questions: {}, flags: [], scales: {}, comment: '' };
}

export function LabelTask({ task, work, busy, error, onSubmit, onSkip }: TaskFormProps<LabelContent>) {
  const { t } = useTranslation();
  const announce = useAnnounce();
  const form = useRef<HTMLDivElement>(null);
  const { questions, flags, scales, comment } = work.content;
  const change = (changed: Partial<LabelContent>) => work.change({ ...work.content, ...changed });
  const open = [
    ...labelQuestions.filter((question) => questions[question] === undefined),
    ...labelScales.filter((scale) => scales[scale] === undefined),
  ];

  useEffect(() => form.current?.querySelector<HTMLInputElement>('input')?.focus(), []);

  function submit(): void {
    if (open.length === 0) {
      onSubmit(work.content);
      return;
    }
    announce(t('label.missing', { count: open.length }));
    form.current?.querySelector<HTMLInputElement>(`input[name="${open[0]}"]`)?.focus();
  }
  useTaskKeys({ Enter: submit, Backspace: onSkip });

  return (
    <div ref={form} className="flex flex-col gap-6">
      <section aria-label={t('label.answer')} className="rounded-2xl border border-line bg-surface px-4 py-3">
        <p className="mb-1 text-sm text-muted">{t('label.answer')}</p>
        <Markdown text={task.answers[0]?.content ?? ''} headingLevel={2} />
      </section>
      {labelQuestions.map((question) => (
        <Choices
          key={question}
          name={question}
          legend={t(`label.question.${question}`)}
          help={t(`label.questionHelp.${question}`)}
          options={[
            { value: true, label: t('label.yes') },
            { value: false, label: t('label.no') },
          ]}
          value={questions[question]}
          onChange={(value) => change({ questions: { ...questions, [question]: value } })}
        />
      ))}
      {labelScales.map((scale) => (
        <Choices
          key={scale}
          name={scale}
          legend={t(`label.scale.${scale}`)}
          help={t(`label.scaleHelp.${scale}`)}
          options={[1, 2, 3, 4, 5].map((value) => ({ value, label: String(value) }))}
          value={scales[scale]}
          onChange={(value) => change({ scales: { ...scales, [scale]: value } })}
        />
      ))}
      <fieldset>
        <legend className="font-medium">{t('label.flags')}</legend>
        <p className="mt-0.5 text-sm text-muted">{t('label.flagsHelp')}</p>
        <div className="mt-2.5 flex flex-wrap gap-2">
          {labelFlags.map((flag) => (
            <label
              key={flag}
              className="flex min-h-9 cursor-pointer items-center gap-2 rounded-xl border border-line px-3 text-sm has-checked:border-accent has-checked:bg-accent-soft has-focus-visible:ring-2 has-focus-visible:ring-accent pointer-coarse:min-h-11"
            >
              <input
                type="checkbox"
                checked={flags.includes(flag)}
                onChange={(event) =>
                  change({
                    flags: event.currentTarget.checked ? [...flags, flag] : flags.filter((other) => other !== flag),
                  })
                }
                className="size-4 accent-accent outline-none"
              />
              {t(`label.flag.${flag}`)}
            </label>
          ))}
        </div>
      </fieldset>
      <CommentField value={comment} onChange={(text) => change({ comment: text })} />
      <WorkBar work={work} onSkip={onSkip} busy={busy} error={error}>
        <Button shape="primary" aria-disabled={open.length > 0} disabled={busy} onClick={submit}>
          {t('work.submit')} <Key of="↵" />
        </Button>
      </WorkBar>
    </div>
  );
}

interface ChoicesProps<Value> {
  name: string;
  legend: string;
  help: string;
  options: readonly { value: Value; label: string }[];
  value: Value | undefined;
  onChange: (value: Value) => void;
}

function Choices<Value extends number | boolean>({
  name,
  legend,
  help,
  options,
  value,
  onChange,
}: ChoicesProps<Value>) {
  const id = useId();
  return (
    <fieldset aria-describedby={id}>
      <legend className="font-medium">{legend}</legend>
      <p id={id} className="mt-0.5 text-sm leading-relaxed text-muted">
        {help}
      </p>
      <div className="mt-2.5 flex flex-wrap gap-2">
        {options.map((option) => (
          <label
            key={option.label}
            className="flex min-h-9 min-w-12 cursor-pointer items-center justify-center gap-2 rounded-xl border border-line px-3 text-sm has-checked:border-accent has-checked:bg-accent-soft has-focus-visible:ring-2 has-focus-visible:ring-accent pointer-coarse:min-h-11"
          >
            <input
              type="radio"
              name={name}
              checked={value === option.value}
              onChange={() => onChange(option.value)}
              className="size-4 accent-accent outline-none"
            />
            {option.label}
          </label>
        ))}
      </div>
    </fieldset>
  );
}

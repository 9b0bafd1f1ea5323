/** What a policy learned from: one answer's tokens, coloured by reward, divergence, value or advantage. */
import type { LabEpisode } from '@parley/contracts';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '../chat/error-text.ts';
import { Choice } from '../ui/field.tsx';
import { Notice } from '../ui/notice.tsx';
import { episodesQuery, jobQuery, stepsQuery } from './api.ts';
import { shortNumber } from './curve.tsx';
import { Heading } from './lab-page.tsx';

const measures = ['reward', 'kl', 'value', 'advantage', 'logProbability'] as const;
type Measure = (typeof measures)[number];

export function AnswersPage() {
  const { t } = useTranslation();
  const { jobId } = useParams({ from: '/lab/runs/$jobId/answers' });
  const { data: details } = useQuery(jobQuery(jobId));
  const { data: steps = [], error } = useQuery(stepsQuery(jobId));
  const [chosenStep, setStep] = useState<number | null>(null);
  const [chosenAnswer, setAnswer] = useState(0);
  const [measure, setMeasure] = useState<Measure>('advantage');
  const step = chosenStep ?? steps.at(-1);
  const { data: episodes = [], error: failure } = useQuery({
    ...episodesQuery(jobId, step ?? 0),
    enabled: step !== undefined,
  });
  const episode = episodes[Math.min(chosenAnswer, episodes.length - 1)];
  const shown = measures.filter((name) => episode?.tokens.some((token) => token[name] !== null));
  const problem = error ?? failure;
  return (
    <>
      <Heading title={t('inspector.title')}>
        <Link to="/lab/runs/$jobId" params={{ jobId }} className="text-accent underline">
          {details?.job.name ?? ''}
        </Link>
      </Heading>
      {problem && <Notice tone="danger">{errorText(t, problem)}</Notice>}
      <div className="mt-5 grid gap-4 sm:grid-cols-3">
        <Choice
          label={t('inspector.batch')}
          value={String(step ?? '')}
          onChange={(value) => setStep(Number(value))}
          options={steps.map((number) => ({ value: String(number), label: String(number) }))}
        />
        <Choice
          label={t('inspector.answer')}
          value={String(chosenAnswer)}
          onChange={(value) => setAnswer(Number(value))}
          options={episodes.map(({ prompt, score }, index) => ({
            value: String(index),
            label: `${index + 1}: ${shortNumber(score)} · ${prompt.slice(0, 40)}`,
          }))}
        />
        <Choice
          label={t('inspector.measure')}
          value={measure}
          onChange={setMeasure}
          options={shown.map((name) => ({ value: name, label: t(`inspectorMeasure.${name}`) }))}
        />
      </div>
      {episode && <Episode episode={episode} measure={measure} measures={shown} />}
    </>
  );
}

interface EpisodeProps {
  episode: LabEpisode;
  measure: Measure;
  measures: readonly Measure[];
}

function Episode({ episode, measure, measures }: EpisodeProps) {
  const { t } = useTranslation();
  const [marked, setMarked] = useState(0);
  const { tokens } = episode;
  const scale = Math.max(...tokens.map((token) => Math.abs(token[measure] ?? 0)), 1e-9);
  const token = tokens[Math.min(marked, tokens.length - 1)];
  return (
    <>
      <p className="mt-5 rounded-2xl bg-bubble px-4 py-3 whitespace-pre-line wrap-anywhere">{episode.prompt}</p>
      <p className="mt-2 text-sm text-muted">
        {t(episode.ended ? 'inspector.ended' : 'inspector.cut', { score: shortNumber(episode.score) })}
      </p>
      <p className="mt-1 text-sm text-muted">{t('inspector.colours', { scale: shortNumber(scale) })}</p>
      <p className="mt-3 rounded-2xl border border-line bg-surface p-4 font-mono text-[0.95rem] leading-loose wrap-anywhere">
        {tokens.map((token, index) => (
          <button
            // The same token may come twice: its place is what it is.
            key={index}
            type="button"
            onClick={() => setMarked(index)}
            onFocus={() => setMarked(index)}
            onMouseEnter={() => setMarked(index)}
            aria-pressed={index === marked}
            aria-label={`${token.text}: ${shortNumber(token[measure])}`}
            style={{ backgroundColor: shade((token[measure] ?? 0) / scale) }}
            className="rounded-sm px-px whitespace-pre aria-pressed:outline-2 aria-pressed:outline-accent"
          >
            {visible(token.text)}
          </button>
        ))}
      </p>
      {token && (
        <dl className="mt-3 flex flex-wrap gap-x-6 gap-y-1 text-sm tabular-nums" aria-live="polite">
          {measures.map((name) => (
            <div key={name} className="flex gap-2">
              <dt className="text-muted">{t(`inspectorMeasure.${name}`)}</dt>
              <dd>{shortNumber(token[name])}</dd>
            </div>
          ))}
        </dl>
      )}
    </>
  );
}

/** @param share from -1, as bad as it gets here, to 1 */
function shade(share: number): string {
  const colour = share < 0 ? 'var(--danger)' : 'var(--accent)';
  return `color-mix(in oklab, ${colour} ${Math.round(Math.abs(share) * 36)}%, transparent)`;
}

/** A line feed is drawn as what it is. */
const visible = (text: string): string => text.replaceAll('\n', '⏎').replace(/^$/, '␣');

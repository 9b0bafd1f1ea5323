import { type BlindItem, type ComparisonDetails, roleAllows, type Unveiled, type VoteRequest } from '@parley/contracts';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { Trash2 } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useSession } from '../account/session.tsx';
import { errorText } from '../chat/error-text.ts';
import { Markdown } from '../chat/markdown.tsx';
import { useAnnounce } from '../ui/announcer.tsx';
import { Button } from '../ui/button.tsx';
import { Confirmation } from '../ui/dialog.tsx';
import { Notice } from '../ui/notice.tsx';
import { SettingsPage } from '../ui/settings-page.tsx';
import { comparisonQuery, deleteComparison, nextItem, vote } from './api.ts';
import { resultText } from './comparisons-page.tsx';

/** Judging, and when all is judged, who has won. */
export function ComparisonPage() {
  const { t } = useTranslation();
  const { comparisonId } = useParams({ from: '/comparisons/$comparisonId' });
  const { role } = useSession();
  const { data: details, error } = useQuery(comparisonQuery(comparisonId));
  const ready = details !== undefined && (details.comparison.answered > 0 || details.comparison.error !== null);
  return (
    <SettingsPage title={t('comparison.title')}>
      {error && <Notice tone="danger">{errorText(t, error)}</Notice>}
      {details?.comparison.error && <Notice tone="danger">{details.comparison.error}</Notice>}
      {details && !ready && (
        <p className="mt-5 text-muted" role="status">
          {t('comparison.answering', { answered: 0, prompts: details.comparison.prompts })}
        </p>
      )}
      {details && ready && details.comparison.result === null && (
        <Judging id={comparisonId} answered={details.comparison.answered} />
      )}
      {details?.comparison.result && <Result details={details} />}
      {details && roleAllows(role, 'administrator') && <Removal id={comparisonId} />}
    </SettingsPage>
  );
}

function Removal({ id }: { id: string }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const navigate = useNavigate();
  const button = useRef<HTMLButtonElement>(null);
  const [confirming, setConfirming] = useState(false);
  const removing = useMutation({
    mutationFn: () => deleteComparison(id),
    onSuccess: async () => {
      await navigate({ to: '/lab/comparisons' });
      await client.invalidateQueries({ queryKey: ['lab', 'comparisons'] });
    },
  });
  return (
    <div className="mt-8 border-t border-line pt-5">
      <Button ref={button} onClick={() => setConfirming(true)}>
        <Trash2 size={15} aria-hidden /> {t('lab.remove')}
      </Button>
      {removing.error && <Notice tone="danger">{errorText(t, removing.error)}</Notice>}
      <Confirmation
        open={confirming}
        onOpenChange={setConfirming}
        title={t('comparison.removeTitle')}
        text={t('comparison.removeText')}
        action={t('lab.remove')}
        onConfirm={() => removing.mutate()}
        returnFocus={button}
      />
    </div>
  );
}

const choices = [
  { choice: 'first', key: '1' },
  { choice: 'second', key: '2' },
  { choice: 'tie', key: '3' },
  { choice: 'bad', key: '4' },
] as const satisfies { choice: VoteRequest['choice']; key: string }[];

/** One prompt after the other, by click or by key. The names come with the thanks. */
function Judging({ id, answered }: { id: string; answered: number }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const announce = useAnnounce();
  const [unveiled, setUnveiled] = useState<Unveiled | null>(null);
  const { data: item } = useQuery({
    queryKey: ['lab', 'comparison', id, 'next', answered],
    queryFn: () => nextItem(id),
  });
  const voting = useMutation({
    mutationFn: ({ item, choice }: { item: BlindItem; choice: VoteRequest['choice'] }) =>
      vote(id, { item: item.id, choice }),
    onSuccess: async (names) => {
      setUnveiled(names);
      announce(t('comparison.unveiled', { ...names }));
      await client.invalidateQueries({ queryKey: ['lab', 'comparison', id] });
    },
  });
  const { mutate, isPending } = voting;

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const pressed = choices.find(({ key }) => key === event.key);
      const typing = event.target instanceof HTMLElement && event.target.matches('input, textarea, select');
      if (!pressed || !item || isPending || typing || event.ctrlKey || event.metaKey || event.altKey) return;
      mutate({ item, choice: pressed.choice });
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, [item, isPending, mutate]);

  return (
    <>
      {unveiled && (
        <p className="mt-4 text-sm text-muted" role="status">
          {t('comparison.unveiled', { ...unveiled })}
        </p>
      )}
      {item === null && <p className="mt-5 text-muted">{t('comparison.moreSoon')}</p>}
      {item && (
        <>
          <p className="mt-4 text-sm text-muted">{t('comparison.remaining', { count: item.left })}</p>
          <p className="mt-2 rounded-2xl bg-bubble px-4 py-3 whitespace-pre-line wrap-anywhere">{item.prompt}</p>
          <div className="mt-4 grid gap-4 md:grid-cols-2">
            <Answer title={t('comparison.first')} text={item.first} />
            <Answer title={t('comparison.second')} text={item.second} />
          </div>
          <fieldset className="mt-5">
            <legend className="font-medium">{t('comparison.question')}</legend>
            <div className="mt-2 grid gap-2 sm:grid-cols-4">
              {choices.map(({ choice, key }) => (
                <Button
                  key={choice}
                  disabled={isPending}
                  onClick={() => mutate({ item, choice })}
                  aria-keyshortcuts={key}
                >
                  {t(`comparisonChoice.${choice}`)} <kbd className="font-mono text-xs text-muted">{key}</kbd>
                </Button>
              ))}
            </div>
          </fieldset>
        </>
      )}
      {voting.error && <Notice tone="danger">{errorText(t, voting.error)}</Notice>}
    </>
  );
}

function Answer({ title, text }: { title: string; text: string }) {
  const { t } = useTranslation();
  return (
    <section className="min-w-0 rounded-2xl border border-line bg-surface p-4">
      <h2 className="mb-2 text-sm font-medium text-muted">{title}</h2>
      {text.trim() === '' ? <p className="text-muted">{t('answer.empty')}</p> : <Markdown text={text} />}
    </section>
  );
}

function Result({ details: { comparison, items } }: { details: ComparisonDetails }) {
  const { t } = useTranslation();
  const { left, right, result } = comparison;
  if (!result) return null;
  const [low, high] = result.interval ?? [0, 1];
  return (
    <>
      <p className="mt-4 text-lg wrap-anywhere">{t('comparison.between', { left, right })}</p>
      <p className="mt-1 tabular-nums">{resultText(t, result)}</p>
      {result.winRate !== null && (
        <>
          <svg viewBox="0 0 100 8" className="mt-3 h-6 w-full max-w-xl" preserveAspectRatio="none" aria-hidden>
            <rect width="100" height="8" rx="1" className="fill-sunken" />
            <rect x={low * 100} width={(high - low) * 100} height="8" className="fill-accent-soft" />
            <rect x={result.winRate * 100 - 0.3} width="0.6" height="8" className="fill-accent" />
            <rect x="49.9" width="0.2" height="8" className="fill-line-strong" />
          </svg>
          <p className="mt-1 flex max-w-xl justify-between text-xs text-muted tabular-nums" aria-hidden>
            <span>0 %</span>
            <span>50 %</span>
            <span>100 %</span>
          </p>
        </>
      )}
      <p className="mt-2 text-sm text-muted">
        {t('comparison.counts', { left: result.left, right: result.right, ties: result.ties, bad: result.bothBad })}
      </p>
      <ol className="mt-5 divide-y divide-line">
        {items.map((item, index) => (
          // Prompts may repeat; their order does not change.
          <li key={index} className="py-4">
            <p className="font-medium whitespace-pre-line wrap-anywhere">{item.prompt}</p>
            <div className="mt-2 grid gap-4 md:grid-cols-2">
              <Answer title={`${left} · ${item.votes.left}`} text={item.left} />
              <Answer title={`${right} · ${item.votes.right}`} text={item.right} />
            </div>
          </li>
        ))}
      </ol>
    </>
  );
}

/** The workbench's first page: what there is to do, and how one's own work is going. No ranking by volume. */
import { type Contribution, type Overview, roleAllows, type TaskKind, taskKinds } from '@parley/contracts';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { ListOrdered, MessagesSquare, Tags } from 'lucide-react';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useSession } from '../account/session.tsx';
import { useTimeText } from '../account/time-text.ts';
import { errorText } from '../chat/error-text.ts';
import { useAnnounce } from '../ui/announcer.tsx';
import { Button } from '../ui/button.tsx';
import { Confirmation } from '../ui/dialog.tsx';
import { Notice } from '../ui/notice.tsx';
import { Section, SettingsPage } from '../ui/settings-page.tsx';
import { contributionsQuery, overviewQuery, undoContribution, withdrawContribution } from './api.ts';

const icons = { rank: ListOrdered, demonstrate: MessagesSquare, label: Tags };

export function WorkbenchHome() {
  const { t } = useTranslation();
  const { role } = useSession();
  const { data: overview, error } = useQuery({ ...overviewQuery, enabled: roleAllows(role, 'trainer') });
  if (!roleAllows(role, 'trainer')) {
    return (
      <SettingsPage title={t('workbench.title')}>
        <p className="mt-6 text-muted">{t('workbench.forTrainers')}</p>
      </SettingsPage>
    );
  }
  return (
    <SettingsPage title={t('workbench.title')}>
      <p className="mt-2 max-w-prose leading-relaxed text-muted">{t('workbench.about')}</p>
      {error && (
        <div className="mt-4">
          <Notice tone="danger">{errorText(t, error)}</Notice>
        </div>
      )}
      <ul className="mt-6 grid gap-3 sm:grid-cols-3">
        {taskKinds.map((kind) => (
          <KindCard key={kind} kind={kind} counts={overview?.kinds[kind]} />
        ))}
      </ul>
      <p className="mt-4">
        <Link
          to="/workbench/tasks"
          className="rounded-sm text-accent underline underline-offset-3 hover:text-accent-hover"
        >
          {t('workbench.manage')}
        </Link>
      </p>
      {overview && <OwnFigures overview={overview} />}
      <OwnWork />
    </SettingsPage>
  );
}

function KindCard({ kind, counts }: { kind: TaskKind; counts: Overview['kinds'][TaskKind] | undefined }) {
  const { t } = useTranslation();
  const Icon = icons[kind];
  const minutes = counts?.millisecondsEach ? Math.ceil((counts.open * counts.millisecondsEach) / 60_000) : null;
  return (
    <li>
      <Link
        to="/workbench/$kind"
        params={{ kind }}
        className="flex h-full flex-col gap-1 rounded-2xl border border-line bg-surface p-4 transition-colors hover:border-line-strong hover:bg-hover"
      >
        <Icon size={20} className="text-accent" aria-hidden />
        <span className="mt-1 font-serif text-lg">{t(`work.do.${kind}`)}</span>
        <span className="text-sm text-muted">
          {counts && t('workbench.open', { count: counts.open })}
          {counts && counts.open > 0 && minutes !== null && ` · ${t('workbench.minutes', { count: minutes })}`}
          {counts?.open === 0 && kind === 'demonstrate' && ` · ${t('workbench.ownTopic')}`}
        </span>
      </Link>
    </li>
  );
}

function OwnFigures({ overview: { agreement, streak, doneToday, used } }: { overview: Overview }) {
  const { t } = useTranslation();
  return (
    <Section title={t('workbench.own')}>
      <dl className="grid gap-4 sm:grid-cols-3">
        <Figure
          term={t('workbench.agreement')}
          value={agreement ? agreement.tau.toFixed(2) : '–'}
          help={
            agreement
              ? t('workbench.agreementHelp', { count: agreement.people, tasks: agreement.tasks })
              : t('workbench.noAgreement')
          }
        />
        <Figure
          term={t('workbench.streak')}
          value={t('workbench.days', { count: streak })}
          help={t(doneToday ? 'workbench.doneToday' : 'workbench.notToday')}
        />
        <Figure term={t('workbench.used')} value={String(used)} help={t('workbench.usedHelp')} />
      </dl>
    </Section>
  );
}

function Figure({ term, value, help }: { term: string; value: string; help: string }) {
  return (
    <div>
      <dt className="text-sm text-muted">{term}</dt>
      <dd>
        <span className="block font-serif text-3xl tabular-nums">{value}</span>
        <span className="text-sm leading-relaxed text-muted">{help}</span>
      </dd>
    </div>
  );
}

/** What was handed in: the last five can be taken up again, everything can be withdrawn. */
function OwnWork() {
  const { t } = useTranslation();
  const { data: contributions } = useQuery(contributionsQuery);
  const [shown, setShown] = useState(10);
  if (!contributions || contributions.length === 0) return null;
  return (
    <Section title={t('workbench.handedIn')} description={t('workbench.handedInHelp')}>
      <ul className="divide-y divide-line">
        {contributions.slice(0, shown).map((contribution) => (
          <OwnContribution key={contribution.id} contribution={contribution} />
        ))}
      </ul>
      {contributions.length > shown && (
        <Button className="mt-3" onClick={() => setShown(shown + 50)}>
          {t('workbench.more')}
        </Button>
      )}
    </Section>
  );
}

function OwnContribution({ contribution }: { contribution: Contribution }) {
  const { t } = useTranslation();
  const timeText = useTimeText();
  const announce = useAnnounce();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [confirming, setConfirming] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const onSettled = () => client.invalidateQueries({ queryKey: ['workbench'] });
  const undoing = useMutation({
    mutationFn: () => undoContribution(contribution.id),
    onSettled,
    onSuccess: (task) => {
      announce(t(task ? 'work.undone' : 'work.undoneLater'));
      if (task) void navigate({ to: '/workbench/$kind', params: { kind: task.kind } });
    },
  });
  const withdrawing = useMutation({ mutationFn: () => withdrawContribution(contribution.id), onSettled });
  const failure = undoing.error ?? withdrawing.error;
  const { kind, prompt, submittedAt, withdrawn, undoable, snapshots, models } = contribution;
  return (
    <li className="py-3">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <div className="min-w-0 grow basis-60">
          <p className="line-clamp-1 wrap-anywhere">{prompt || t('workbench.ownConversation')}</p>
          <p className="text-sm text-muted">
            {[
              t(`work.done.${kind}`),
              timeText(submittedAt),
              withdrawn && t('workbench.withdrawn'),
              snapshots.length > 0 && t('workbench.inSnapshots', { names: snapshots.join(', ') }),
              models.length > 0 && t('workbench.inModels', { names: models.join(', ') }),
            ]
              .filter(Boolean)
              .join(' · ')}
          </p>
        </div>
        <div className="flex flex-wrap items-center gap-x-1 max-sm:-ml-2">
          {snapshots.length > 0 && (
            <Link
              to="/lineage/$itemId"
              params={{ itemId: contribution.id }}
              className="rounded-lg px-2 py-1 text-sm text-accent underline underline-offset-3 hover:text-accent-hover"
            >
              {t('workbench.lineage')}
            </Link>
          )}
          {undoable && (
            <Button shape="quiet" disabled={undoing.isPending} onClick={() => undoing.mutate()}>
              {t('work.takeUp')}
            </Button>
          )}
          {!withdrawn && (
            <Button ref={button} shape="quiet" onClick={() => setConfirming(true)}>
              {t('workbench.withdraw')}
            </Button>
          )}
        </div>
      </div>
      {failure && <Notice tone="danger">{errorText(t, failure)}</Notice>}
      <Confirmation
        open={confirming}
        onOpenChange={setConfirming}
        title={t('workbench.withdrawTitle')}
        text={t('workbench.withdrawText')}
        action={t('workbench.withdraw')}
        onConfirm={() => withdrawing.mutate()}
        returnFocus={button}
      />
    </li>
  );
}

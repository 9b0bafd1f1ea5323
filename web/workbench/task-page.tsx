/** Working through tasks of one kind: one after another is leased, worked on and handed in, the guidelines beside it. */
import {
  type Content,
  type DemonstrateContent,
  type LabelContent,
  type RankContent,
  type Task,
  taskKindSchema,
} from '@parley/contracts';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { ArrowLeft, Undo2 } from 'lucide-react';
import { useCallback, useEffect, useEffectEvent, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '../chat/error-text.ts';
import { Markdown } from '../chat/markdown.tsx';
import { useAnnounce } from '../ui/announcer.tsx';
import { Button } from '../ui/button.tsx';
import { Confirmation } from '../ui/dialog.tsx';
import { Notice } from '../ui/notice.tsx';
import { usePageTitle } from '../ui/page-title.ts';
import { leaseTask, skipTask, submitWork, undoContribution } from './api.ts';
import { DemonstrateTask, initialConversation } from './demonstrate-task.tsx';
import { GuidelinesAside, GuidelinesDrawer } from './guidelines-view.tsx';
import { initialLabel, LabelTask } from './label-task.tsx';
import { initialRanking, RankTask } from './rank-task.tsx';
import type { TaskFormProps } from './task-form.tsx';
import { useTaskWork } from './work.ts';

export function TaskPage() {
  const { kind: asked } = useParams({ strict: false });
  const kind = taskKindSchema.safeParse(asked).data ?? 'rank';
  return <Tasks key={kind} kind={kind} />;
}

function Tasks({ kind }: { kind: Task['kind'] }) {
  const { t } = useTranslation();
  usePageTitle(t(`work.do.${kind}`), t('workbench.title'));
  const announce = useAnnounce();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [last, setLast] = useState<string | null>(null);
  /** Undefined while it is asked for. */
  const [task, setTask] = useState<Task | null>();
  const leasing = useMutation({ mutationFn: () => leaseTask(kind), onSuccess: setTask });
  const lease = leasing.mutate;
  useEffect(() => lease(), [lease]);

  const takeNext = useCallback(() => {
    setTask(undefined);
    lease();
    void client.invalidateQueries({ queryKey: ['workbench'] });
  }, [lease, client]);

  const undoing = useMutation({
    mutationFn: undoContribution,
    onSuccess: (again) => {
      setLast(null);
      if (again) setTask(again);
      announce(t(again ? 'work.undone' : 'work.undoneLater'));
    },
  });

  return (
    <div className="h-full overflow-y-auto">
      <div className="mx-auto flex w-full max-w-7xl gap-8 px-4 pt-2 sm:px-6">
        <div className="min-w-0 grow">
          <header className="mb-4 flex flex-wrap items-center gap-2">
            <Link
              to="/workbench"
              className="-ml-2 flex min-h-9 items-center gap-1.5 rounded-xl px-2 text-sm text-muted hover:bg-hover hover:text-ink pointer-coarse:min-h-11"
            >
              <ArrowLeft size={16} aria-hidden /> {t('workbench.title')}
            </Link>
            <span className="grow" />
            {last && (
              <Button shape="quiet" disabled={undoing.isPending} onClick={() => undoing.mutate(last)}>
                <Undo2 size={16} aria-hidden /> {t('work.undo')}
              </Button>
            )}
            <GuidelinesDrawer />
          </header>
          {undoing.error && <Notice tone="danger">{errorText(t, undoing.error)}</Notice>}
          {leasing.error && (
            <Notice tone="danger" actions={<Button onClick={takeNext}>{t('app.tryAgain')}</Button>}>
              {errorText(t, leasing.error)}
            </Notice>
          )}
          {task === null && (
            <div className="flex flex-col items-start gap-4 py-10">
              <h1 className="font-serif text-3xl tracking-tight">{t('work.nothing')}</h1>
              <p className="max-w-prose leading-relaxed text-muted">{t('work.nothingHelp')}</p>
              <Button onClick={() => void navigate({ to: '/workbench' })}>{t('workbench.title')}</Button>
            </div>
          )}
          {task && (
            <OneTask
              // Taken up again, the same task begins anew.
              key={`${task.id} ${leasing.submittedAt} ${undoing.submittedAt}`}
              task={task}
              onHandedIn={(contribution) => {
                setLast(contribution);
                announce(t('work.handedIn'));
                takeNext();
              }}
              onSkipped={takeNext}
            />
          )}
        </div>
        <GuidelinesAside />
      </div>
    </div>
  );
}

interface OneTaskProps {
  task: Task;
  onHandedIn: (contributionId: string) => void;
  onSkipped: () => void;
}

function OneTask({ task, ...events }: OneTaskProps) {
  const { t } = useTranslation();
  return (
    <>
      <h1 className="font-serif text-2xl leading-tight tracking-tight sm:text-3xl">{t(`work.do.${task.kind}`)}</h1>
      {task.kind !== 'demonstrate' && <Prompt task={task} />}
      <div className="mt-5 pb-2">
        {task.kind === 'rank' && <Work task={task} initial={initialRanking()} Form={RankTask} {...events} />}
        {task.kind === 'demonstrate' && (
          <Work task={task} initial={initialConversation(task)} Form={DemonstrateTask} {...events} />
        )}
        {task.kind === 'label' && <Work task={task} initial={initialLabel()} Form={LabelTask} {...events} />}
      </div>
    </>
  );
}

/** The conversation up to what was answered. */
function Prompt({ task }: { task: Task }) {
  const { t } = useTranslation();
  const earlier = task.prompt.slice(0, -1);
  return (
    <section aria-label={t('work.prompt')} className="mt-4 rounded-2xl bg-sunken px-4 py-3">
      {earlier.length > 0 && (
        <details className="mb-2">
          <summary className="cursor-pointer text-sm text-muted">
            {t('work.earlier', { count: earlier.length })}
          </summary>
          <ul className="mt-2 flex flex-col gap-2 border-l-2 border-line pl-3">
            {earlier.map((message, index) => (
              // The conversation does not change.
              <li key={index} className="wrap-anywhere whitespace-pre-wrap">
                <span className="text-sm text-muted">{t(`work.role.${message.role}`)}</span> {message.content}
              </li>
            ))}
          </ul>
        </details>
      )}
      <p className="text-sm text-muted">{t('work.asked')}</p>
      <div className="max-h-60 overflow-y-auto">
        <Markdown text={task.prompt.at(-1)?.content ?? ''} headingLevel={2} />
      </div>
    </section>
  );
}

interface WorkProps<Kind extends Content> extends OneTaskProps {
  initial: Kind;
  Form: (props: TaskFormProps<Kind>) => React.ReactNode;
}

function Work<Kind extends RankContent | DemonstrateContent | LabelContent>(props: WorkProps<Kind>) {
  const { task, initial, Form, onHandedIn, onSkipped } = props;
  const { t } = useTranslation();
  const announce = useAnnounce();
  const work = useTaskWork(task, initial);
  const [asking, setAsking] = useState(false);
  const nowhere = useRef<HTMLElement>(null);
  const submitting = useMutation({
    mutationFn: (content: Kind) =>
      work.finish(() => submitWork(task.id, { content, milliseconds: work.milliseconds() })),
    onSuccess: ({ id }) => onHandedIn(id),
  });
  const skipping = useMutation({
    mutationFn: () => work.finish(() => skipTask(task.id)),
    onSuccess: onSkipped,
  });
  useSaveShortcut(async () => {
    if (await work.save()) announce(t('work.saved'));
  });

  return (
    <>
      <Form
        task={task}
        work={work}
        busy={submitting.isPending || skipping.isPending}
        error={submitting.error ?? skipping.error}
        onSubmit={(content) => {
          if (!submitting.isPending) submitting.mutate(content);
        }}
        onSkip={() => {
          if (work.touched) setAsking(true);
          else if (!skipping.isPending) skipping.mutate();
        }}
      />
      <Confirmation
        open={asking}
        onOpenChange={setAsking}
        title={t('work.skipTitle')}
        text={t('work.skipText')}
        action={t('work.skip')}
        onConfirm={() => skipping.mutate()}
        returnFocus={nowhere}
      />
    </>
  );
}

/** Ctrl+S, or Cmd on a Mac, also while typing. */
function useSaveShortcut(save: () => void): void {
  const handle = useEffectEvent((event: KeyboardEvent) => {
    if (!(event.ctrlKey || event.metaKey) || event.shiftKey || event.key.toLowerCase() !== 's') return;
    event.preventDefault();
    save();
  });
  useEffect(() => {
    addEventListener('keydown', handle);
    return () => removeEventListener('keydown', handle);
  }, []);
}

/** Where tasks are made and watched: from thumbs down, from lists of prompts; how far they are and how far people agree. */
import { roleAllows, type TaskEntry, type TaskKind, taskKinds } from '@parley/contracts';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { ArrowLeft, Trash2 } from 'lucide-react';
import { type ReactNode, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useSession } from '../account/session.tsx';
import { errorText } from '../chat/error-text.ts';
import { Button, IconButton } from '../ui/button.tsx';
import { Confirmation } from '../ui/dialog.tsx';
import { Choice, LongField, linesOf } from '../ui/field.tsx';
import { Notice } from '../ui/notice.tsx';
import { Section, SettingsPage } from '../ui/settings-page.tsx';
import { deleteTask, importPrompts, taskListQuery } from './api.ts';
import { GuidelinesEditor } from './guidelines-editor.tsx';
import { TaskDetails } from './task-details.tsx';
import { ThumbList } from './thumb-list.tsx';

const answerCounts = ['2', '3', '4', '5', '6', '7', '8', '9'].map((value) => ({ value, label: value }));

export function TasksPage() {
  const { t } = useTranslation();
  const { role } = useSession();
  const administrator = roleAllows(role, 'administrator');
  if (!roleAllows(role, 'trainer')) {
    return (
      <SettingsPage title={t('tasks.title')}>
        <p className="mt-6 text-muted">{t('workbench.forTrainers')}</p>
      </SettingsPage>
    );
  }
  return (
    <SettingsPage title={t('tasks.title')}>
      <Link
        to="/workbench"
        className="mt-2 -ml-2 inline-flex min-h-9 items-center gap-1.5 rounded-xl px-2 text-sm text-muted hover:bg-hover hover:text-ink pointer-coarse:min-h-11"
      >
        <ArrowLeft size={16} aria-hidden /> {t('workbench.title')}
      </Link>
      <ThumbList />
      {administrator && <Import />}
      <TaskTable administrator={administrator} />
      <People />
      {administrator && <GuidelinesEditor />}
    </SettingsPage>
  );
}

function Import() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [kind, setKind] = useState<TaskKind>('rank');
  const [answers, setAnswers] = useState('4');
  const [text, setText] = useState('');
  const prompts = linesOf(text);
  const importing = useMutation({
    mutationFn: () => importPrompts({ kind, prompts, answers: Number(answers) }),
    onSuccess: () => setText(''),
    onSettled: () => client.invalidateQueries({ queryKey: ['workbench'] }),
  });
  return (
    <Section title={t('tasks.import')} description={t('tasks.importHelp')}>
      <form
        className="flex flex-col gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          importing.mutate();
        }}
      >
        <div className="flex flex-wrap gap-4">
          <Choice
            label={t('tasks.kind')}
            value={kind}
            onChange={setKind}
            options={taskKinds.map((value) => ({ value, label: t(`work.do.${value}`) }))}
            className="w-64"
          />
          {kind === 'rank' && (
            <Choice
              label={t('tasks.answersEach')}
              value={answers}
              onChange={setAnswers}
              options={answerCounts}
              className="w-40"
            />
          )}
        </div>
        <LongField
          label={t('tasks.prompts')}
          help={t('tasks.promptCount', { count: prompts.length })}
          rows={4}
          value={text}
          onChange={setText}
        />
        <Button type="submit" className="self-start" disabled={prompts.length === 0 || importing.isPending}>
          {t('tasks.make')}
        </Button>
        {importing.error && <Notice tone="danger">{errorText(t, importing.error)}</Notice>}
      </form>
    </Section>
  );
}

function TaskTable({ administrator }: { administrator: boolean }) {
  const { t } = useTranslation();
  const { data, error } = useQuery(taskListQuery);
  return (
    <Section title={t('tasks.list')}>
      {error && <Notice tone="danger">{errorText(t, error)}</Notice>}
      {data?.tasks.length === 0 && <p className="text-muted">{t('tasks.none')}</p>}
      <ul className="divide-y divide-line">
        {data?.tasks.map((task) => (
          <TaskRow key={task.id} task={task} administrator={administrator} />
        ))}
      </ul>
    </Section>
  );
}

function TaskRow({ task, administrator }: { task: TaskEntry; administrator: boolean }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [open, setOpen] = useState(false);
  const [confirming, setConfirming] = useState(false);
  const remove = useRef<HTMLButtonElement>(null);
  const deleting = useMutation({
    mutationFn: () => deleteTask(task.id),
    onSettled: () => client.invalidateQueries({ queryKey: ['workbench'] }),
  });
  const facts = [
    t(`work.done.${task.kind}`),
    t(`tasks.state.${task.state}`),
    task.kind !== 'demonstrate' && t('tasks.answers', { count: task.answers }),
    t('tasks.people', { count: task.contributions, wanted: task.peopleWanted }),
    task.tau !== null && t('tasks.tau', { tau: task.tau.toFixed(2) }),
    task.fromThumb && t('tasks.fromThumb'),
    task.held && t('tasks.held'),
  ].filter(Boolean);
  return (
    <li className="py-3">
      <div className="flex items-center gap-2">
        <div className="min-w-0 grow">
          <p className="line-clamp-1 wrap-anywhere">{task.question || t('workbench.ownConversation')}</p>
          <p className="text-sm text-muted">{facts.join(' · ')}</p>
          {task.failure && <p className="text-sm text-danger">{task.failure}</p>}
        </div>
        {administrator && (
          <>
            <Button shape="quiet" aria-expanded={open} onClick={() => setOpen(!open)}>
              {t(open ? 'chat.showLess' : 'tasks.look')}
            </Button>
            <IconButton ref={remove} label={t('tasks.delete')} onClick={() => setConfirming(true)}>
              <Trash2 size={16} aria-hidden />
            </IconButton>
          </>
        )}
      </div>
      {open && <TaskDetails id={task.id} />}
      {deleting.error && <Notice tone="danger">{errorText(t, deleting.error)}</Notice>}
      <Confirmation
        open={confirming}
        onOpenChange={setConfirming}
        title={t('tasks.deleteTitle')}
        text={t('tasks.deleteText')}
        action={t('tasks.delete')}
        onConfirm={() => deleting.mutate()}
        returnFocus={remove}
      />
    </li>
  );
}

/** How far each person agrees with the others: by name, not by how much they did. */
function People() {
  const { t } = useTranslation();
  const { data } = useQuery(taskListQuery);
  if (!data || data.people.length === 0) return null;
  return (
    <Section title={t('tasks.agreement')} description={t('tasks.agreementHelp')}>
      <table className="w-full text-left text-sm">
        <thead className="text-muted">
          <tr>
            <Head>{t('tasks.person')}</Head>
            <Head>{t('workbench.agreement')}</Head>
            <Head>{t('tasks.shared')}</Head>
          </tr>
        </thead>
        <tbody>
          {data.people.map(({ userId, name, agreement }) => (
            <tr key={userId} className="border-t border-line">
              <td className="py-2 pr-3 wrap-anywhere">{name}</td>
              <td className="py-2 pr-3 tabular-nums">{agreement ? agreement.tau.toFixed(2) : '–'}</td>
              <td className="py-2 tabular-nums">{agreement?.tasks ?? 0}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Section>
  );
}

function Head({ children }: { children: ReactNode }) {
  return (
    <th scope="col" className="py-2 pr-3 font-medium">
      {children}
    </th>
  );
}

import type { TaskDetail } from '@parley/contracts';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { useTimeText } from '../account/time-text.ts';
import { errorText } from '../chat/error-text.ts';
import { Notice } from '../ui/notice.tsx';
import { taskDetailQuery } from './api.ts';

/** The answers of a task, what each person said about them, and all rankings as one. */
export function TaskDetails({ id }: { id: string }) {
  const { t } = useTranslation();
  const { data: task, error } = useQuery(taskDetailQuery(id));
  if (error) return <Notice tone="danger">{errorText(t, error)}</Notice>;
  if (!task) return null;
  return (
    <div className="mt-3 overflow-x-auto rounded-xl border border-line">
      {task.answerTexts.length > 0 && <AnswerTable task={task} />}
      {task.said.map((one) => (
        <p key={one.name} className="border-t border-line px-3 py-2 text-sm wrap-anywhere">
          <SaidBy one={one} />
        </p>
      ))}
    </div>
  );
}

function AnswerTable({ task }: { task: TaskDetail }) {
  const { t } = useTranslation();
  const { answerTexts, said, merged } = task;
  const rankings = said.filter(({ content }) => content.kind === 'rank');
  return (
    <table className="w-full text-left text-sm">
      <thead className="bg-sunken text-muted">
        <tr>
          <th scope="col" className="px-3 py-2 font-medium">
            {t('tasks.answer')}
          </th>
          {rankings.map(({ name }) => (
            <th key={name} scope="col" className="px-3 py-2 font-medium">
              {name}
            </th>
          ))}
          {merged && (
            <th scope="col" className="px-3 py-2 font-medium">
              {t('tasks.merged')}
            </th>
          )}
        </tr>
      </thead>
      <tbody>
        {answerTexts.map((answer, index) => (
          <tr key={answer.id} className="border-t border-line align-top">
            <td className="px-3 py-2">
              <p className="line-clamp-3 wrap-anywhere">{answer.content}</p>
              <p className="text-muted">
                {answer.model === null
                  ? t('tasks.byPerson')
                  : t('tasks.byModel', { model: answer.model, seed: answer.seed ?? '–' })}
              </p>
            </td>
            {rankings.map(({ name, content }) => (
              <td key={name} className="px-3 py-2 tabular-nums">
                {(content.kind === 'rank' && content.ranks[answer.id]) || '–'}
              </td>
            ))}
            {merged && <td className="px-3 py-2 font-medium tabular-nums">{merged[index]}</td>}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function SaidBy({ one }: { one: TaskDetail['said'][number] }) {
  const { t } = useTranslation();
  const timeText = useTimeText();
  const { content } = one;
  const words = [
    timeText(one.submittedAt),
    t('tasks.took', { seconds: Math.round(one.milliseconds / 1_000) }),
    content.kind === 'rank' && content.noneGood && t('rank.noneGood'),
    content.kind === 'label' && content.flags.map((flag) => t(`label.flag.${flag}`)).join(', '),
    content.kind === 'demonstrate' && content.messages.at(-1)?.content,
    content.kind !== 'demonstrate' && content.comment,
  ].filter(Boolean);
  return (
    <>
      <span className="font-medium">{one.name}</span> <span className="text-muted">{words.join(' · ')}</span>
    </>
  );
}

import type { ThumbedMessage } from '@parley/contracts';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '../chat/error-text.ts';
import { useAnnounce } from '../ui/announcer.tsx';
import { Button } from '../ui/button.tsx';
import { Notice } from '../ui/notice.tsx';
import { Section } from '../ui/settings-page.tsx';
import { makeTasksFromThumbs, thumbsQuery } from './api.ts';

/** Answers that people did not like, each a click away from being ranked beside others. */
export function ThumbList() {
  const { t } = useTranslation();
  const announce = useAnnounce();
  const client = useQueryClient();
  const { data: thumbs, error } = useQuery(thumbsQuery);
  const [shown, setShown] = useState(10);
  const making = useMutation({
    mutationFn: makeTasksFromThumbs,
    onSuccess: ({ made }) => announce(t('tasks.made', { count: made })),
    onSettled: () => client.invalidateQueries({ queryKey: ['workbench'] }),
  });
  const left = thumbs?.filter(({ taskId }) => taskId === null) ?? [];
  const failure = error ?? making.error;
  return (
    <Section title={t('tasks.thumbs')} description={t('tasks.thumbsHelp')}>
      {failure && <Notice tone="danger">{errorText(t, failure)}</Notice>}
      {thumbs?.length === 0 && <p className="text-muted">{t('tasks.noThumbs')}</p>}
      {left.length > 1 && (
        <Button
          shape="primary"
          disabled={making.isPending}
          onClick={() => making.mutate(left.map(({ feedbackId }) => feedbackId))}
        >
          {t('tasks.makeAll', { count: left.length })}
        </Button>
      )}
      <ul className="mt-2 divide-y divide-line">
        {thumbs?.slice(0, shown).map((thumb) => (
          <Thumb
            key={thumb.feedbackId}
            thumb={thumb}
            busy={making.isPending}
            onMake={() => making.mutate([thumb.feedbackId])}
          />
        ))}
      </ul>
      {thumbs && thumbs.length > shown && (
        <Button className="mt-3" onClick={() => setShown(shown + 50)}>
          {t('workbench.more')}
        </Button>
      )}
    </Section>
  );
}

function Thumb({ thumb, busy, onMake }: { thumb: ThumbedMessage; busy: boolean; onMake: () => void }) {
  const { t } = useTranslation();
  const { question, answer, reasons, comment, betterAnswer, taskId } = thumb;
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-2 py-3">
      <div className="min-w-0 grow basis-80">
        <p className="line-clamp-2 font-medium wrap-anywhere">{question}</p>
        <p className="line-clamp-2 text-sm wrap-anywhere text-muted">{answer}</p>
        {(comment !== '' || reasons.length > 0) && (
          <p className="mt-1 border-l-2 border-line pl-3 text-sm wrap-anywhere">
            {[...reasons.map((reason) => t(`feedback.reason.${reason}`)), comment].filter(Boolean).join(' · ')}
          </p>
        )}
        {betterAnswer !== '' && (
          <p className="mt-1 line-clamp-2 border-l-2 border-accent pl-3 text-sm wrap-anywhere">
            <span className="text-muted">{t('tasks.better')}</span> {betterAnswer}
          </p>
        )}
      </div>
      {taskId === null ? (
        <Button disabled={busy} onClick={onMake}>
          {t('tasks.makeOne')}
        </Button>
      ) : (
        <span className="text-sm text-muted">{t('tasks.isTask')}</span>
      )}
    </li>
  );
}

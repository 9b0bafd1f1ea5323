import type { Message } from '@parley/contracts';
import { RotateCcw } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { IconButton } from '../ui/button.tsx';
import { classNames } from '../ui/class-names.ts';
import { CopyButton } from '../ui/copy-button.tsx';
import { Feedback } from './feedback.tsx';
import { Versions } from './versions.tsx';

interface AnswerActionsProps {
  message: Message;
  siblings: readonly string[];
  last: boolean;
  busy: boolean;
  onRegenerate: (message: Message) => void;
  onChoose: (parentId: string | null, id: string) => void;
}

export function AnswerActions({ message, siblings, last, busy, onRegenerate, onChoose }: AnswerActionsProps) {
  const { t } = useTranslation();
  return (
    <div
      className={classNames(
        'mt-1.5 -ml-1.5 flex flex-wrap items-center gap-0.5',
        // Older answers keep quiet until the pointer or the keyboard comes near; fingers cannot hover.
        !last &&
          message.feedback === null &&
          'transition-opacity not-pointer-coarse:opacity-0 group-focus-within/answer:opacity-100 group-hover/answer:opacity-100 has-data-[state=open]:opacity-100',
      )}
    >
      <Versions message={message} siblings={siblings} onChoose={onChoose} />
      <CopyButton label={t('answer.copy')} text={() => message.content} />
      <IconButton label={t('answer.regenerate')} size="small" disabled={busy} onClick={() => onRegenerate(message)}>
        <RotateCcw size={16} aria-hidden />
      </IconButton>
      <Feedback message={message} />
    </div>
  );
}

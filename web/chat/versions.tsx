import type { Message } from '@parley/contracts';
import { ChevronLeft, ChevronRight } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { IconButton } from '../ui/button.tsx';

interface VersionsProps {
  message: Message;
  /** The ids of the alternatives at this place, oldest first. */
  siblings: readonly string[];
  onChoose: (parentId: string | null, id: string) => void;
}

/** "‹ 2/3 ›": the other answers to the same question, or the other wordings of a question. */
export function Versions({ message, siblings, onChoose }: VersionsProps) {
  const { t } = useTranslation();
  if (siblings.length < 2) return null;
  const index = siblings.indexOf(message.id);
  const choose = (id: string | undefined) => id !== undefined && onChoose(message.parentId, id);
  return (
    <fieldset className="flex items-center" aria-label={t('answer.versions')}>
      <IconButton
        label={t('answer.previous')}
        size="small"
        disabled={index === 0}
        onClick={() => choose(siblings[index - 1])}
      >
        <ChevronLeft size={16} aria-hidden />
      </IconButton>
      <span className="px-0.5 text-sm text-muted tabular-nums">
        <span aria-hidden="true">
          {index + 1}/{siblings.length}
        </span>
        <span className="sr-only">{t('answer.position', { index: index + 1, count: siblings.length })}</span>
      </span>
      <IconButton
        label={t('answer.next')}
        size="small"
        disabled={index === siblings.length - 1}
        onClick={() => choose(siblings[index + 1])}
      >
        <ChevronRight size={16} aria-hidden />
      </IconButton>
    </fieldset>
  );
}

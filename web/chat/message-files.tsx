import type { MessageFile } from '@parley/contracts';
import { FileText } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { Notice } from '../ui/notice.tsx';

/** The files that came with a question. */
export function QuestionFiles({ files }: { files: readonly MessageFile[] }) {
  const { t } = useTranslation();
  if (files.length === 0) return null;
  return (
    <ul aria-label={t('files.list')} className="mb-1.5 flex max-w-[85%] flex-wrap justify-end gap-1.5">
      {files.map(({ id, name }) => (
        <li
          key={id}
          className="flex max-w-full items-center gap-2 rounded-xl border border-line bg-surface px-3 py-1.5 text-sm"
        >
          <FileText size={16} className="shrink-0 text-accent" aria-hidden />
          <span className="truncate">{name}</span>
        </li>
      ))}
    </ul>
  );
}

/** Says of which files an answer has seen only the beginning. */
export function ReadNotice({ files }: { files: readonly MessageFile[] }) {
  const { t, i18n } = useTranslation();
  const partly = files.filter(
    ({ characters, charactersRead }) => charactersRead !== null && charactersRead < characters,
  );
  if (partly.length === 0) return null;
  const percent = new Intl.NumberFormat(i18n.language, { style: 'percent', maximumSignificantDigits: 2 });
  return (
    <div className="mb-3 flex flex-col gap-1.5">
      {partly.map(({ id, name, characters, charactersRead }) => (
        <Notice key={id} tone="info">
          {t('files.partlyRead', { name, share: percent.format(Math.min(0.99, (charactersRead ?? 0) / characters)) })}
        </Notice>
      ))}
    </div>
  );
}

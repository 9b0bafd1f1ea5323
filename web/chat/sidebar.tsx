import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { BookOpenText, PanelLeftClose, SquarePen } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { conversationsQuery } from '../api/queries.ts';
import { Button, IconButton } from '../ui/button.tsx';
import { Logo } from '../ui/logo.tsx';
import { ConversationItem } from './conversation-item.tsx';
import { type DayLabel, groupByDay } from './day-groups.ts';
import { SearchField, SearchResults } from './search.tsx';
import { TransferMenu } from './transfer-menu.tsx';

interface SidebarProps {
  onHide: () => void;
  /** Something was chosen: on a phone the sidebar then makes room. */
  onChosen: () => void;
}

export function Sidebar({ onHide, onChosen }: SidebarProps) {
  const { t } = useTranslation();
  const [words, setWords] = useState('');
  return (
    <>
      <div className="flex h-14 shrink-0 items-center justify-between pr-2.5 pl-4">
        <Link
          to="/"
          onClick={onChosen}
          className="flex items-center gap-2.5 rounded-lg font-serif text-xl font-semibold"
        >
          <Logo size={26} />
          Parley
        </Link>
        <span className="relative flex">
          <TransferMenu />
          <IconButton label={t('app.hideSidebar')} onClick={onHide}>
            <PanelLeftClose size={18} aria-hidden />
          </IconButton>
        </span>
      </div>
      <div className="px-2.5 pb-2">
        <Link
          to="/"
          onClick={onChosen}
          aria-keyshortcuts="Control+Shift+O Meta+Shift+O"
          className="flex min-h-10 items-center gap-2.5 rounded-xl border border-line bg-surface px-3 text-sm font-medium transition-colors hover:bg-hover pointer-coarse:min-h-11"
        >
          <SquarePen size={17} className="text-accent" aria-hidden />
          {t('app.newChat')}
        </Link>
        <Link
          to="/assistants"
          onClick={onChosen}
          className="mt-1 flex min-h-9 items-center gap-2.5 rounded-xl px-3 text-sm transition-colors hover:bg-hover aria-[current=page]:bg-bubble aria-[current=page]:font-medium pointer-coarse:min-h-11"
        >
          <BookOpenText size={17} className="text-muted" aria-hidden />
          {t('assistants.title')}
        </Link>
      </div>
      <SearchField words={words} onChange={setWords} />
      <nav aria-label={t('sidebar.label')} className="min-h-0 grow overflow-y-auto px-2.5 pb-4">
        {words.trim() === '' ? (
          <ConversationList onChosen={onChosen} />
        ) : (
          <SearchResults words={words} onChosen={onChosen} />
        )}
      </nav>
      <p className="border-t border-line px-4 py-3 text-xs leading-relaxed text-muted">{t('sidebar.local')}</p>
    </>
  );
}

function ConversationList({ onChosen }: { onChosen: () => void }) {
  const { t, i18n } = useTranslation();
  const { data: conversations, error, refetch } = useQuery(conversationsQuery);
  if (error && !conversations) {
    return (
      <div className="px-2 py-4 text-sm text-muted">
        <p className="mb-3">{t('sidebar.failed')}</p>
        <Button onClick={() => void refetch()}>{t('app.tryAgain')}</Button>
      </div>
    );
  }
  if (!conversations) return null;
  if (conversations.length === 0) return <p className="px-2 py-4 text-sm text-muted">{t('sidebar.empty')}</p>;

  const heading = (label: DayLabel | 'pinned') =>
    label === 'pinned'
      ? t('pin.pinned')
      : typeof label === 'string'
        ? t(`sidebar.${label}`)
        : new Intl.DateTimeFormat(i18n.language, { year: 'numeric', month: 'long' }).format(
            new Date(label.year, label.month),
          );
  const pinned = conversations.filter((conversation) => conversation.pinned);
  const others = conversations.filter((conversation) => !conversation.pinned);
  const groups = [
    ...(pinned.length > 0 ? [{ label: 'pinned' as const, conversations: pinned }] : []),
    ...groupByDay(others, new Date()),
  ];
  return groups.map(({ label, conversations }) => (
    <section key={JSON.stringify(label)} aria-label={heading(label)}>
      <h2 className="px-3 pt-4 pb-1.5 text-xs font-medium text-muted">{heading(label)}</h2>
      <ul>
        {conversations.map((conversation) => (
          <ConversationItem key={conversation.id} conversation={conversation} onChosen={onChosen} />
        ))}
      </ul>
    </section>
  ));
}

import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { PanelLeftClose, SquarePen } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { conversationsQuery } from '../api/queries.ts';
import { Button, IconButton } from '../ui/button.tsx';
import { Logo } from '../ui/logo.tsx';
import { ConversationItem } from './conversation-item.tsx';
import { type DayLabel, groupByDay } from './day-groups.ts';

interface SidebarProps {
  onHide: () => void;
  /** Something was chosen: on a phone the sidebar then makes room. */
  onChosen: () => void;
}

export function Sidebar({ onHide, onChosen }: SidebarProps) {
  const { t } = useTranslation();
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
        <IconButton label={t('app.hideSidebar')} onClick={onHide}>
          <PanelLeftClose size={18} aria-hidden />
        </IconButton>
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
      </div>
      <nav aria-label={t('sidebar.label')} className="min-h-0 grow overflow-y-auto px-2.5 pb-4">
        <ConversationList onChosen={onChosen} />
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

  const heading = (label: DayLabel) =>
    typeof label === 'string'
      ? t(`sidebar.${label}`)
      : new Intl.DateTimeFormat(i18n.language, { year: 'numeric', month: 'long' }).format(
          new Date(label.year, label.month),
        );
  return groupByDay(conversations, new Date()).map(({ label, conversations }) => (
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

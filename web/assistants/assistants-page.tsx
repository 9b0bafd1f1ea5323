/** The assistants that one may talk to: one's own, and those that others share. */
import type { Assistant } from '@parley/contracts';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { FileText, Plus, Settings2, UsersRound } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { errorText } from '../chat/error-text.ts';
import { Notice } from '../ui/notice.tsx';
import { SettingsPage } from '../ui/settings-page.tsx';
import { assistantsQuery } from './api.ts';

export function AssistantsPage() {
  const { t } = useTranslation();
  const { data: assistants, error } = useQuery(assistantsQuery);
  return (
    <SettingsPage title={t('assistants.title')}>
      <p className="mt-3 max-w-2xl leading-relaxed text-pretty text-muted">{t('assistants.about')}</p>
      <Link
        to="/assistants/new"
        className="mt-5 inline-flex min-h-10 items-center gap-2 rounded-xl bg-accent px-4 text-sm font-medium text-on-accent hover:bg-accent-hover pointer-coarse:min-h-11"
      >
        <Plus size={16} aria-hidden /> {t('assistants.new')}
      </Link>
      {error && (
        <div className="mt-5">
          <Notice tone="danger">{errorText(t, error)}</Notice>
        </div>
      )}
      {assistants?.length === 0 && <p className="mt-8 text-muted">{t('assistants.none')}</p>}
      <ul className="mt-8 flex flex-col gap-3">
        {assistants?.map((assistant) => (
          <AssistantItem key={assistant.id} assistant={assistant} />
        ))}
      </ul>
    </SettingsPage>
  );
}

function AssistantItem({ assistant }: { assistant: Assistant }) {
  const { t } = useTranslation();
  const { id, name, instructions, own, visibility, documents } = assistant;
  return (
    <li className="rounded-2xl border border-line bg-surface p-4 sm:p-5">
      <h2 className="font-serif text-lg font-semibold wrap-anywhere">{name}</h2>
      {instructions !== '' && (
        <p className="mt-1 line-clamp-2 text-sm leading-relaxed wrap-anywhere text-muted">{instructions}</p>
      )}
      <p className="mt-2 flex flex-wrap gap-x-4 gap-y-1 text-sm text-muted">
        <span className="inline-flex items-center gap-1.5">
          <FileText size={15} aria-hidden /> {t('assistants.documentCount', { count: documents })}
        </span>
        {visibility === 'installation' && (
          <span className="inline-flex items-center gap-1.5">
            <UsersRound size={15} aria-hidden /> {t(own ? 'assistants.youShare' : 'assistants.sharedWithYou')}
          </span>
        )}
      </p>
      <p className="mt-3.5 flex flex-wrap gap-2">
        <Link
          to="/assistants/$assistantId/chat"
          params={{ assistantId: id }}
          aria-label={t('assistants.chatWith', { name })}
          className="inline-flex min-h-9 items-center rounded-xl bg-accent px-3.5 text-sm font-medium text-on-accent hover:bg-accent-hover pointer-coarse:min-h-11"
        >
          {t('assistants.chat')}
        </Link>
        {own && (
          <Link
            to="/assistants/$assistantId"
            params={{ assistantId: id }}
            aria-label={t('assistants.editOf', { name })}
            className="inline-flex min-h-9 items-center gap-2 rounded-xl border border-line px-3.5 text-sm font-medium hover:bg-hover pointer-coarse:min-h-11"
          >
            <Settings2 size={15} aria-hidden /> {t('assistants.edit')}
          </Link>
        )}
      </p>
    </li>
  );
}

/** Making an assistant, and everything that its owner can change about it. */
import type { Assistant } from '@parley/contracts';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { ArrowLeft, MessageCircle, Trash2 } from 'lucide-react';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { NotFound } from '../chat/conversation.tsx';
import { errorText } from '../chat/error-text.ts';
import { Button } from '../ui/button.tsx';
import { Confirmation } from '../ui/dialog.tsx';
import { Notice } from '../ui/notice.tsx';
import { Section, SettingsPage } from '../ui/settings-page.tsx';
import { assistantQuery, assistantsQuery, deleteAssistant } from './api.ts';
import { AssistantForm } from './assistant-form.tsx';
import { DocumentList } from './document-list.tsx';
import { WidgetSection } from './widget-section.tsx';

export function NewAssistantPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  return (
    <SettingsPage title={t('assistants.new')}>
      <BackToList />
      <AssistantForm
        assistant={null}
        onSaved={({ id }) => void navigate({ to: '/assistants/$assistantId', params: { assistantId: id } })}
      />
    </SettingsPage>
  );
}

export function AssistantEditorPage() {
  const { t } = useTranslation();
  const { assistantId } = useParams({ strict: false });
  const { data: assistant, error } = useQuery(assistantQuery(assistantId ?? ''));
  if (error) return <NotFound text={errorText(t, error)} />;
  if (!assistant) return null;
  if (!assistant.own) return <NotFound text={t('assistants.notYours')} />;
  return (
    <SettingsPage title={assistant.name}>
      <BackToList />
      <p className="mt-4">
        <Link
          to="/assistants/$assistantId/chat"
          params={{ assistantId: assistant.id }}
          className="inline-flex min-h-10 items-center gap-2 rounded-xl bg-accent px-4 text-sm font-medium text-on-accent hover:bg-accent-hover pointer-coarse:min-h-11"
        >
          <MessageCircle size={16} aria-hidden /> {t('assistants.chat')}
        </Link>
      </p>
      <DocumentList assistantId={assistant.id} />
      <Section title={t('assistants.settings')}>
        <AssistantForm key={assistant.updatedAt} assistant={assistant} onSaved={() => undefined} />
      </Section>
      <WidgetSection assistantId={assistant.id} />
      <Deletion assistant={assistant} />
    </SettingsPage>
  );
}

function BackToList() {
  const { t } = useTranslation();
  return (
    <p className="mt-2">
      <Link to="/assistants" className="inline-flex items-center gap-1.5 text-sm text-muted hover:text-ink">
        <ArrowLeft size={15} aria-hidden /> {t('assistants.all')}
      </Link>
    </p>
  );
}

function Deletion({ assistant }: { assistant: Assistant }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [asking, setAsking] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const deleting = useMutation({
    mutationFn: () => deleteAssistant(assistant.id),
    onSuccess: async () => {
      await navigate({ to: '/assistants' });
      await client.invalidateQueries({ queryKey: assistantsQuery.queryKey });
    },
  });
  return (
    <Section title={t('assistants.delete')} description={t('assistants.deleteHelp')}>
      {deleting.error && <Notice tone="danger">{errorText(t, deleting.error)}</Notice>}
      <Button ref={button} onClick={() => setAsking(true)}>
        <Trash2 size={15} aria-hidden /> {t('assistants.delete')}
      </Button>
      <Confirmation
        open={asking}
        onOpenChange={setAsking}
        title={t('assistants.deleteTitle', { name: assistant.name })}
        text={t('assistants.deleteHelp')}
        action={t('sidebar.delete')}
        onConfirm={() => deleting.mutate()}
        returnFocus={button}
      />
    </Section>
  );
}

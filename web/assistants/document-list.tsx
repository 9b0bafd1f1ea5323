/** The documents of an assistant: adding, watching them become searchable, removing. */
import { type AssistantDocument, longestDocument } from '@parley/contracts';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { CircleAlert, CircleCheck, LoaderCircle, Trash2, Upload } from 'lucide-react';
import { useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '../chat/error-text.ts';
import { useAnnounce } from '../ui/announcer.tsx';
import { Button, IconButton } from '../ui/button.tsx';
import { Notice } from '../ui/notice.tsx';
import { Section } from '../ui/settings-page.tsx';
import { addDocument, assistantQuery, documentsQuery, readFile, useDeleteDocument } from './api.ts';

export function DocumentList({ assistantId }: { assistantId: string }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const announce = useAnnounce();
  const picker = useRef<HTMLInputElement>(null);
  const { data: documents } = useQuery(documentsQuery(assistantId));
  const deleting = useDeleteDocument(assistantId);
  const adding = useMutation({
    mutationFn: async (files: readonly File[]) => {
      for (const file of files) {
        const read = await readFile(file);
        if (read.problem) throw new FileRefusal(`${file.name}: ${t(`files.problem.${read.problem}`)}`);
        const added = await addDocument(assistantId, { fileId: read.id });
        client.setQueryData(documentsQuery(assistantId).queryKey, (known = []) => [...known, added]);
        announce(t('assistants.documentAdded', { name: file.name }));
      }
    },
    onSettled: () => client.invalidateQueries({ queryKey: assistantQuery(assistantId).queryKey }),
  });

  return (
    <Section
      title={t('assistants.documents')}
      description={t('assistants.documentsHelp', { count: Math.round(longestDocument / 1000) })}
    >
      <input
        ref={picker}
        type="file"
        multiple
        accept=".txt,.md,.markdown,.pdf,.docx,text/plain,text/markdown,application/pdf"
        aria-label={t('assistants.addDocument')}
        className="sr-only"
        tabIndex={-1}
        onChange={(event) => {
          const files = [...(event.currentTarget.files ?? [])];
          event.currentTarget.value = '';
          adding.mutate(files);
        }}
      />
      <Button disabled={adding.isPending} onClick={() => picker.current?.click()}>
        {adding.isPending ? (
          <LoaderCircle size={15} className="motion-safe:animate-spin" aria-hidden />
        ) : (
          <Upload size={15} aria-hidden />
        )}
        {t(adding.isPending ? 'assistants.reading' : 'assistants.addDocument')}
      </Button>
      {[adding.error, deleting.error].map(
        (error) =>
          error && (
            <div key={error.message} className="mt-3">
              <Notice tone="danger">{error instanceof FileRefusal ? error.message : errorText(t, error)}</Notice>
            </div>
          ),
      )}
      {documents?.length === 0 && <p className="mt-4 text-sm text-muted">{t('assistants.noDocuments')}</p>}
      <ul className="mt-4 divide-y divide-line rounded-2xl border border-line bg-surface empty:hidden">
        {documents?.map((document) => (
          <DocumentItem key={document.id} document={document} onDelete={() => deleting.mutate(document.id)} />
        ))}
      </ul>
    </Section>
  );
}

function DocumentItem({ document, onDelete }: { document: AssistantDocument; onDelete: () => void }) {
  const { t, i18n } = useTranslation();
  const { name, state, failure, passages, characters } = document;
  const number = new Intl.NumberFormat(i18n.language);
  return (
    <li className="flex items-center gap-3 px-4 py-2.5">
      <StateIcon state={state} />
      <div className="min-w-0 grow">
        <p className="font-medium wrap-anywhere">{name}</p>
        <p className="text-sm text-muted">
          {state === 'reading' && t('assistants.reading')}
          {state === 'failed' && t('assistants.failed', { reason: failure })}
          {state === 'ready' &&
            t('assistants.ready', { passages: number.format(passages), characters: number.format(characters) })}
        </p>
      </div>
      <IconButton label={t('assistants.deleteDocument', { name })} size="small" onClick={onDelete}>
        <Trash2 size={16} aria-hidden />
      </IconButton>
    </li>
  );
}

function StateIcon({ state }: Pick<AssistantDocument, 'state'>) {
  if (state === 'ready') return <CircleCheck size={18} className="shrink-0 text-accent" aria-hidden />;
  if (state === 'failed') return <CircleAlert size={18} className="shrink-0 text-danger" aria-hidden />;
  return <LoaderCircle size={18} className="shrink-0 text-muted motion-safe:animate-spin" aria-hidden />;
}

/** Why a file cannot be read, said in the person's language already. */
class FileRefusal extends Error {}

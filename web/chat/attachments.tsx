/** The files that will go with the next message: being sent, being read, ready, or failed and why. */
import { largestUploadBytes, mostFilesPerMessage, type UploadedFile } from '@parley/contracts';
import { useQuery } from '@tanstack/react-query';
import { CircleAlert, FileText, LoaderCircle, X } from 'lucide-react';
import { useCallback, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { deleteFile, fileQuery, uploadFile } from '../api/files.ts';
import { useAnnounce } from '../ui/announcer.tsx';
import { IconButton } from '../ui/button.tsx';
import { classNames } from '../ui/class-names.ts';
import { errorText } from './error-text.ts';

interface Attachment {
  /** Made here: the file has no id of its own before it has arrived. */
  key: string;
  file: File;
  uploaded: UploadedFile | null;
  ready: boolean;
  failed: boolean;
}

export interface Attachments {
  readonly list: readonly Attachment[];
  /** Ids of the files that are ready. */
  readonly ids: string[];
  /** Some are not ready yet. */
  readonly waiting: boolean;
  add(files: Iterable<File>): void;
  change(key: string, change: Partial<Attachment>): void;
  remove(key: string): void;
  clear(): void;
}

export function useAttachments(): Attachments {
  const [list, setList] = useState<readonly Attachment[]>([]);
  const add = useCallback((files: Iterable<File>) => {
    const added = [...files].map((file) => ({
      ...{ key: crypto.randomUUID?.() ?? String(Math.random()), file },
      ...{ uploaded: null, ready: false, failed: false },
    }));
    setList((known) => [...known, ...added].slice(0, mostFilesPerMessage));
  }, []);
  const change = useCallback((key: string, changed: Partial<Attachment>) => {
    setList((known) => known.map((one) => (one.key === key ? { ...one, ...changed } : one)));
  }, []);
  const remove = useCallback((key: string) => setList((known) => known.filter((one) => one.key !== key)), []);
  const clear = useCallback(() => setList([]), []);
  return {
    list,
    ids: list.flatMap(({ uploaded, ready }) => (uploaded && ready ? [uploaded.id] : [])),
    waiting: list.some(({ ready, failed }) => !ready && !failed),
    ...{ add, change, remove, clear },
  };
}

export function AttachmentList({ attachments }: { attachments: Attachments }) {
  const { t } = useTranslation();
  if (attachments.list.length === 0) return null;
  return (
    <ul aria-label={t('files.list')} className="flex flex-wrap gap-2 px-3.5 pt-3.5">
      {attachments.list.map((attachment) => (
        <li key={attachment.key} className="max-w-full">
          <Sending attachment={attachment} attachments={attachments} />
        </li>
      ))}
    </ul>
  );
}

function Sending({ attachment, attachments }: { attachment: Attachment; attachments: Attachments }) {
  const { t } = useTranslation();
  const { key, file, uploaded } = attachment;
  const { change, remove } = attachments;
  const [error, setError] = useState<Error | null>(null);
  const tooLarge = file.size > largestUploadBytes;

  useEffect(() => {
    if (tooLarge) change(key, { failed: true });
    if (tooLarge || uploaded) return;
    const abort = new AbortController();
    uploadFile(file, abort.signal).then(
      (arrived) => change(key, { uploaded: arrived }),
      (cause) => {
        if (abort.signal.aborted) return;
        setError(cause instanceof Error ? cause : new Error(String(cause)));
        change(key, { failed: true });
      },
    );
    return () => abort.abort();
  }, [key, file, uploaded, tooLarge, change]);

  if (uploaded) return <Reading uploaded={uploaded} attachment={attachment} attachments={attachments} />;
  const failure = tooLarge
    ? t('files.tooLarge', { megabytes: largestUploadBytes / 1e6 })
    : error && errorText(t, error);
  return (
    <Chip name={file.name} state={failure ?? t('files.sending')} failed={!!failure} onRemove={() => remove(key)} />
  );
}

interface ReadingProps {
  uploaded: UploadedFile;
  attachment: Attachment;
  attachments: Attachments;
}

function Reading({ uploaded, attachment, attachments }: ReadingProps) {
  const { t, i18n } = useTranslation();
  const announce = useAnnounce();
  const { data: file } = useQuery(fileQuery(uploaded));
  const { key, ready, failed } = attachment;
  const { change, remove } = attachments;
  const { state, name, problem, characters, cut } = file;

  useEffect(() => {
    if (state === 'reading' || ready || failed) return;
    change(key, { ready: state === 'ready', failed: state === 'failed' });
    announce(t(state === 'ready' ? 'files.announceReady' : 'files.announceFailed', { name }));
  }, [state, ready, failed, key, name, change, announce, t]);

  function removeAll(): void {
    remove(key);
    void deleteFile(file.id).catch(() => undefined);
  }

  const count = new Intl.NumberFormat(i18n.language).format(characters);
  const text = {
    reading: t('files.reading'),
    ready: t(cut ? 'files.readyCut' : 'files.ready', { characters: count }),
    failed: problem ? t(`files.problem.${problem}`) : '',
  }[state];
  return (
    <Chip name={name} state={text} working={state === 'reading'} failed={state === 'failed'} onRemove={removeAll} />
  );
}

interface ChipProps {
  name: string;
  state: string;
  working?: boolean;
  failed: boolean;
  onRemove: () => void;
}

function Chip({ name, state, working = true, failed, onRemove }: ChipProps) {
  const { t } = useTranslation();
  const Icon = failed ? CircleAlert : working ? LoaderCircle : FileText;
  return (
    <span
      className={classNames(
        'flex max-w-full items-center gap-2.5 rounded-xl border py-1.5 pr-1 pl-3 text-sm',
        failed ? 'border-danger bg-danger-soft text-danger' : 'border-line bg-sunken',
      )}
    >
      <Icon
        size={17}
        className={classNames('shrink-0', !failed && 'text-accent', !failed && working && 'animate-spin')}
        aria-hidden
      />
      <span className="min-w-0">
        <span className="block truncate font-medium">{name}</span>
        <span className={classNames('block text-xs leading-snug', !failed && 'text-muted')}>{state}</span>
      </span>
      <IconButton label={t('files.remove', { name })} size="small" side="top" onClick={onRemove}>
        <X size={15} aria-hidden />
      </IconButton>
    </span>
  );
}

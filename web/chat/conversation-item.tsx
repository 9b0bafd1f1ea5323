import type { Conversation } from '@parley/contracts';
import { Link, useMatchRoute, useNavigate } from '@tanstack/react-router';
import { Download, Ellipsis, Link2, Pencil, Pin, PinOff, Trash2 } from 'lucide-react';
import { type KeyboardEvent, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { usePinConversation } from '../api/library.ts';
import { useDeleteConversation, useRenameConversation } from '../api/mutations.ts';
import { IconButton } from '../ui/button.tsx';
import { classNames } from '../ui/class-names.ts';
import { Confirmation } from '../ui/dialog.tsx';
import { Menu, MenuItem } from '../ui/menu.tsx';
import { focusComposer } from './composer.tsx';
import { errorText } from './error-text.ts';
import { ShareDialog } from './share-dialog.tsx';
import { useAnswerStreams, useIsAnswering } from './streams-context.tsx';

interface ConversationItemProps {
  conversation: Conversation;
  onChosen: () => void;
}

export function ConversationItem({ conversation, onChosen }: ConversationItemProps) {
  const { t } = useTranslation();
  const streams = useAnswerStreams();
  const navigate = useNavigate();
  const rename = useRenameConversation();
  const pin = usePinConversation();
  const remove = useDeleteConversation(leave);
  const answering = useIsAnswering(conversation.id);
  const current = useMatchRoute()({ to: '/chat/$conversationId', params: { conversationId: conversation.id } });
  const [renaming, setRenaming] = useState(false);
  const [confirming, setConfirming] = useState(false);
  const [sharing, setSharing] = useState(false);
  const link = useRef<HTMLAnchorElement>(null);
  const title = conversation.title || t('sidebar.untitled');

  function finishRenaming(next: string | null): void {
    setRenaming(false);
    const changed = next?.trim();
    if (changed && changed !== conversation.title) rename.mutate({ conversation, title: changed });
    requestAnimationFrame(() => link.current?.focus());
  }

  async function leave(): Promise<void> {
    streams.abandon(conversation.id);
    if (current) await navigate({ to: '/' });
    else focusComposer();
  }

  if (renaming) return <RenameField title={title} onFinish={finishRenaming} />;
  return (
    <li className="group/item relative">
      <Link
        ref={link}
        to="/chat/$conversationId"
        params={{ conversationId: conversation.id }}
        onClick={onChosen}
        title={title}
        className={classNames(
          'flex min-h-9 items-center rounded-lg pr-10 pl-3 text-sm transition-colors pointer-coarse:min-h-11',
          current ? 'bg-bubble font-medium' : 'hover:bg-hover',
        )}
      >
        <span className="truncate">{title}</span>
        {answering && (
          <span className="ml-2 size-2 shrink-0 animate-pulse rounded-full bg-accent">
            <span className="sr-only">{t('sidebar.answering')}</span>
          </span>
        )}
      </Link>
      <Menu
        trigger={
          <IconButton
            label={t('sidebar.actions', { title })}
            size="small"
            side="right"
            className={classNames(
              'absolute top-1/2 right-1 -translate-y-1/2',
              !current &&
                'not-pointer-coarse:opacity-0 group-focus-within/item:opacity-100 group-hover/item:opacity-100 data-[state=open]:opacity-100',
            )}
          >
            <Ellipsis size={16} aria-hidden />
          </IconButton>
        }
      >
        <MenuItem onSelect={() => setTimeout(() => setRenaming(true))}>
          <Pencil size={16} aria-hidden /> {t('sidebar.rename')}
        </MenuItem>
        <MenuItem onSelect={() => pin.mutate({ conversation, pinned: !conversation.pinned })}>
          {conversation.pinned ? (
            <>
              <PinOff size={16} aria-hidden /> {t('pin.unpin')}
            </>
          ) : (
            <>
              <Pin size={16} aria-hidden /> {t('pin.pin')}
            </>
          )}
        </MenuItem>
        <MenuItem onSelect={() => setSharing(true)}>
          <Link2 size={16} aria-hidden /> {t('share.action')}
        </MenuItem>
        <MenuItem onSelect={() => location.assign(`/api/conversations/${conversation.id}/export`)}>
          <Download size={16} aria-hidden /> {t('transfer.exportOne')}
        </MenuItem>
        <MenuItem className="text-danger" onSelect={() => setConfirming(true)}>
          <Trash2 size={16} aria-hidden /> {t('sidebar.delete')}
        </MenuItem>
      </Menu>
      {remove.error && (
        <p role="alert" className="px-3 py-1 text-xs text-danger">
          {t('sidebar.deleteFailed', { reason: errorText(t, remove.error) })}
        </p>
      )}
      {sharing && <ShareDialog conversation={conversation} onClose={() => setSharing(false)} returnFocus={link} />}
      <Confirmation
        open={confirming}
        onOpenChange={setConfirming}
        title={t('sidebar.deleteTitle')}
        text={t('sidebar.deleteText', { title })}
        action={t('sidebar.delete')}
        onConfirm={() => remove.mutate(conversation.id)}
        returnFocus={link}
      />
    </li>
  );
}

/** Enter and leaving the field keep the title, Escape gives it up (`onFinish(null)`). */
function RenameField({ title, onFinish }: { title: string; onFinish: (title: string | null) => void }) {
  const { t } = useTranslation();
  const finished = useRef(false);

  function finish(next: string | null): void {
    if (finished.current) return;
    finished.current = true;
    onFinish(next);
  }

  function handleKey(event: KeyboardEvent<HTMLInputElement>): void {
    if (event.nativeEvent.isComposing || event.keyCode === 229) return;
    if (event.key === 'Enter') finish(event.currentTarget.value);
    if (event.key === 'Escape') finish(null);
  }

  return (
    <li>
      <input
        ref={(field) => {
          if (field && document.activeElement !== field) {
            field.focus();
            field.select();
          }
        }}
        defaultValue={title}
        maxLength={200}
        aria-label={t('sidebar.renameLabel')}
        onKeyDown={handleKey}
        onBlur={(event) => finish(event.currentTarget.value)}
        className="h-9 w-full rounded-lg bg-surface px-3 text-base ring-2 ring-accent outline-none ring-inset sm:text-sm pointer-coarse:h-11"
      />
    </li>
  );
}

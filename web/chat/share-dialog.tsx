/** Makes, shows and revokes the read-only links of a conversation. */
import type { Conversation, Share } from '@parley/contracts';
import { useQuery } from '@tanstack/react-query';
import { Link2, Trash2 } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { useTimeText } from '../account/time-text.ts';
import { sharesQuery, useRevokeShare, useShare } from '../api/library.ts';
import { messagesQuery } from '../api/queries.ts';
import { Button, IconButton } from '../ui/button.tsx';
import { CopyButton } from '../ui/copy-button.tsx';
import { Modal } from '../ui/modal.tsx';
import { Notice } from '../ui/notice.tsx';
import { errorText } from './error-text.ts';
import { lastShownMessage } from './shown-branches.ts';

interface ShareDialogProps {
  conversation: Conversation;
  onClose: () => void;
  returnFocus: React.RefObject<HTMLElement | null>;
}

export function ShareDialog({ conversation, onClose, returnFocus }: ShareDialogProps) {
  const { t } = useTranslation();
  const { id } = conversation;
  const { data: messages } = useQuery(messagesQuery(id));
  const { data: shares, error } = useQuery(sharesQuery(id));
  const share = useShare(id);
  const revoke = useRevokeShare(id);
  const leaf = messages && lastShownMessage(id, messages);
  const failure = error ?? share.error ?? revoke.error;
  return (
    <Modal title={t('share.title')} description={t('share.description')} onClose={onClose} returnFocus={returnFocus}>
      {failure && (
        <div className="mt-4">
          <Notice tone="danger">{errorText(t, failure)}</Notice>
        </div>
      )}
      <Button
        shape="primary"
        className="mt-5"
        disabled={!leaf || share.isPending}
        onClick={() => leaf && share.mutate(leaf.id)}
      >
        <Link2 size={16} aria-hidden /> {t('share.create')}
      </Button>
      {shares && shares.length > 0 && (
        <>
          <h3 className="mt-6 text-sm font-medium">{t('share.links')}</h3>
          <ul className="mt-2 max-h-60 divide-y divide-line overflow-y-auto rounded-xl border border-line">
            {shares.map((one) => (
              <li key={one.id}>
                <ShareLine share={one} onRevoke={() => revoke.mutate(one.id)} />
              </li>
            ))}
          </ul>
        </>
      )}
    </Modal>
  );
}

function ShareLine({ share, onRevoke }: { share: Share; onRevoke: () => void }) {
  const { t } = useTranslation();
  const timeText = useTimeText();
  const url = `${location.origin}/share/${share.token}`;
  const when = timeText(share.createdAt);
  return (
    <div className="flex items-center gap-1 py-1.5 pr-1.5 pl-3.5">
      <div className="min-w-0 grow">
        <a
          href={url}
          target="_blank"
          rel="noopener"
          className="block truncate rounded-sm py-0.5 text-sm text-accent underline underline-offset-3"
        >
          {url}
        </a>
        <p className="text-xs text-muted">{t('share.line', { when, count: share.messages })}</p>
      </div>
      <CopyButton label={t('share.copy')} text={() => url} />
      <IconButton label={t('share.revoke')} size="small" onClick={onRevoke}>
        <Trash2 size={16} aria-hidden />
      </IconButton>
    </div>
  );
}

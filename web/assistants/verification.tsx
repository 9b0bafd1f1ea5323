/** "Check against the documents": each claim of an answer with what was found about it, and how far that goes. */
import type { Claim, Message } from '@parley/contracts';
import { useMutation } from '@tanstack/react-query';
import { CircleCheck, CircleHelp, SearchCheck, TriangleAlert } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { errorText } from '../chat/error-text.ts';
import { useAnnounce } from '../ui/announcer.tsx';
import { Button } from '../ui/button.tsx';
import { Notice } from '../ui/notice.tsx';
import { verifyAnswer } from './api.ts';

type Passage = NonNullable<Claim['passage']>;

interface VerificationProps {
  message: Message;
  onOpen: (passage: Passage) => void;
}

export function Verification({ message, onOpen }: VerificationProps) {
  const { t } = useTranslation();
  const announce = useAnnounce();
  const verifying = useMutation({
    mutationFn: () => verifyAnswer(message.id),
    onSuccess: (claims) => announce(t('verify.done', { count: claims.length })),
  });
  const claims = verifying.data?.filter(({ verdict }) => verdict !== 'none');
  if (!claims) {
    return (
      <div className="mt-2.5 flex flex-col items-start gap-2">
        <Button disabled={verifying.isPending} onClick={() => verifying.mutate()}>
          <SearchCheck size={15} aria-hidden /> {t('verify.action')}
        </Button>
        {verifying.error && <Notice tone="danger">{errorText(t, verifying.error)}</Notice>}
      </div>
    );
  }
  return (
    <section aria-label={t('verify.label')} className="mt-3 rounded-2xl border border-line bg-surface p-4 text-sm">
      <p className="leading-relaxed text-pretty text-muted">{t('verify.about')}</p>
      {claims.length === 0 && <p className="mt-3">{t('verify.nothing')}</p>}
      <ul className="mt-3 flex flex-col gap-3">
        {claims.map((claim, index) => (
          // Sentences may repeat, and never change their order.
          <ClaimItem key={index} claim={claim} onOpen={onOpen} />
        ))}
      </ul>
    </section>
  );
}

const looks = {
  supported: { Icon: CircleCheck, color: 'text-accent' },
  numbers: { Icon: TriangleAlert, color: 'text-danger' },
  notFound: { Icon: CircleHelp, color: 'text-amber' },
  none: { Icon: CircleHelp, color: 'text-muted' },
};

function ClaimItem({ claim, onOpen }: { claim: Claim; onOpen: (passage: Passage) => void }) {
  const { t } = useTranslation();
  const { verdict, text, passage } = claim;
  const { Icon, color } = looks[verdict];
  return (
    <li className="flex items-start gap-2.5">
      <Icon size={17} className={`mt-0.5 shrink-0 ${color}`} aria-hidden />
      <div className="min-w-0">
        <p className="wrap-anywhere">{text}</p>
        <p className={color}>
          {t(`verify.${verdict}`)}{' '}
          {passage && (
            <button type="button" onClick={() => onOpen(passage)} className="underline hover:no-underline">
              {passage.documentName}
            </button>
          )}
        </p>
      </div>
    </li>
  );
}

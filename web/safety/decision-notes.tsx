/** A quiet line below a message for what the filters did to it, with the way to object. */
import type { Decision, Message } from '@parley/contracts';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { ShieldCheck } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { conversationDecisionsQuery } from './api.ts';
import { ruleText } from './rule-text.ts';

export function DecisionNotes({ message }: { message: Message }) {
  const { t } = useTranslation();
  const query = conversationDecisionsQuery(message.conversationId);
  // Asked again when an answer is done: decisions come while it is written.
  const { data } = useQuery({ ...query, queryKey: [...query.queryKey, message.status] });
  const decisions = (data ?? []).filter(({ messageId }) => messageId === message.id);
  if (decisions.length === 0) return null;
  return (
    <p className="mt-2.5 flex items-start gap-2 text-sm text-muted">
      <ShieldCheck size={15} className="mt-[0.2em] shrink-0" aria-hidden />
      <span>
        {oncePerRule(decisions)
          .map(({ action, rule }) => t(`safety.did.${action}`, { rule: ruleText(t, rule) }))
          .join(' ')}{' '}
        <Link to="/decisions" className="underline hover:text-ink">
          {t('safety.object')}
        </Link>
      </span>
    </p>
  );
}

function oncePerRule(decisions: readonly Decision[]): Decision[] {
  return [...new Map(decisions.map((decision) => [`${decision.action} ${decision.rule}`, decision])).values()];
}

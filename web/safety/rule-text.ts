import { type Decision, personalDataKinds } from '@parley/contracts';
import type { TFunction } from 'i18next';

/** The name of a rule in the person's language; word lists have the name that an administrator gave them. */
export function ruleText(t: TFunction, rule: Decision['rule']): string {
  if (rule === 'language' || rule === 'repetition') return t(`safety.rule.${rule}`);
  const kind = personalDataKinds.find((known) => rule === `personal-data:${known}`);
  if (kind) return t(`safety.rule.${kind}`);
  return t('safety.rule.words', { name: rule.replace(/^words:/, '') });
}

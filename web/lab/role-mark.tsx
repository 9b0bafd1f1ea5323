import type { LabModel } from '@parley/contracts';
import { useTranslation } from 'react-i18next';

/** Says that a model answers people; nothing for one that does not. */
export function RoleMark({ role }: { role: LabModel['role'] }) {
  const { t } = useTranslation();
  if (role === 'none') return null;
  return (
    <span className="inline-flex rounded-full bg-accent-soft px-2.5 py-0.5 text-xs font-medium text-accent">
      {t(`modelRole.${role}`)}
    </span>
  );
}

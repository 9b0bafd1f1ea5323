import { CircleAlert, Info } from 'lucide-react';
import type { ReactNode } from 'react';
import { classNames } from './class-names.ts';

const tones = {
  info: 'bg-sunken text-muted',
  warning: 'bg-amber-soft text-amber',
  danger: 'bg-danger-soft text-danger',
};

interface NoticeProps {
  tone: keyof typeof tones;
  /** What the person can do about it. */
  actions?: ReactNode;
  children: ReactNode;
}

/** A calm line that says what happened. Failures are read out at once. */
export function Notice({ tone, actions, children }: NoticeProps) {
  const Icon = tone === 'info' ? Info : CircleAlert;
  return (
    <div
      role={tone === 'danger' ? 'alert' : undefined}
      className={classNames('flex flex-wrap items-center gap-x-3 gap-y-2 rounded-xl px-3.5 py-2 text-sm', tones[tone])}
    >
      <span className="flex min-w-0 grow basis-44 items-start gap-2.5 leading-relaxed">
        <Icon size={16} className="mt-[0.2em] shrink-0" aria-hidden />
        <span className="wrap-anywhere">{children}</span>
      </span>
      {actions && <span className="flex gap-2">{actions}</span>}
    </div>
  );
}

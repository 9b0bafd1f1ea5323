import type { ReactNode } from 'react';
import { usePageTitle } from './page-title.ts';

interface SettingsPageProps {
  title: string;
  /** What the page shows of its subject now, e.g. the chosen tab: stands before the title in the browser's own. */
  part?: string;
  children: ReactNode;
}

/** A page that is read from top to bottom: a heading and sections, as wide as a text is read well. */
export function SettingsPage({ title, part, children }: SettingsPageProps) {
  usePageTitle(part, title);
  return (
    <div className="h-full overflow-y-auto">
      <div className="mx-auto w-full max-w-3xl px-4 pt-4 pb-20 sm:px-6">
        <h1 className="font-serif text-3xl leading-tight tracking-tight">{title}</h1>
        {children}
      </div>
    </div>
  );
}

interface SectionProps {
  title: string;
  description?: ReactNode;
  children: ReactNode;
}

export function Section({ title, description, children }: SectionProps) {
  return (
    <section className="mt-8 border-t border-line pt-6">
      <h2 className="font-serif text-xl">{title}</h2>
      {description && <p className="mt-1.5 max-w-2xl text-sm leading-relaxed text-pretty text-muted">{description}</p>}
      <div className="mt-4">{children}</div>
    </section>
  );
}

/** The administrators' Lab: what surrounds its pages. */
import { Link, Outlet, useLocation } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { usePageTitle } from '../ui/page-title.ts';

/** `pages`: the addresses below the Lab that belong to a tab. */
const tabs = [
  { to: '/lab', text: 'lab.runs', pages: /^\/lab(\/(new|runs\/.*))?\/?$/ },
  { to: '/lab/models', text: 'lab.models', pages: /^\/lab\/models/ },
  { to: '/lab/comparisons', text: 'lab.comparisons', pages: /^\/lab\/comparisons/ },
] as const;

export function LabPage() {
  const { t } = useTranslation();
  const { pathname } = useLocation();
  return (
    <div className="h-full overflow-y-auto">
      <div className="mx-auto w-full max-w-5xl px-4 pt-4 pb-20 sm:px-6">
        <h1 className="font-serif text-3xl leading-tight tracking-tight">{t('lab.title')}</h1>
        <nav aria-label={t('lab.title')} className="mt-5 flex gap-1 overflow-x-auto border-b border-line">
          {tabs.map(({ to, text, pages }) => (
            <Link
              key={to}
              to={to}
              activeOptions={{ exact: true }}
              aria-current={pages.test(pathname) ? 'page' : undefined}
              className="-mb-px flex min-h-10 shrink-0 items-center border-b-2 border-transparent px-3 text-sm font-medium text-muted hover:text-ink aria-[current=page]:border-accent aria-[current=page]:text-ink pointer-coarse:min-h-11"
            >
              {t(text)}
            </Link>
          ))}
        </nav>
        <Outlet />
      </div>
    </div>
  );
}

/** A page's own heading, with what can be done on it. */
export function Heading({ title, children }: { title: string; children?: ReactNode }) {
  const { t } = useTranslation();
  usePageTitle(title, t('lab.title'));
  return (
    <header className="mt-6 flex flex-wrap items-center justify-between gap-3">
      <h2 className="min-w-0 font-serif text-2xl wrap-anywhere">{title}</h2>
      {children && <div className="flex flex-wrap gap-2">{children}</div>}
    </header>
  );
}

/** Names and values, a line each. */
export function Facts({ facts }: { facts: readonly (readonly [string, ReactNode] | false | null)[] }) {
  return (
    <dl className="mt-4 grid grid-cols-[auto_1fr] gap-x-6 gap-y-1.5 text-sm max-sm:grid-cols-1 max-sm:gap-y-0.5">
      {facts
        .filter((fact) => fact !== false && fact !== null)
        .map(([name, value]) => (
          <div key={name} className="contents">
            <dt className="text-muted max-sm:mt-1.5">{name}</dt>
            <dd className="min-w-0 wrap-anywhere">{value}</dd>
          </div>
        ))}
    </dl>
  );
}

import type { FormEvent, ReactNode } from 'react';
import { Logo } from '../ui/logo.tsx';
import { usePageTitle } from '../ui/page-title.ts';
import { LanguageMenu, ThemeMenu } from './preferences.tsx';

interface DoorProps {
  title: string;
  description: string;
  onSubmit: () => void;
  children: ReactNode;
}

/** The page before one is inside: one form in the middle. */
export function Door({ title, description, onSubmit, children }: DoorProps) {
  usePageTitle(title);
  function submit(event: FormEvent): void {
    event.preventDefault();
    onSubmit();
  }
  return (
    <div className="flex min-h-dvh flex-col">
      <header className="flex justify-end gap-1 p-2.5">
        <LanguageMenu />
        <ThemeMenu />
      </header>
      <main className="mx-auto w-full max-w-sm px-5 pt-[8vh] pb-16">
        <Logo size={44} />
        <h1 className="mt-5 font-serif text-3xl leading-tight tracking-tight">{title}</h1>
        <p className="mt-2.5 leading-relaxed text-pretty text-muted">{description}</p>
        <form onSubmit={submit} className="mt-7 flex flex-col gap-5">
          {children}
        </form>
      </main>
    </div>
  );
}

/** What a read-only link shows, to anybody who has it: the branch as it was, and nothing of the rest. */
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { sharedQuery } from '../api/library.ts';
import { RequestError } from '../api/request.ts';
import { Logo } from '../ui/logo.tsx';
import { usePageTitle } from '../ui/page-title.ts';
import { errorText } from './error-text.ts';
import { Markdown } from './markdown.tsx';
import { Bubble } from './question.tsx';

/** A default export because it is loaded lazily. */
export default function SharedPage({ token }: { token: string }) {
  const { t, i18n } = useTranslation();
  const { data: shared, error } = useQuery(sharedQuery(token));
  const title = shared?.title || t('share.untitled');
  usePageTitle(shared && title);

  if (!shared) {
    if (!error) return null;
    const gone = error instanceof RequestError && error.status === 404;
    return (
      <main className="flex h-dvh flex-col items-center justify-center gap-4 p-6 text-center">
        <Logo size={40} />
        <h1 className="text-muted">{gone ? t('share.gone') : errorText(t, error)}</h1>
      </main>
    );
  }
  const when = new Intl.DateTimeFormat(i18n.language, { dateStyle: 'long' }).format(shared.createdAt);
  return (
    <main className="h-dvh overflow-y-auto">
      <div className="mx-auto flex w-full max-w-3xl flex-col gap-8 px-4 py-8 sm:px-6">
        <header className="border-b border-line pb-6">
          <p className="flex items-center gap-2.5 font-serif text-lg font-semibold">
            <Logo size={24} /> Parley
          </p>
          <h1 className="mt-5 font-serif text-3xl leading-tight tracking-tight wrap-anywhere text-balance">{title}</h1>
          <p className="mt-2 text-sm text-muted">{t('share.about', { when })}</p>
        </header>
        {shared.messages.map(({ id, role, content }) => (
          <div key={id} className="lazy-layout">
            {role === 'user' ? (
              <article className="flex flex-col items-end">
                <Bubble text={content} />
              </article>
            ) : (
              <article className="flex gap-4">
                <Logo size={26} className="mt-0.5 shrink-0 max-sm:hidden" />
                <div className="min-w-0 grow">
                  <h2 className="sr-only">{t('chat.parley')}</h2>
                  <Markdown text={content} />
                </div>
              </article>
            )}
          </div>
        ))}
      </div>
    </main>
  );
}

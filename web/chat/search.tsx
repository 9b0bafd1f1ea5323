/** Finds words in all conversations; the results take the place of the list while there are words. */
import type { SearchResult } from '@parley/contracts';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Search, X } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { searchQuery } from '../api/library.ts';
import { IconButton } from '../ui/button.tsx';
import { errorText } from './error-text.ts';
import { useSearchShortcut } from './shortcuts.ts';

const typingPauseMilliseconds = 180;

export function SearchField({ words, onChange }: { words: string; onChange: (words: string) => void }) {
  const { t } = useTranslation();
  const field = useRef<HTMLInputElement>(null);
  useSearchShortcut(() => field.current?.focus());
  return (
    <search className="relative block px-2.5 pb-1">
      <Search
        size={16}
        className="pointer-events-none absolute top-2.5 left-5.5 text-muted pointer-coarse:top-3.5"
        aria-hidden
      />
      <input
        ref={field}
        type="search"
        value={words}
        maxLength={200}
        placeholder={t('search.label')}
        aria-label={t('search.label')}
        aria-keyshortcuts="Control+K Meta+K"
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape' && !event.nativeEvent.isComposing && words !== '') {
            event.preventDefault();
            event.stopPropagation();
            onChange('');
          }
        }}
        className="h-9 w-full rounded-xl bg-transparent pr-9 pl-9 text-base outline-none placeholder:text-muted hover:bg-hover focus:bg-surface focus:ring-2 focus:ring-accent focus:ring-inset sm:text-sm pointer-coarse:h-11 [&::-webkit-search-cancel-button]:hidden"
      />
      {words !== '' && (
        <IconButton
          label={t('search.clear')}
          size="small"
          side="right"
          className="absolute top-0.5 right-3"
          onClick={() => {
            onChange('');
            field.current?.focus();
          }}
        >
          <X size={15} aria-hidden />
        </IconButton>
      )}
    </search>
  );
}

export function SearchResults({ words, onChosen }: { words: string; onChosen: () => void }) {
  const { t } = useTranslation();
  const settled = useAfterTyping(words.trim());
  const { data: results, error } = useQuery(searchQuery(settled));
  const status = error
    ? t('search.failed', { reason: errorText(t, error) })
    : results && t(results.length === 0 ? 'search.nothing' : 'search.found', { count: results.length });
  return (
    <>
      <p role="status" className="px-3 pt-4 pb-1.5 text-xs font-medium text-muted">
        {status}
      </p>
      <ul>
        {results?.map((result) => (
          <li key={`${result.conversationId} ${result.messageId}`}>
            <Result result={result} onChosen={onChosen} />
          </li>
        ))}
      </ul>
    </>
  );
}

function Result({ result, onChosen }: { result: SearchResult; onChosen: () => void }) {
  const { t, i18n } = useTranslation();
  const { conversationId, messageId, title, snippet, createdAt } = result;
  return (
    <Link
      to="/chat/$conversationId"
      params={{ conversationId }}
      hash={messageId ?? undefined}
      onClick={onChosen}
      className="block rounded-lg px-3 py-2 text-sm transition-colors hover:bg-hover"
    >
      <span className="flex items-baseline gap-2">
        <span className="grow truncate font-medium">{title || t('sidebar.untitled')}</span>
        <time dateTime={new Date(createdAt).toISOString()} className="shrink-0 text-xs text-muted">
          {new Intl.DateTimeFormat(i18n.language, { month: 'short', day: 'numeric' }).format(createdAt)}
        </time>
      </span>
      {messageId !== null && (
        <span className="mt-0.5 line-clamp-2 leading-snug wrap-anywhere text-muted">
          {snippet.map(({ text, found }, index) =>
            found ? (
              // A snippet never changes, so its parts keep their places.
              <mark key={index} className="rounded-xs bg-accent-soft text-ink">
                {text}
              </mark>
            ) : (
              text
            ),
          )}
        </span>
      )}
    </Link>
  );
}

/** The words once the typing has paused, so that not every letter is searched for. */
function useAfterTyping(words: string): string {
  const [settled, setSettled] = useState(words);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(words), typingPauseMilliseconds);
    return () => clearTimeout(timer);
  }, [words]);
  return settled;
}

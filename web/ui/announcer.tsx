/** One polite live region for the whole page: says to screen readers what sighted people notice by themselves. */
import { createContext, type ReactNode, useCallback, useContext, useState } from 'react';

const AnnounceContext = createContext<(text: string) => void>(() => undefined);

export function Announcer({ children }: { children: ReactNode }) {
  const [{ text, turn }, setAnnouncement] = useState({ text: '', turn: 0 });
  const announce = useCallback((next: string) => {
    setAnnouncement((last) => ({ text: next, turn: last.turn + 1 }));
  }, []);
  return (
    <AnnounceContext value={announce}>
      {children}
      <div role="status" aria-live="polite" className="sr-only">
        {/* A new element, so that the same words twice are said twice. */}
        <p key={turn}>{text}</p>
      </div>
    </AnnounceContext>
  );
}

/** Gives a function that has a text read out. */
export function useAnnounce(): (text: string) => void {
  return useContext(AnnounceContext);
}

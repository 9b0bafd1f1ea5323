/**
 * A search result leads to `/chat/…#message-id`: the branch with that message is shown, scrolled to it, and the
 * message glows for a moment.
 */
import type { Message } from '@parley/contracts';
import { useLocation } from '@tanstack/react-router';
import { useCallback, useEffect, useRef } from 'react';
import { type BranchChoices, choicesLeadingTo } from './tree.ts';

export function useFoundMessage(
  messages: readonly Message[] | undefined,
  setChoices: (choices: BranchChoices) => void,
): { found: string | null; showFound: (element: HTMLElement | null) => void } {
  const { hash, state } = useLocation();
  const found = messages?.some(({ id }) => id === hash) ? hash : null;
  const visit = found && `${found} ${state.__TSR_key}`;
  const led = useRef<string | null>(null);
  const shown = useRef<string | null>(null);

  useEffect(() => {
    if (!visit || !messages || led.current === visit) return;
    led.current = visit;
    setChoices(choicesLeadingTo(messages, visit.split(' ')[0]!));
  }, [visit, messages, setChoices]);

  const showFound = useCallback(
    (element: HTMLElement | null) => {
      if (!element || shown.current === visit) return;
      shown.current = visit;
      // What stands above is laid out only roughly until it has been seen, so the place settles in a few steps.
      let steps = 4;
      const scroll = () => {
        element.scrollIntoView({ block: 'start' });
        if (--steps > 0) requestAnimationFrame(scroll);
      };
      // After the conversation's own jump to its end.
      requestAnimationFrame(scroll);
      element.classList.add('found');
      element.addEventListener('animationend', () => element.classList.remove('found'), { once: true });
    },
    [visit],
  );
  return { found, showFound };
}

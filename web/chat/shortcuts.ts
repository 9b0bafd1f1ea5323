import { useEffect, useEffectEvent } from 'react';

/** Escape anywhere, unless an open dialog, menu or text field wants it for itself. */
export function useEscape(active: boolean, onEscape: () => void): void {
  const handle = useEffectEvent((event: KeyboardEvent) => {
    if (event.key !== 'Escape' || event.isComposing || event.target instanceof HTMLInputElement) return;
    if (document.querySelector('[role="dialog"], [role="alertdialog"], [role="menu"]')) return;
    event.preventDefault();
    onEscape();
  });
  useEffect(() => {
    if (!active) return;
    // In the capture phase, before an open tooltip takes the key to close itself.
    addEventListener('keydown', handle, { capture: true });
    return () => removeEventListener('keydown', handle, { capture: true });
  }, [active]);
}

/** Ctrl+Shift+O, or Cmd on a Mac: a new chat. */
export function useNewChatShortcut(onNewChat: () => void): void {
  useShortcut('o', true, onNewChat);
}

/** Ctrl+K, or Cmd on a Mac. */
export function useSearchShortcut(onSearch: () => void): void {
  useShortcut('k', false, onSearch);
}

function useShortcut(key: string, shift: boolean, onPress: () => void): void {
  const handle = useEffectEvent((event: KeyboardEvent) => {
    if (!(event.ctrlKey || event.metaKey) || event.shiftKey !== shift || event.key.toLowerCase() !== key) return;
    event.preventDefault();
    onPress();
  });
  useEffect(() => {
    addEventListener('keydown', handle);
    return () => removeEventListener('keydown', handle);
  }, []);
}

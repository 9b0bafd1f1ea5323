/** Light, dark or as the system says. public/theme.js sets the first theme before React is there. */
import { useSyncExternalStore } from 'react';

const themes = ['system', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

const storageKey = 'parley.theme';
const canvas = { light: '#fbfaf7', dark: '#191b1a' };
const systemIsDark = matchMedia('(prefers-color-scheme: dark)');
const listeners = new Set<() => void>();

function chosenTheme(): Theme {
  const stored = localStorage.getItem(storageKey);
  return themes.find((theme) => theme === stored) ?? 'system';
}

function applyTheme(): void {
  const choice = chosenTheme();
  const shown = choice === 'system' ? (systemIsDark.matches ? 'dark' : 'light') : choice;
  document.documentElement.dataset.theme = shown;
  document.querySelector('meta[name="theme-color"]')?.setAttribute('content', canvas[shown]);
  for (const listener of listeners) listener();
}

/** Follows the system and other tabs from now on. */
export function startTheme(): void {
  applyTheme();
  systemIsDark.addEventListener('change', applyTheme);
  addEventListener('storage', ({ key }) => {
    if (key === storageKey) applyTheme();
  });
}

export function useTheme(): [Theme, (theme: Theme) => void] {
  const theme = useSyncExternalStore(subscribe, chosenTheme);
  return [theme, setTheme];
}

/** What is shown now, whoever chose it: for what is drawn in colours that styles do not reach. */
export function useShownTheme(): string | undefined {
  return useSyncExternalStore(subscribe, () => document.documentElement.dataset.theme);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function setTheme(theme: Theme): void {
  localStorage.setItem(storageKey, theme);
  applyTheme();
}

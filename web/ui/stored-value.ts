/** A setting that lives in localStorage as JSON and tells every component that shows it when it changes. */
import { useSyncExternalStore } from 'react';

export interface StoredValue<Value> {
  get(): Value;
  set(value: Value): void;
  /** The React hook: the value, kept current. */
  use(): Value;
}

/** @param read turns what was stored (undefined if nothing, or if unreadable) into a sound value */
export function storedValue<Value>(key: string, read: (stored: unknown) => Value): StoredValue<Value> {
  const listeners = new Set<() => void>();
  let raw: string | null | undefined;
  let value: Value;

  function get(): Value {
    const now = localStorage.getItem(key);
    if (now !== raw) {
      raw = now;
      value = read(parseJson(now));
    }
    return value;
  }

  function set(next: Value): void {
    localStorage.setItem(key, JSON.stringify(next));
    for (const listener of listeners) listener();
  }

  function subscribe(listener: () => void): () => void {
    listeners.add(listener);
    addEventListener('storage', listener);
    return () => {
      listeners.delete(listener);
      removeEventListener('storage', listener);
    };
  }

  return { get, set, use: () => useSyncExternalStore(subscribe, get) };
}

function parseJson(text: string | null): unknown {
  try {
    return text === null ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Messages that were begun and not sent, one per conversation, kept until the tab is closed. */
export interface Draft {
  read(): string;
  write(text: string): void;
}

export function draftOf(conversationId: string | null): Draft {
  const key = `parley.draft.${conversationId ?? 'new'}`;
  return {
    read: () => sessionStorage.getItem(key) ?? '',
    write: (text) => {
      if (text === '') sessionStorage.removeItem(key);
      else sessionStorage.setItem(key, text);
    },
  };
}

import { createContext, useContext, useSyncExternalStore } from 'react';
import type { AnswerStreams, LiveAnswer } from './answer-streams.ts';

export const AnswerStreamsContext = createContext<AnswerStreams | null>(null);

export function useAnswerStreams(): AnswerStreams {
  const streams = useContext(AnswerStreamsContext);
  if (!streams) throw new Error('useAnswerStreams needs an AnswerStreamsContext above it.');
  return streams;
}

/** The conversation's live answer; renders again when its phase changes, not with every word of its text. */
export function useLiveAnswer(conversationId: string): LiveAnswer | null {
  const streams = useAnswerStreams();
  useSyncExternalStore(streams.subscribe, () => {
    const live = streams.get(conversationId);
    return live && `${live.phase} ${live.action.kind} ${live.answer?.id}`;
  });
  return streams.get(conversationId);
}

/** The text of an answer as it grows, or null if it is not being written. */
export function useLiveText(conversationId: string, answerId: string): string | null {
  const streams = useAnswerStreams();
  return useSyncExternalStore(streams.subscribe, () => {
    const live = streams.get(conversationId);
    return live?.answer?.id === answerId && live.phase !== 'failed' ? live.text : null;
  });
}

export function useIsAnswering(conversationId: string): boolean {
  const streams = useAnswerStreams();
  return useSyncExternalStore(streams.subscribe, () => streams.isBusy(conversationId));
}

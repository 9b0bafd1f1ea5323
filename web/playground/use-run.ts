import { useCallback, useEffect, useRef, useState } from 'react';
import type { ApiRequest } from './playground-state.ts';
import { type Piece, run, type ScoredToken } from './run.ts';

export interface Result {
  text: string;
  tokens: ScoredToken[];
  status: 'running' | 'finished' | 'stopped' | 'failed';
  finishReason: string | null;
  usage: Piece['usage'];
  /** From the request to the first text, and to the end; milliseconds. */
  firstTextAfter: number | null;
  lasted: number | null;
  error: Error | null;
}

const begun: Result = {
  text: '',
  tokens: [],
  status: 'running',
  finishReason: null,
  usage: null,
  firstTextAfter: null,
  lasted: null,
  error: null,
};

/** One request at a time; the last result stays until the next begins. */
export function useRun() {
  const [result, setResult] = useState<Result | null>(null);
  const abort = useRef<AbortController | null>(null);
  const stop = useCallback(() => abort.current?.abort(), []);
  useEffect(() => stop, [stop]);

  const start = useCallback(async (request: ApiRequest, scorePrompt: boolean): Promise<Result> => {
    abort.current?.abort();
    const own = new AbortController();
    abort.current = own;
    const startedAt = performance.now();
    let now = begun;
    const tokens: ScoredToken[] = [];
    let scheduled = false;
    /** Once a frame: a fast model writes more tokens than a screen has frames. */
    const show = (change: Partial<Result>) => {
      now = { ...now, ...change };
      if (scheduled) return;
      scheduled = true;
      requestAnimationFrame(() => {
        scheduled = false;
        // A request that was overtaken no longer speaks.
        if (abort.current === own) setResult({ ...now, tokens: [...tokens] });
      });
    };
    setResult(begun);
    try {
      for await (const { text, tokens: fresh, finishReason, usage } of run(request, scorePrompt, own.signal)) {
        const first = text !== '' && now.firstTextAfter === null;
        tokens.push(...fresh);
        show({
          text: now.text + text,
          finishReason: finishReason ?? now.finishReason,
          usage: usage ?? now.usage,
          ...(first && { firstTextAfter: performance.now() - startedAt }),
        });
      }
      show({ status: 'finished', lasted: performance.now() - startedAt });
    } catch (error) {
      const lasted = performance.now() - startedAt;
      if (own.signal.aborted) show({ status: 'stopped', lasted });
      else show({ status: 'failed', lasted, error: error as Error });
    }
    return now;
  }, []);

  return { result, start, stop };
}

/** Several answers in one stream, each as fast as it comes. */

type Step<Value, Result> = { index: number } & ({ value: Value } | { done: Result });

/** Interleaves the sources; each ends with a step that carries its result. The first error ends all. */
export async function* merge<Value, Result>(
  sources: AsyncGenerator<Value, Result>[],
): AsyncGenerator<Step<Value, Result>, void> {
  const advance = async (index: number) => ({ index, next: await sources[index]!.next() });
  const waiting = new Map(sources.map((_, index) => [index, advance(index)]));
  while (waiting.size > 0) {
    const { index, next } = await Promise.race(waiting.values());
    if (next.done) {
      waiting.delete(index);
      yield { index, done: next.value };
    } else {
      // Ask on only after this piece was taken, so that a slow reader gets fewer, larger pieces.
      yield { index, value: next.value };
      waiting.set(index, advance(index));
    }
  }
}

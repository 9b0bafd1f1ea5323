/**
 * Server-sent events over `fetch`. The browser's own EventSource cannot POST, so the page reads the response
 * body itself. Implements the parsing rules of the HTML standard (section 9.2.6, "Interpreting an event
 * stream") as far as Parley uses them: `data` and `id` fields, comments, and any of the three line endings;
 * `event` and `retry` are skipped.
 */

export interface ServerSentEvent {
  data: string;
  /** The last id that the stream gave; null before the first. */
  id: string | null;
}

/**
 * Yields each event of a UTF-8 stream, in order. Chunks may be cut anywhere: inside a line, between
 * `\r` and `\n`, inside a multi-byte character. An event that the stream's end cuts off is dropped, as the
 * standard demands. Leaving the loop early cancels the stream.
 */
export async function* readEvents(stream: ReadableStream<Uint8Array>): AsyncGenerator<ServerSentEvent, void> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  const lines = new LineSplitter();
  let data: string[] = [];
  let id: string | null = null;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      for (const line of lines.push(decoder.decode(value, { stream: true }))) {
        if (line === '') {
          if (data.length > 0) yield { data: data.join('\n'), id };
          data = [];
        } else if (line.startsWith('data:')) {
          data.push(line.slice(line[5] === ' ' ? 6 : 5));
        } else if (line.startsWith('id:')) {
          id = line.slice(line[3] === ' ' ? 4 : 3);
        }
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** Cuts text that arrives in pieces into lines ended by `\n`, `\r\n` or `\r`. */
class LineSplitter {
  #pending = '';
  #afterCarriageReturn = false;

  push(text: string): string[] {
    if (text === '') return [];
    // A '\r' at the end of the last piece already ended its line: a '\n' now belongs to it.
    const fresh = this.#afterCarriageReturn && text.startsWith('\n') ? text.slice(1) : text;
    this.#afterCarriageReturn = text.endsWith('\r');
    const lines = (this.#pending + fresh).split(/\r\n|\r|\n/);
    this.#pending = lines.pop() ?? '';
    return lines;
  }
}

/**
 * Text → token ids → text, for any byte-level BPE or character tokenizer in Hugging Face's `tokenizer.json`.
 *
 * Two rules hold throughout. Special tokens never come out of text: `encode('<|im_end|>')` gives the ids of
 * those ten characters, so that nobody can type the end of a turn; only {@link Tokenizer.renderChat} and an
 * explicit option place them. And decoding works on bytes: a token may end inside a character.
 */
import { createHash } from 'node:crypto';
import type { ChatMessage } from '@parley/contracts';
import { AddedTokenFinder } from './added-tokens.ts';
import { type ChatTemplate, parseChatTemplate, type RenderedChat, renderChat } from './chat.ts';
import { readTokenizerFiles, type TokenizerFiles, writeTokenizerFiles } from './files.ts';
import { parseTokenizer, type TokenizerModel } from './format.ts';

export interface StreamDecoder {
  /** The text that is certain once `id` has come: bytes of an unfinished character are held back. */
  push(id: number): string;
  /** The rest; an unfinished character becomes U+FFFD. The decoder can be used for a new stream afterwards. */
  end(): string;
}

export class Tokenizer {
  /** Number of ids: the highest one plus 1. */
  readonly vocabulary: number;
  /** SHA-256 of tokenizer.json, in hex. */
  readonly hash: string;
  /** Ids of the special tokens by their text, e.g. `special['<|im_end|>']`. */
  readonly special: Readonly<Record<string, number>>;

  private readonly files: TokenizerFiles;
  private readonly model: TokenizerModel;
  private readonly chatTemplate: ChatTemplate | null;
  private readonly plainTokens: AddedTokenFinder;
  private readonly specialTokens: AddedTokenFinder;
  private readonly allTokens: AddedTokenFinder;
  private readonly specialIds: ReadonlySet<number>;

  /** Use {@link Tokenizer.load}, {@link Tokenizer.fromJson}, `trainTokenizer` or `characterTokenizer`. */
  constructor(files: TokenizerFiles) {
    this.files = files;
    this.model = parseTokenizer(files['tokenizer.json']);
    this.chatTemplate = parseChatTemplate(files['tokenizer_config.json'], files['chat_template.jinja']);
    this.vocabulary = this.model.tokens.length;
    this.hash = createHash('sha256').update(files['tokenizer.json']).digest('hex');
    const special = this.model.added.filter((token) => token.special);
    this.special = Object.fromEntries(special.map((token) => [token.content, token.id]));
    this.specialIds = new Set(special.map((token) => token.id));
    this.plainTokens = new AddedTokenFinder(this.model.added.filter((token) => !token.special));
    this.specialTokens = new AddedTokenFinder(special);
    this.allTokens = new AddedTokenFinder(this.model.added);
  }

  /**
   * Reads a folder with tokenizer.json and, if they are there, tokenizer_config.json and its companions.
   * @throws Error naming the file that is missing, corrupt or not supported
   */
  static load(folder: string): Tokenizer {
    const files = readTokenizerFiles(folder);
    try {
      return new Tokenizer(files);
    } catch (error) {
      throw new Error(`cannot load the tokenizer in ${folder}: ${(error as Error).message}`, { cause: error });
    }
  }

  /** From the text of a tokenizer.json and optionally a tokenizer_config.json. */
  static fromJson(json: string, config?: string): Tokenizer {
    return new Tokenizer({ 'tokenizer.json': json, ...(config !== undefined && { 'tokenizer_config.json': config }) });
  }

  /** Writes the folder's tokenizer files, each atomically. A loaded tokenizer is written back byte for byte. */
  save(folder: string): void {
    writeTokenizerFiles(folder, this.files);
  }

  /**
   * Token ids of a text. No tokens are put before or after it. Lone surrogates count as U+FFFD.
   * @param options.special read special tokens in the text as such; only for text that nobody outside wrote
   */
  encode(text: string, options: { special?: boolean } = {}): number[] {
    const parts = (options.special ? this.allTokens : this.plainTokens).cut(text);
    const encoded = parts.map((part) => (typeof part === 'string' ? this.model.encodeText(part) : [part]));
    return encoded.length === 1 ? encoded[0]! : encoded.flat();
  }

  /** Token ids of bytes that need not be UTF-8: valid stretches as by {@link encode}, every other byte as its own token. */
  encodeBytes(bytes: Uint8Array): number[] {
    const { byteIds } = this.model;
    if (byteIds === null) throw new Error('encodeBytes: this tokenizer has one token per character and none for bytes');
    const ids: number[] = [];
    for (const part of validAndInvalid(bytes)) {
      if (typeof part === 'string') for (const id of this.encode(part)) ids.push(id);
      else for (const byte of part) if (byteIds[byte]! >= 0) ids.push(byteIds[byte]!);
    }
    return ids;
  }

  /**
   * The text of some ids; bytes that are not UTF-8 become U+FFFD.
   * @param options.special write special tokens out instead of leaving them away
   * @throws RangeError for an id outside the vocabulary
   */
  decode(ids: ArrayLike<number>, options: { special?: boolean } = {}): string {
    const bytes = this.decodeBytes(ids, options);
    return Buffer.from(bytes.buffer).toString('utf8');
  }

  /** The bytes of some ids, exactly. */
  decodeBytes(ids: ArrayLike<number>, options: { special?: boolean } = {}): Uint8Array {
    const isWritten = (id: number) => options.special || !this.specialIds.has(id);
    let size = 0;
    for (let i = 0; i < ids.length; i++) if (isWritten(ids[i]!)) size += this.bytesOf(ids[i]!).length;
    const bytes = new Uint8Array(size);
    let at = 0;
    for (let i = 0; i < ids.length; i++) {
      if (!isWritten(ids[i]!)) continue;
      const token = this.bytesOf(ids[i]!);
      // Tokens are a few bytes long: a loop beats set().
      for (let j = 0; j < token.length; j++) bytes[at++] = token[j]!;
    }
    return bytes;
  }

  /** Decodes ids one by one, as they are generated; the pieces joined equal {@link decode} of all ids. */
  streamDecoder(): StreamDecoder {
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    return {
      push: (id) => (this.specialIds.has(id) ? '' : decoder.decode(this.bytesOf(id), { stream: true })),
      end: () => decoder.decode(),
    };
  }

  /**
   * Token ids of a conversation by the tokenizer's chat template, ChatML for Parley's own.
   * @param options.open end with the header of an assistant turn, for the model to go on
   */
  renderChat(messages: readonly ChatMessage[], options: { open?: boolean } = {}): RenderedChat {
    return renderChat(this, this.chatTemplate, messages, options.open ?? false);
  }

  /** A text cut at the special tokens in it, which become their ids: what a chat template's own text needs. */
  cutAtSpecialTokens(text: string): (string | number)[] {
    return this.specialTokens.cut(text);
  }

  private bytesOf(id: number): Uint8Array {
    const bytes = this.model.tokens[id];
    if (bytes === undefined) {
      throw new RangeError(
        `token id ${id} is not in the vocabulary of ${this.vocabulary} tokens: the ids come from another tokenizer`,
      );
    }
    return bytes;
  }
}

/** Cuts bytes into maximal stretches of valid UTF-8 (as text) and of bytes that are not part of any character. */
function* validAndInvalid(bytes: Uint8Array): Generator<string | Uint8Array> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let validFrom = 0;
  let at = 0;
  while (at < bytes.length) {
    const length = characterLength(bytes, at);
    if (length > 0) {
      at += length;
      continue;
    }
    if (at > validFrom) yield buffer.toString('utf8', validFrom, at);
    const invalidFrom = at;
    while (at < bytes.length && characterLength(bytes, at) === 0) at++;
    yield bytes.subarray(invalidFrom, at);
    validFrom = at;
  }
  if (at > validFrom) yield buffer.toString('utf8', validFrom, at);
}

/** Length in bytes of the well-formed UTF-8 character at an offset, 0 if there is none (Unicode 16, table 3-7). */
function characterLength(bytes: Uint8Array, at: number): number {
  const lead = bytes[at]!;
  if (lead < 0x80) return 1;
  const length = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  if (length === 0 || at + length > bytes.length) return 0;
  const second = bytes[at + 1]!;
  const lowest = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const highest = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  if (second < lowest || second > highest) return 0;
  for (let i = 2; i < length; i++) if ((bytes[at + i]! & 0xc0) !== 0x80) return 0;
  return length;
}

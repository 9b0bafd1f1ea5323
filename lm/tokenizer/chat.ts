/**
 * Conversations → token ids, with the mask that says where fine-tuning takes its loss.
 *
 * What a person wrote must stay text even if it spells `<|im_end|>`, and yet the ids must be those that the
 * Jinja template gives. So the rendered text is handled as fragments: the template's own text, in which special
 * tokens are read, and message contents, in which they are not. Fragments that meet without a special token
 * between them are encoded together, because a word may reach across (`assistant\n` + `\nHi` has one `\n\n`).
 */
import { Template } from '@huggingface/jinja';
import type { ChatMessage } from '@parley/contracts';
import { CHAT_TEMPLATE, END_OF_TURN, START_OF_TURN } from './chatml.ts';

export interface RenderedChat {
  ids: number[];
  /** True where loss is taken: an assistant's content and the special token that ends its turn. */
  assistant: boolean[];
}

/** The part of a tokenizer that rendering needs. */
interface TokenCutter {
  readonly special: Readonly<Record<string, number>>;
  encode(text: string): number[];
  decodeBytes(ids: ArrayLike<number>, options: { special: boolean }): Uint8Array;
  cutAtSpecialTokens(text: string): (string | number)[];
}

type Fragment =
  | { kind: 'special'; id: number; afterAssistant: boolean }
  | { kind: 'text'; text: string; assistant: boolean };

export interface ChatTemplate {
  /** Null for ChatML, which is rendered without Jinja. */
  jinja: Template | null;
  /** bos_token and the like, which templates write out. */
  variables: Record<string, string>;
}

/**
 * @param config text of tokenizer_config.json
 * @param file text of chat_template.jinja, which goes before the template in the config
 * @returns null if there is no template
 * @throws Error for a config that is not JSON or a template that is not Jinja
 */
export function parseChatTemplate(config: string | undefined, file: string | undefined): ChatTemplate | null {
  let json: Record<string, unknown>;
  try {
    json = JSON.parse(config ?? '{}');
  } catch (error) {
    throw new Error(`tokenizer_config.json is corrupt: it is not complete JSON (${(error as Error).message})`);
  }
  const named = json.chat_template as string | { name: string; template: string }[] | undefined;
  const source = file ?? (Array.isArray(named) ? named.find(({ name }) => name === 'default')?.template : named);
  if (!source) return null;
  const variables: Record<string, string> = {};
  for (const name of ['bos_token', 'eos_token', 'pad_token', 'unk_token']) {
    const token = json[name] as string | { content: string } | null | undefined;
    if (token) variables[name] = typeof token === 'string' ? token : token.content;
  }
  try {
    return { jinja: source === CHAT_TEMPLATE ? null : new Template(source), variables };
  } catch (error) {
    throw new Error(`the chat template is not valid Jinja: ${(error as Error).message}`);
  }
}

/** @throws Error if there is no chat template, or one that cannot be followed */
export function renderChat(
  tokenizer: TokenCutter,
  template: ChatTemplate | null,
  messages: readonly ChatMessage[],
  open: boolean,
): RenderedChat {
  if (template === null) {
    throw new Error(
      'the tokenizer has no chat template, so it cannot hold a conversation: use a model with a chat_template ' +
        'in tokenizer_config.json, or a tokenizer trained by `parley tokenizer train`',
    );
  }
  const fragments =
    template.jinja === null
      ? renderChatml(tokenizer, messages, open)
      : renderTemplate(tokenizer, template.jinja, template.variables, messages, open);
  return encodeFragments(tokenizer, fragments);
}

function renderChatml(tokenizer: TokenCutter, messages: readonly ChatMessage[], open: boolean): Fragment[] {
  const [startId, endId] = [START_OF_TURN, END_OF_TURN].map((token) => {
    const id = tokenizer.special[token];
    if (id === undefined)
      throw new Error(`the chat template writes ${token}, which is no special token of this tokenizer`);
    return id;
  }) as [number, number];
  const start = { kind: 'special', id: startId, afterAssistant: false } as const;
  const fragments: Fragment[] = [];
  for (const { role, content } of messages) {
    const assistant = role === 'assistant';
    fragments.push(
      start,
      { kind: 'text', text: `${role}\n`, assistant: false },
      { kind: 'text', text: content, assistant },
      { kind: 'special', id: endId, afterAssistant: assistant },
      { kind: 'text', text: '\n', assistant: false },
    );
  }
  if (open) fragments.push(start, { kind: 'text', text: 'assistant\n', assistant: false });
  return fragments;
}

/**
 * Any Jinja template: rendered once with a noncharacter and a number in place of each content, which shows
 * where the contents go, and once with the contents, to make sure that the template passes them on unchanged.
 */
function renderTemplate(
  tokenizer: TokenCutter,
  template: Template,
  variables: Record<string, string>,
  messages: readonly ChatMessage[],
  open: boolean,
): Fragment[] {
  const render = (list: readonly ChatMessage[]) =>
    template.render({ messages: list, add_generation_prompt: open, ...variables });
  // White space around a content stays outside the placeholder: many templates trim it.
  const contents = messages.map((message) => message.content.trim());
  const placeholders = messages.map(({ role, content }, i) => ({
    role,
    content: content.trim() === '' ? content : content.replace(content.trim(), () => `\ufdd0${i}\ufdd1`),
  }));
  const fragments: Fragment[] = [];
  let text = '';
  let lastContent = -1;
  for (const [index, part] of render(placeholders)
    .split(/\ufdd0(\d+)\ufdd1/)
    .entries()) {
    if (index % 2 === 1) {
      lastContent = Number(part);
      text += contents[lastContent]!;
      fragments.push({
        kind: 'text',
        text: contents[lastContent]!,
        assistant: messages[lastContent]!.role === 'assistant',
      });
      continue;
    }
    text += part;
    fragments.push(...templateFragments(tokenizer, part, messages[lastContent]?.role === 'assistant'));
  }
  if (text !== render(messages)) {
    throw new Error(
      'the chat template rewrites message contents, so its special tokens cannot be told from what people wrote; ' +
        'use a template that passes contents on as they are',
    );
  }
  return fragments;
}

/** The template's own text, cut at its special tokens; the first one after an answer ends that answer's turn. */
function templateFragments(tokenizer: TokenCutter, text: string, afterAssistant: boolean): Fragment[] {
  const fragments: Fragment[] = [];
  let ends = afterAssistant;
  for (const part of tokenizer.cutAtSpecialTokens(text)) {
    if (typeof part === 'string') fragments.push({ kind: 'text', text: part, assistant: false });
    else fragments.push({ kind: 'special', id: part, afterAssistant: ends });
    ends = false;
  }
  return fragments;
}

function encodeFragments(tokenizer: TokenCutter, fragments: Fragment[]): RenderedChat {
  const ids: number[] = [];
  const assistant: boolean[] = [];
  let run: (Fragment & { kind: 'text' })[] = [];
  const flush = () => {
    const encoded = tokenizer.encode(run.map((fragment) => fragment.text).join(''));
    const mask = maskOf(tokenizer, encoded, run);
    for (const [i, id] of encoded.entries()) {
      ids.push(id);
      assistant.push(mask[i]!);
    }
    run = [];
  };
  for (const fragment of fragments) {
    if (fragment.kind === 'text') {
      run.push(fragment);
      continue;
    }
    flush();
    ids.push(fragment.id);
    assistant.push(fragment.afterAssistant);
  }
  flush();
  return { ids, assistant };
}

/** A token counts as the assistant's if all of its bytes are. */
function maskOf(tokenizer: TokenCutter, ids: number[], run: { text: string; assistant: boolean }[]): boolean[] {
  if (!run.some(({ assistant }) => assistant)) return ids.map(() => false);
  const spans: { end: number; assistant: boolean }[] = [];
  for (const { text, assistant } of run) {
    spans.push({ end: (spans.at(-1)?.end ?? 0) + Buffer.byteLength(text), assistant });
  }
  let span = 0;
  let at = 0;
  return ids.map((id) => {
    const end = at + tokenizer.decodeBytes([id], { special: true }).length;
    while (span < spans.length && spans[span]!.end <= at) span++;
    let counts = true;
    for (let i = span; i < spans.length && (i === span || spans[i - 1]!.end < end); i++) counts &&= spans[i]!.assistant;
    at = end;
    return counts;
  });
}

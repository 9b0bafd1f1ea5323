/**
 * The chat that stands in other web sites: one assistant, no account, nothing kept. Plain DOM and no React, so that
 * a visitor loads little; answers are shown as the text that they are.
 */
import '../api/schema-mode.ts';
import './widget.css';
import { type WidgetEvent, type WidgetRequest, widgetAssistantSchema, widgetEventSchema } from '@parley/contracts';
import { readEvents } from '../api/event-stream.ts';
import { language, texts } from './texts.ts';

const id = location.pathname.split('/').at(-1) ?? '';
/** The server takes no more. */
const mostMessages = 19;
const mostPassages = 2;

const history: WidgetRequest['messages'] = [];
let running: AbortController | null = null;

document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
const root = document.getElementById('widget');
if (!root) throw new Error('widget.html has no element with the id "widget".');

const title = element('h1', {});
const close = element('button', { type: 'button', ariaLabel: texts.close, textContent: '×', className: 'close' });
const log = element('div', { className: 'log', role: 'log', ariaLive: 'polite', tabIndex: 0 });
const examples = element('div', { className: 'examples' });
const field = element('textarea', { rows: 1, placeholder: texts.placeholder, maxLength: 4000, ariaLabel: texts.label });
const send = element('button', { type: 'submit', className: 'primary', textContent: texts.send });
const form = element('form', {}, field, send);
root.append(
  element('header', {}, title, close),
  log,
  form,
  element('p', { className: 'hint', textContent: texts.hint }),
);
log.append(examples);

close.addEventListener('click', () => parent.postMessage('parley:close', '*'));
addEventListener('keydown', (event) => {
  if (event.key === 'Escape') parent.postMessage('parley:close', '*');
});
field.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  form.requestSubmit();
});
form.addEventListener('submit', (event) => {
  event.preventDefault();
  if (running) return running.abort();
  const question = field.value.trim();
  if (question === '') return;
  field.value = '';
  void ask(question);
});
void introduce();

async function introduce(): Promise<void> {
  const response = await fetch(`/api/widget/${id}`, { credentials: 'omit' }).catch(() => null);
  if (!response?.ok) {
    log.append(notice(texts.missing));
    form.hidden = true;
    return;
  }
  const { name, exampleQuestions } = widgetAssistantSchema.parse(await response.json());
  title.textContent = name;
  document.title = name;
  for (const question of exampleQuestions) {
    const button = element('button', { type: 'button', textContent: question });
    button.addEventListener('click', () => void ask(question));
    examples.append(button);
  }
}

async function ask(question: string): Promise<void> {
  if (running) return;
  running = new AbortController();
  examples.remove();
  send.textContent = texts.stop;
  history.push({ role: 'user', content: question });
  log.append(turn('question', texts.you, question));
  const answer = turn('answer', texts.answer, texts.thinking);
  const body = answer.querySelector('p')!;
  log.append(answer);
  let text = '';
  try {
    for await (const event of events(running.signal)) {
      if (event.type === 'delta') {
        text += event.text;
        body.textContent = text;
        log.scrollTop = log.scrollHeight;
      } else if (event.type === 'done') {
        // Shown word for word: a small model may make nothing of them.
        if (event.passages.length > 0) answer.append(element('small', { textContent: texts.passages }));
        for (const { documentName, text: passage } of event.passages.slice(0, mostPassages)) {
          answer.append(element('blockquote', { textContent: passage, title: documentName }));
        }
      } else {
        throw new Error(event.message);
      }
    }
  } catch (error) {
    if (!running.signal.aborted) answer.append(notice(refusalText(error)));
  }
  body.textContent = text || texts.empty;
  if (text === '') history.pop();
  else history.push({ role: 'assistant', content: text.slice(0, 4000) });
  running = null;
  send.textContent = texts.send;
  log.scrollTop = log.scrollHeight;
}

/** The server answered, but not with success. */
class Refusal extends Error {
  readonly status: number;
  constructor(status: number) {
    super(String(status));
    this.status = status;
  }
}

async function* events(signal: AbortSignal): AsyncGenerator<WidgetEvent> {
  const messages = history.slice(-mostMessages);
  const response = await fetch(`/api/widget/${id}/messages`, {
    method: 'POST',
    credentials: 'omit',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ messages } satisfies WidgetRequest),
    signal,
  });
  if (!response.ok || !response.body) throw new Refusal(response.status);
  for await (const { data } of readEvents(response.body)) yield widgetEventSchema.parse(JSON.parse(data));
}

function refusalText(error: unknown): string {
  const status = error instanceof Refusal ? error.status : 0;
  return status === 422 ? texts.refused : status === 429 ? texts.tooMany : texts.failed;
}

function turn(className: string, label: string, text: string): HTMLElement {
  const heading = element('h2', { className: 'hidden', textContent: label });
  return element('article', { className }, heading, element('p', { textContent: text }));
}

function notice(text: string): HTMLElement {
  return element('p', { className: 'notice', role: 'alert', textContent: text });
}

function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  properties: Partial<HTMLElementTagNameMap[Name]>,
  ...children: Node[]
): HTMLElementTagNameMap[Name] {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

import { describe, expect, test } from 'vitest';
import { programOf } from './code.ts';

const messages = [{ role: 'user', content: `It's "quoted" \\ and\nbroken: 你好 $HOME \`x\`` }];
const chat = { path: '/v1/chat/completions', body: { model: 'tiny', messages, top_k: 5, stop: ["'", 'x'] } } as const;
const text = { path: '/v1/completions', body: { model: 'tiny', prompt: "it's", max_tokens: 5 } } as const;

describe('curl', () => {
  test('gives the body to the shell in single quotes, from which nothing escapes', () => {
    const code = programOf('curl', chat, 'http://localhost:3000');
    const quoted = /-d '([\s\S]*)'$/.exec(code)![1]!;
    expect(JSON.parse(quoted.replaceAll("'\\''", "'"))).toEqual(chat.body);
    expect(quoted.replaceAll("'\\''", '')).not.toContain("'");
    expect(code).toContain('curl http://localhost:3000/v1/chat/completions');
  });
});

describe('TypeScript', () => {
  /** Runs the program with a client that notes what it is asked for. */
  async function asked(code: string): Promise<{ options: object; route: string; body: object }> {
    const body = code.replace(/^import .*$/m, '');
    const program = new Function('OpenAI', 'process', `return (async () => {${body}})()`);
    let noted = {};
    const create = (route: string) => async (request: object) => {
      noted = { ...noted, route, body: request };
      return (async function* () {})();
    };
    class Client {
      chat = { completions: { create: create('chat') } };
      completions = { create: create('text') };
      constructor(options: object) {
        noted = { options };
      }
    }
    await program(Client, { env: {}, stdout: { write: () => true } });
    return noted as Awaited<ReturnType<typeof asked>>;
  }

  test('asks what the page asks', async () => {
    expect(await asked(programOf('typescript', chat, 'http://localhost:3000'))).toEqual({
      options: { baseURL: 'http://localhost:3000/v1', apiKey: 'none' },
      route: 'chat',
      body: { ...chat.body, stream: true },
    });
    expect(await asked(programOf('typescript', text, 'https://chat.example.org'))).toMatchObject({
      route: 'text',
      body: { ...text.body, stream: true },
    });
  });
});

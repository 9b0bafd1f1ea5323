/** The request as a program: what is copied runs as it is. */
import type { ApiRequest } from './playground-state.ts';

export const programs = { curl: 'curl', typescript: 'TypeScript' } as const;
export type Program = keyof typeof programs;

/** @param origin of this server: `http://localhost:3000` */
export function programOf(program: Program, request: ApiRequest, origin: string): string {
  return program === 'curl' ? curl(request, origin) : typescript(request, origin);
}

function curl({ path, body }: ApiRequest, origin: string): string {
  const json = JSON.stringify(body, null, 2).replaceAll("'", "'\\''");
  return [
    `curl ${origin}${path} \\`,
    '  -H "authorization: Bearer $PARLEY_API_KEY" \\',
    "  -H 'content-type: application/json' \\",
    `  -d '${json}'`,
  ].join('\n');
}

/** What OpenAI's client does not know of; a spread is not checked for properties in excess. */
const ownParameters = ['top_k', 'min_p', 'repetition_penalty'];

function typescript({ path, body }: ApiRequest, origin: string): string {
  const chat = path === '/v1/chat/completions';
  const own = Object.fromEntries(Object.entries(body).filter(([name]) => ownParameters.includes(name)));
  const known = Object.entries(body).filter(([name]) => !ownParameters.includes(name));
  const fields = [
    ...known.map(([name, value]) => `  ${name}: ${literal(value, '  ')},`),
    ...(Object.keys(own).length > 0 ? [`  ...${literal(own, '  ')},`] : []),
    '  stream: true,',
  ];
  const text = chat ? "chunk.choices[0]?.delta.content ?? ''" : "chunk.choices[0]?.text ?? ''";
  return `import OpenAI from 'openai';

const client = new OpenAI({
  baseURL: ${literal(`${origin}/v1`, '')},
  apiKey: process.env.PARLEY_API_KEY ?? 'none',
});
const stream = await client.${chat ? 'chat.completions' : 'completions'}.create({
${fields.join('\n')}
});
for await (const chunk of stream) process.stdout.write(${text});
`;
}

/** A value as it is written in a program. */
function literal(value: unknown, indent: string): string {
  if (typeof value === 'string') return quoted(value);
  if (Array.isArray(value)) {
    if (value.every((item) => typeof item !== 'object'))
      return `[${value.map((item) => literal(item, '')).join(', ')}]`;
    return `[\n${value.map((item) => `${indent}  ${literal(item, `${indent}  `)},\n`).join('')}${indent}]`;
  }
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value).map(([name, field]) => `${name}: ${literal(field, indent)}`);
    return `{ ${fields.join(', ')} }`;
  }
  return String(value);
}

function quoted(text: string): string {
  const escaped = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'");
  return `'${escaped}'`;
}

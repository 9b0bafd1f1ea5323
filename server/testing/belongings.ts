/** One of everything that can belong to somebody, on a real server: what the access matrix puts into its routes. */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Comparison, Contribution, Decision, Job, LabModel, LineageItem, Message, Task } from '@parley/contracts';
import { collect, type TestServer, tinyModel } from './test-server.ts';
import { tinyModelName } from './tiny-model.ts';

export interface Belonging {
  /** The routes that it is put into: how their address begins, or method and address where they are told apart. */
  start: string;
  id: string;
  /** Everybody else is refused; what is the installation's is for whoever has the role. */
  whose: 'owner' | 'trainer' | 'installation';
}

export const sampling = { maxTokens: 2, seed: 3 };
export const demonstration = {
  content: {
    kind: 'demonstrate',
    messages: [
      { role: 'user', content: 'Who may read this?' },
      { role: 'assistant', content: 'Nobody else.' },
    ],
  },
  milliseconds: 1,
};
/** A number that is masked, which is noted as a decision. */
const question = { content: 'Who may read this? My card is 4111 1111 1111 1111.', sampling };

type Make = (start: string, id: string) => Belonging;
const ofOwner: Make = (start, id) => ({ start, id, whose: 'owner' });
const ofTrainer: Make = (start, id) => ({ start, id, whose: 'trainer' });
const ofInstallation: Make = (start, id) => ({ start, id, whose: 'installation' });

/** What anybody who chats has. The server offers two drafts to every question. */
export async function ownersBelongings(owner: TestServer): Promise<Belonging[]> {
  const conversation = await owner.newConversation();
  const ofConversation = `/api/conversations/${conversation.id}`;
  await collect(owner.ask(conversation, question));
  const answer = (await owner.messages(conversation)).find(({ role }) => role === 'assistant') as Message;
  const made = async (path: string, body: unknown) => (await owner.json<{ id: string }>(path, { body })).id;
  const assistant = await made('/api/assistants', { name: 'Private' });
  const document = await made(`/api/assistants/${assistant}/documents`, { name: 'a.txt', text: 'secret' });
  const share = await made(`${ofConversation}/shares`, { leafId: answer.id });
  const { key } = await owner.json<{ key: { id: string } }>('/api/account/keys', { body: { name: 'k' } });
  const { sessions } = await owner.json<{ sessions: { id: string }[] }>('/api/account/sessions');
  const { drafts } = await owner.json<{ drafts: { id: string }[] }>(`${ofConversation}/drafts`);
  await owner.json(`/api/messages/${answer.id}/feedback`, { method: 'PUT', body: { thumb: 'down' } });
  const { items } = await owner.json<{ items: LineageItem[] }>('/api/lineage');
  const { decisions } = await owner.json<{ decisions: Decision[] }>('/api/decisions');
  return [
    ofOwner('/api/conversations/', conversation.id),
    ofOwner('/api/messages/', answer.id),
    ofOwner('/api/lineage/messages/', answer.id),
    ofOwner('/api/lineage/items/', items[0]!.id),
    ofOwner('/api/assistants/', assistant),
    ofOwner('/api/documents/', document),
    ofOwner('/api/shares/', share),
    ofOwner('/api/drafts/', drafts[0]!.id),
    ofOwner('/api/decisions/', decisions[0]!.id),
    ofOwner('/api/files/', await upload(owner)),
    ofOwner('/api/account/keys/', key.id),
    ofOwner('/api/account/sessions/', sessions[0]!.id),
  ];
}

async function upload(owner: TestServer): Promise<string> {
  const response = await fetch(`${owner.url}/api/files?name=secret.txt`, {
    method: 'PUT',
    headers: { cookie: await owner.cookie(), 'content-type': 'application/octet-stream' },
    body: 'secret',
  });
  return ((await response.json()) as { id: string }).id;
}

/** A task in a trainer's hands, with a draft, and what the trainer has handed in before. */
export async function trainersBelongings(trainer: TestServer): Promise<Belonging[]> {
  const workbench = '/api/workbench';
  const lease = async () =>
    (await trainer.json<{ task: Task }>(`${workbench}/lease`, { body: { kind: 'demonstrate' } })).task;
  const handIn = async () => {
    const { id } = await lease();
    return trainer.json<Contribution>(`${workbench}/tasks/${id}/submit`, { body: demonstration });
  };
  const [first, second] = [await handIn(), await handIn()];
  const held = await lease();
  await trainer.json(`${workbench}/tasks/${held.id}/draft`, { method: 'PUT', body: demonstration });
  return [
    ofTrainer('DELETE /api/workbench/contributions/', first.id),
    ofTrainer('/api/workbench/contributions/', second.id),
    ofTrainer('/api/workbench/tasks/', held.id),
  ];
}

/** What the administrators run; its server's `cli` is the counting job. */
export async function installationsBelongings(administrator: TestServer, account: string): Promise<Belonging[]> {
  mkdirSync(join(administrator.home, 'data'), { recursive: true });
  writeFileSync(join(administrator.home, 'data', 'talks.jsonl'), '');
  const settings = { model: `model:${tinyModelName}`, data: 'data:talks.jsonl', epochs: 1 };
  const job = await administrator.json<Job>('/api/lab/jobs', { body: { recipe: 'sft', name: 'counted', settings } });
  const folder = otherModel(administrator.home);
  const other = await administrator.json<LabModel>('/api/lab/models', { body: { folder } });
  const comparison = await administrator.json<Comparison>('/api/comparisons', {
    body: { left: tinyModelName, right: other.id, prompts: ['Recite'], maxTokens: 2 },
  });
  await administrator.json('/api/workbench/tasks/import', { body: { kind: 'demonstrate', prompts: ['Write it'] } });
  const { tasks } = await administrator.json<{ tasks: { id: string }[] }>('/api/workbench/tasks');
  const { decisions } = await administrator.json<{ decisions: Decision[] }>('/api/safety/decisions');
  return [
    ofInstallation('/api/lab/jobs/', job.id),
    ofInstallation('/api/lab/models/', other.id),
    ofInstallation('/api/lineage/models/', other.id),
    ofInstallation('/api/comparisons/', comparison.id),
    ofInstallation('GET /api/workbench/tasks/', tasks[0]!.id),
    ofInstallation('DELETE /api/workbench/tasks/', tasks[0]!.id),
    ofInstallation('/api/safety/decisions/', decisions[0]!.id),
    ofInstallation('/api/administration/accounts/', account),
  ];
}

/** The tiny model with one bit of its weights changed, as somebody else might have made it. */
function otherModel(home: string): string {
  const folder = join(home, 'other');
  cpSync(tinyModel(), folder, { recursive: true });
  rmSync(join(folder, 'manifest.json'));
  const file = join(folder, 'model.safetensors');
  const weights = readFileSync(file);
  weights[weights.length - 4]! ^= 1;
  writeFileSync(file, weights);
  return folder;
}

/** Accounts of all roles, and what they did before today. */
import { createHash } from 'node:crypto';
import { journeysPassword } from '../browser.ts';
import type { HomeFiller } from './home-filler.ts';

export interface People {
  /** Administrators, trainers and users, by their ids. */
  ada: string;
  grace: string;
  ming: string;
  lin: string;
}

/** What the link of a mail would hold. */
const adasLink = 'a link that an administrator has made';

/** Gives Ada, who has no password yet, the one that the journeys sign in with. Call it once the server is up. */
export async function openAdasAccount(url: string): Promise<void> {
  const response = await fetch(`${url}/api/password-resets/use`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token: adasLink, password: journeysPassword }),
  });
  if (!response.ok) throw new Error(await response.text());
}

export async function addPeople(filler: HomeFiller): Promise<People> {
  const account = async (name: string, email: string, role: 'administrator' | 'trainer' | 'user', days: number) => {
    const id = filler.id(filler.ago({ days }));
    const row = { id, name, email, role, created_at: filler.ago({ days }), password_hash: null };
    await filler.db
      .insertInto('users')
      .values({ ...row, disabled_at: null, reset_asked_at: null })
      .execute();
    return id;
  };
  const ada = await account('Ada', 'ada@example.org', 'administrator', 40);
  const grace = await account('Grace', 'grace@example.org', 'trainer', 30);
  const ming = await account('李明', 'liming@example.org', 'trainer', 21);
  const lin = await account(
    'Lin Wanderlust-Featherstonehaugh',
    'lin.wanderlust.featherstonehaugh@example.org',
    'user',
    9,
  );
  const gone = await account('王芳', 'wangfang@example.org', 'user', 60);
  const { db } = filler;
  await db
    .updateTable('users')
    .set({ disabled_at: filler.ago({ days: 3 }) })
    .where('id', '=', gone)
    .execute();
  await db
    .updateTable('users')
    .set({ reset_asked_at: filler.ago({ hours: 5 }) })
    .where('id', '=', lin)
    .execute();
  await db
    .insertInto('password_links')
    .values({
      ...{ id: filler.id(filler.ago({})), user_id: ada, created_at: filler.ago({}) },
      token_hash: createHash('sha256').update(adasLink).digest('hex'),
      expires_at: filler.ago({ days: -1 }),
    })
    .execute();
  await addTraces(filler, { ada, grace, ming, lin });
  return { ada, grace, ming, lin };
}

async function addTraces(filler: HomeFiller, { ada, grace, lin }: People): Promise<void> {
  const seen = (user_id: string, hours: number, user_agent: string) => ({
    ...{ id: filler.id(filler.ago({ hours })), user_id, user_agent, token_hash: filler.id(filler.ago({ hours })) },
    ...{ address: '192.0.2.17', created_at: filler.ago({ days: 4 }), last_seen_at: filler.ago({ hours }) },
    expires_at: filler.ago({ days: -20 }),
  });
  await filler.db
    .insertInto('sessions')
    .values([
      seen(
        ada,
        30,
        'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1',
      ),
      seen(grace, 2, 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'),
    ])
    .execute();
  await filler.db
    .insertInto('api_keys')
    .values({
      ...{
        id: filler.id(filler.ago({ days: 12 })),
        user_id: ada,
        name: 'notebook',
        key_hash: 'unknown',
        ending: 'k3Fw',
      },
      ...{ scopes: JSON.stringify(['chat', 'models']), created_at: filler.ago({ days: 12 }), revoked_at: null },
      ...{ expires_at: filler.ago({ days: -78 }), last_used_at: filler.ago({ hours: 7 }) },
    })
    .execute();
  const acts: [string | null, string, string, Record<string, unknown>][] = [
    [ada, 'account.registered', '', {}],
    [ada, 'account.invited', 'Grace', { role: 'trainer' }],
    [ada, 'password.link-made', 'Grace', {}],
    [grace, 'session.started', '', {}],
    [ada, 'account.changed', 'Grace', { role: 'trainer' }],
    [ada, 'settings.changed', '', { registration: 'open', tokensPerDay: 0 }],
    [ada, 'safety.changed', '', {}],
    [ada, 'key.created', 'notebook', {}],
    [ada, 'run.started', 'reward-1', { recipe: 'reward' }],
    [ada, 'run.started', 'ppo-1', { recipe: 'ppo' }],
    [ada, 'model.imported', 'parley-tiny', {}],
    [ada, 'run.removed', 'sft-1', {}],
    [ada, 'model.removed', 'sft-1', {}],
    [lin, 'password.reset-asked', '', {}],
    [null, 'session.refused', 'eve@example.org', {}],
    [ada, 'safety.ruled', 'words:weapons', { ruling: 'overturned' }],
    [ada, 'account.changed', '王芳', { disabled: true }],
  ];
  const names = new Map([
    [ada, 'Ada'],
    [grace, 'Grace'],
    [lin, 'Lin'],
  ]);
  for (const [index, [actor, action, subject, detail]] of acts.entries()) {
    const at = filler.ago({ days: 20 - index, hours: index });
    await filler.db
      .insertInto('audit_log')
      .values({
        ...{ id: filler.id(at), actor_id: actor, actor_name: actor && names.get(actor)!, action, subject },
        ...{ detail: JSON.stringify(detail), address: '192.0.2.17', created_at: at },
      })
      .execute();
  }
}

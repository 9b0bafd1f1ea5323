/**
 * A server's home after some weeks: accounts, conversations, votes, tasks, runs, models, comparisons. Everything is
 * written into the database and the folders as the server would, so that nothing has to be trained or answered.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openTestDatabase } from '@parley/server/test-database';
import { addConversations, type Conversations } from './conversations.ts';
import { HomeFiller } from './home-filler.ts';
import { addLab, type LabPlaces } from './lab.ts';
import { addPeople } from './people.ts';
import { addTasks } from './workbench.ts';

export { openAdasAccount } from './people.ts';

export interface FilledHome extends Conversations, LabPlaces {
  home: string;
}

/**
 * @param model the folder of the model that the server is started with
 * @param name its name
 */
export async function fillHome(model: string, name: string): Promise<FilledHome> {
  const home = mkdtempSync(join(tmpdir(), 'parley-filled-'));
  const { db, close } = await openTestDatabase(home);
  try {
    const filler = new HomeFiller(home, db);
    const people = await addPeople(filler);
    const conversations = await addConversations(filler, people, name);
    const ranking = await addTasks(filler, people, name, conversations.vote);
    const lab = await addLab(filler, people, model, { vote: conversations.vote, ranking });
    return { home, ...conversations, ...lab };
  } finally {
    await close();
  }
}

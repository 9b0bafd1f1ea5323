/**
 * From a job's settings to the words of a command. Settings are checked by the recipe's own schema when the job is
 * made; those that name a model, a snapshot or data are resolved when it begins, so that nothing else on the disk can
 * be named, and a model that was moved is found.
 */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { inputKinds, type LabRecipe, labRecipes, withheldSettings } from '@parley/contracts';
import type { z } from 'zod';
import { HttpError } from '../http/errors.ts';
import type { LabFolders } from './folders.ts';
import type { ModelRegistry } from './registry.ts';

type Settings = Record<string, unknown>;

/** The command of a recipe that has another name than it. */
const commands: Partial<Record<LabRecipe, string[]>> = { snapshot: ['data', 'snapshot'] };

/**
 * Those settings that differ from the defaults, checked.
 * @throws HttpError 400 naming the setting
 */
export function checkSettings(recipe: LabRecipe, settings: Settings): Settings {
  const schema = labRecipes[recipe];
  for (const name of Object.keys(settings)) {
    if (!(name in schema.shape) || withheldSettings.includes(name)) {
      throw invalid(name, `${recipe} has no such setting here`);
    }
  }
  const result = schema.safeParse({ ...settings, out: 'run' });
  if (!result.success) {
    const issue = result.error.issues[0]!;
    throw invalid(String(issue.path[0]), issue.message);
  }
  const given = Object.fromEntries(Object.keys(settings).map((name) => [name, (result.data as Settings)[name]]));
  for (const [name, value] of Object.entries(given)) {
    if (name in inputKinds && value !== '' && !/^(model|snapshot|data):./.test(String(value))) {
      throw invalid(name, `'${value}' is neither model:…, snapshot:… nor data:…`);
    }
  }
  return Object.fromEntries(Object.entries(given).filter(([name, value]) => value !== defaultOf(schema.shape, name)));
}

function defaultOf(shape: Record<string, unknown>, name: string): unknown {
  return (shape[name] as z.ZodType).safeParse(undefined).data;
}

/** The words after `parley`. @throws HttpError 404 naming what is no longer there */
export async function argumentsFor(
  { recipe, settings, runFolder }: { recipe: LabRecipe; settings: Settings; runFolder: string },
  { registry, folders }: { registry: ModelRegistry; folders: LabFolders },
): Promise<string[]> {
  const words = [...(commands[recipe] ?? [recipe]), '--out', recipe === 'snapshot' ? folders.snapshots : runFolder];
  for (const [name, value] of Object.entries(settings)) {
    const resolved = name in inputKinds && value !== '' ? await pathOf(name, String(value)) : value;
    words.push(...flag(name, resolved));
  }
  return words;

  async function pathOf(setting: string, reference: string): Promise<string> {
    const { kind, name } = split(reference);
    const use = inputKinds[setting]!;
    const path = kind === 'model' ? (await registry.get(name)).folder : folders.path(kind, name);
    if (!existsSync(path)) throw new HttpError(404, 'input_not_found', `${setting}: ${reference} is no longer there.`);
    if (use === 'prompts') return promptsPath(reference, folders);
    // A snapshot is a folder of preferences for those who learn from them, and a file of conversations for others.
    return kind === 'snapshot' && use === 'data' ? join(path, 'demonstrations.jsonl') : path;
  }
}

/** The file of prompts that `data:…` or `snapshot:…` holds. @throws HttpError 404 */
export function promptsPath(reference: string, folders: LabFolders): string {
  const { kind, name } = split(reference);
  const path = folders.path(kind, name);
  if (name.endsWith('.jsonl')) return path;
  const files = ['preferences.jsonl', 'demonstrations.validation.jsonl', 'demonstrations.jsonl'];
  const found = files.map((file) => join(path, file)).find((file) => existsSync(file) && statSync(file).size > 0);
  if (found) return found;
  throw new HttpError(404, 'input_not_found', `${reference} holds no prompts.`);
}

/** `kind:name` in its parts. */
function split(reference: string): { kind: string; name: string } {
  const colon = reference.indexOf(':');
  return { kind: reference.slice(0, colon), name: reference.slice(colon + 1) };
}

function flag(name: string, value: unknown): string[] {
  const dashed = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  if (typeof value === 'boolean') return [value ? `--${dashed}` : `--no-${dashed}`];
  return [`--${dashed}`, String(value)];
}

function invalid(name: string, message: string): HttpError {
  return new HttpError(400, 'invalid_request', `settings.${name}: ${message}`, { param: `settings.${name}` });
}

/** A recipe's settings as the fields of a form, read from its zod schema. */
import { inputKinds, type LabRecipe, labRecipes, quickSettings, withheldSettings } from '@parley/contracts';
import { z } from 'zod';

/** What JSON Schema says of one setting: enough for a field. */
interface Property {
  type?: 'integer' | 'number' | 'string' | 'boolean';
  enum?: string[];
  default?: unknown;
  description?: string;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
}

export type InputKind = (typeof inputKinds)[string];

export interface RecipeField {
  name: string;
  /** In English, from the schema; web/i18n has the other languages'. */
  help: string;
  kind: 'number' | 'integer' | 'boolean' | 'choice' | 'text' | InputKind;
  options: readonly string[];
  /** Undefined: the person has to give one. */
  fallback: unknown;
  min?: number;
  max?: number;
}

export type FieldValues = Record<string, string | boolean>;

/** In the schema's order: what a run is made of comes first. */
export function fieldsOf(recipe: LabRecipe): RecipeField[] {
  const schema = z.toJSONSchema(labRecipes[recipe], { io: 'input' });
  return Object.entries(schema.properties as Record<string, Property>)
    .filter(([name]) => !withheldSettings.includes(name))
    .map(([name, property]) => ({
      name,
      help: property.description ?? '',
      kind: kindOf(name, property),
      options: property.enum ?? [],
      fallback: property.default,
      // zod states the range of safe integers where there is none.
      min: bound(property.minimum ?? property.exclusiveMinimum),
      max: bound(property.maximum ?? property.exclusiveMaximum),
    }));
}

/** Those that must be chosen, and those that one may leave as they are. */
export const isRequired = ({ fallback }: RecipeField): boolean => fallback === undefined;

/** What a new form holds: the defaults, or where they are set the quick settings. */
export function startValues(recipe: LabRecipe, quick: boolean): FieldValues {
  const given = quick ? (quickSettings[recipe] ?? {}) : {};
  return Object.fromEntries(
    fieldsOf(recipe).map(({ name, kind, fallback }) => {
      const value = given[name] ?? fallback;
      return [name, kind === 'boolean' ? value === true : String(value ?? '')];
    }),
  );
}

/** What differs from the defaults, as the recipe's schema wants it. */
export function settingsOf(recipe: LabRecipe, values: FieldValues): Record<string, unknown> {
  return Object.fromEntries(
    fieldsOf(recipe).flatMap(({ name, kind, fallback }) => {
      const text = values[name];
      const value = (kind === 'number' || kind === 'integer') && text !== '' ? Number(text) : text;
      const same = value === fallback || (fallback === undefined && value === '');
      return same ? [] : [[name, value]];
    }),
  );
}

/** Where the name in the schema does not say it to people. */
const englishLabels: Record<string, string> = {
  beta1: 'Beta 1',
  beta2: 'Beta 2',
  dump: 'Keep the answers',
  klLimit: 'KL limit',
  klTarget: 'KL target',
  maxTokens: 'Longest answer',
  noEndScore: 'Score without an end',
  tokens: 'Tokens at once',
};

/** 'learningRate' → 'Learning rate'. */
export function fieldLabel(name: string): string {
  const known = englishLabels[name];
  if (known) return known;
  const words = name.replace(
    /([a-z0-9])([A-Z])/g,
    (_, before: string, after: string) => `${before} ${after.toLowerCase()}`,
  );
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** 'model:parley-10m' → 'parley-10m'. */
export const valueText = (value: unknown): string => String(value).replace(/^(model|snapshot|data):/, '');

function kindOf(name: string, { type, enum: options }: Property): RecipeField['kind'] {
  if (name in inputKinds) return inputKinds[name]!;
  if (options) return 'choice';
  if (type === 'string' || type === undefined) return 'text';
  return type;
}

const bound = (value: number | undefined) =>
  value !== undefined && Math.abs(value) < Number.MAX_SAFE_INTEGER ? value : undefined;

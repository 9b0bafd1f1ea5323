/**
 * Flags from schemas: a zod object gives every flag its name, type, range, default and help, so that a
 * recipe's configuration is written once, in contracts/.
 */
import { type Preset, presets, presetsFor, type Stage } from '@parley/recipes/presets';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';
import { UsageError } from './errors.ts';

/** What JSON Schema says of one property: enough for a flag. */
interface Property {
  type?: 'integer' | 'number' | 'string' | 'boolean' | 'array';
  enum?: string[];
  default?: unknown;
  description?: string;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
}

export interface FlagOptions {
  /** Properties that get no flag here. */
  omit?: string[];
  /** Other defaults than the schema's, for the help. */
  defaults?: Record<string, unknown>;
}

/** Adds one `--kebab-case` flag per property of `schema`. Nothing is filled in: `readFlags` does that. */
export function addFlags(command: Command, schema: z.ZodObject, options: FlagOptions = {}): void {
  for (const [name, property] of Object.entries(propertiesOf(schema))) {
    if (!options.omit?.includes(name)) command.addOption(toOption(name, property, schema, options.defaults?.[name]));
  }
}

/**
 * The full configuration: defaults, then the preset's values, then the flags that were typed.
 * Throws UsageError naming the first flag that is missing or out of its range.
 */
export function readFlags<S extends z.ZodObject>(
  schema: S,
  flags: Record<string, unknown>,
  preset: Record<string, unknown> = {},
): z.infer<S> {
  const result = schema.safeParse({ ...preset, ...flags });
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const name = String(issue?.path[0] ?? '');
  const flag = `--${kebab(name)}`;
  if (name in flags || name in preset) throw new UsageError(`${flag}: ${issue?.message}`);
  throw new UsageError(`${flag} is missing: ${propertiesOf(schema)[name]?.description ?? 'it has no default'}`);
}

/** `--preset NAME`, read as the preset itself with its name; offers those that hold all of the `stages`. */
export function addPresetFlag(command: Command, ...stages: Stage[]): void {
  const names = presetsFor(...stages);
  const help = names.map((name) => `${name} (${presets[name]?.summary})`).join(', ');
  const option = new Option('--preset <name>', `settings to start from; other flags override them: ${help}`);
  command.addOption(
    option.argParser((name: string): Preset & { name: string } => {
      const preset = names.includes(name) ? presets[name] : undefined;
      if (!preset) throw new InvalidArgumentError(`There is no such preset here; choose one of ${names.join(', ')}.`);
      return { ...preset, name };
    }),
  );
}

/** `--json`: one JSON object on standard output, everything else on standard error. */
export function addJsonFlag(command: Command): void {
  command.option('--json', 'print one JSON object on standard output and nothing else there');
}

export const kebab = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

function toOption(name: string, property: Property, schema: z.ZodObject, ownDefault: unknown): Option {
  const flag = `--${kebab(name)}`;
  const fallback = ownDefault ?? property.default;
  const description = [property.description ?? '', describeRange(property, fallback)].filter(Boolean).join(' ');
  if (property.type === 'boolean') return new Option(fallback === true ? `--no-${kebab(name)}` : flag, description);
  const option = new Option(`${flag} <${property.enum?.join('|') ?? argumentName(property)}>`, description);
  const field = schema.shape[name] as z.ZodType;
  return option.argParser((text: string, previous: unknown) => {
    const value = property.type === 'array' ? [...((previous as unknown[]) ?? []), text] : parseText(text, property);
    const checked = field.safeParse(value);
    if (!checked.success) throw new InvalidArgumentError(`${checked.error.issues[0]?.message}.`);
    return checked.data;
  });
}

function parseText(text: string, property: Property): unknown {
  if (property.type !== 'integer' && property.type !== 'number') return text;
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!Number.isFinite(value)) throw new InvalidArgumentError(`It must be a number.`);
  return value;
}

function argumentName({ type }: Property): string {
  return type === 'integer' || type === 'number' ? type : 'text';
}

function describeRange(property: Property, fallback: unknown): string {
  const parts: string[] = [];
  const low = property.exclusiveMinimum ?? property.minimum;
  const high = property.exclusiveMaximum ?? property.maximum;
  const hasLow = low !== undefined && low > Number.MIN_SAFE_INTEGER;
  const hasHigh = high !== undefined && high < Number.MAX_SAFE_INTEGER;
  if (hasLow && hasHigh) parts.push(`${low} to ${high}`);
  else if (hasLow) parts.push(property.exclusiveMinimum === undefined ? `at least ${low}` : `above ${low}`);
  else if (hasHigh) parts.push(`at most ${high}`);
  if (property.type === 'array') parts.push('repeatable');
  else if (fallback !== undefined && fallback !== '') parts.push(`default ${fallback}`);
  return parts.length > 0 ? `(${parts.join('; ')})` : '';
}

function propertiesOf(schema: z.ZodObject): Record<string, Property> {
  return z.toJSONSchema(schema, { io: 'input' }).properties as Record<string, Property>;
}

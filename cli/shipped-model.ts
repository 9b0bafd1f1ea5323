/** The model that comes with Parley. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The first folder under models/ that holds a model. Throws if there is none. */
export function shippedModel(): string {
  const models = fileURLToPath(new URL('../models', import.meta.url));
  const name = readdirSync(models)
    .sort()
    .find((entry) => existsSync(join(models, entry, 'config.json')));
  if (name === undefined) {
    throw new Error(
      'no model ships with this checkout; train one with `parley loop --preset quick --out runs/quick` and give --model runs/quick/model',
    );
  }
  return join(models, name);
}

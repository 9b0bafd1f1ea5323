/**
 * Presets: plain objects that override a recipe's defaults. One preset may hold the settings of several
 * stages; `parley pretrain --preset quick` takes the part that is its own.
 */
import { assistant } from './assistant.ts';
import type { Preset, Stage } from './preset.ts';
import { quick } from './quick.ts';
import { shakespeareChar } from './shakespeare-char.ts';
import { tiny } from './tiny.ts';

export type { Preset, Stage };

export const presets: Record<string, Preset> = { quick, assistant, 'shakespeare-char': shakespeareChar, tiny };

/** The names of the presets that hold settings for every one of the `stages`. */
export function presetsFor(...stages: Stage[]): string[] {
  return Object.keys(presets).filter((name) => stages.every((stage) => presets[name]?.[stage]));
}

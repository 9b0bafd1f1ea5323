import type { DataSource, Demonstration } from '@parley/contracts';
import type { SourceContext } from '../sources/source.ts';
export function buildDemonstrations(
  _c: SourceContext,
  _o: { scale: number; local: string | undefined },
): { train: Demonstration[]; validation: Demonstration[]; sources: DataSource[] } {
  return { train: [], validation: [], sources: [] };
}

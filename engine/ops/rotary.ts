/**
 * The table of the rotary position embedding: for position p and pair i of headDim/2 pairs, the angle is
 * p · theta^(-2i/headDim). A row holds headDim/2 cosines and then headDim/2 sines.
 */
const tables: { theta: number; headDim: number; positions: number; table: Float32Array }[] = [];

/** At least `positions` rows of [cosines | sines], each headDim values; computed in double precision, then kept. */
export function rotaryTable(theta: number, headDim: number, positions: number): Float32Array {
  const known = tables.findIndex((kept) => kept.theta === theta && kept.headDim === headDim);
  if (known !== -1 && tables[known]!.positions >= positions) return tables[known]!.table;
  const half = headDim / 2;
  const table = new Float32Array(positions * headDim);
  for (let position = 0; position < positions; position++) {
    for (let pair = 0; pair < half; pair++) {
      const angle = position * theta ** ((-2 * pair) / headDim);
      table[position * headDim + pair] = Math.cos(angle);
      table[position * headDim + half + pair] = Math.sin(angle);
    }
  }
  tables[known === -1 ? tables.length : known] = { theta, headDim, positions, table };
  return table;
}

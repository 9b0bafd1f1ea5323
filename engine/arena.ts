/**
 * The arena: memory for the tensors of a scope, taken from the system once and reused by every step.
 *
 * Allocation bumps a position through a list of blocks; when a scope ends, the position goes back to where it was
 * when the scope began. Nothing is freed or cleared, so a training step in the steady state takes no memory from the
 * system. The views that tensors are made of are kept too, for the next step that allocates alike: making and collecting
 * them would take a decoding step a hundredth of its time. The first step grows the list of blocks; a block is never
 * moved, because tensors are views into it.
 *
 *     block 0  [ scope A: x  qkv  attended … | inner scope: y … ]   ← position
 *     block 1  [                                                ]
 *
 * Allocations start on 64-byte lines with a line to spare, so that vector kernels never share a cache line.
 */
import { native } from './native/addon.ts';
import type { Storage } from './tensor.ts';

const lineFloats = 16;
// Of address space: the system gives memory where it is written to. What does not fit into the rest of a block leaves
// that rest to what comes later, so few blocks let a step hold less.
const smallestBlockBytes = 2 ** 30;

interface Block {
  readonly memory: ArrayBuffer;
  readonly floats: number;
}

/** A place in the arena; scopes nest, so places are released last in, first out. */
export interface ArenaMark {
  readonly block: number;
  readonly offset: number;
  readonly allocations: number;
}

const blocks: Block[] = [];
let block = 0;
let offset = 0;
let peakFloats = 0;
/** Allocations in use, and the view that the n-th one made last: steps are alike, and views cost more than memory. */
let allocations = 0;
const views: Storage[] = [];
const viewBlocks: number[] = [];

/** Uninitialised floats, valid until the arena is released to an earlier mark. */
export function allocate(floats: number): Float32Array {
  const byte = take(floats);
  const last = lastView(byte, floats);
  return last instanceof Float32Array ? last : remember(new Float32Array(blocks[block]!.memory, byte, floats));
}

/** The same for bfloat16 numbers. */
export function allocateBf16(count: number): Uint16Array {
  const byte = take(Math.ceil(count / 2));
  const last = lastView(byte, count);
  return last instanceof Uint16Array ? last : remember(new Uint16Array(blocks[block]!.memory, byte, count));
}

/** The view that the allocation under way made last time, if it was of the same place. */
function lastView(byte: number, length: number): Storage | null {
  const last = views[allocations++];
  if (last === undefined || viewBlocks[allocations - 1] !== block) return null;
  return last.byteOffset === byte && last.length === length ? last : null;
}

function remember<View extends Storage>(view: View): View {
  views[allocations - 1] = view;
  viewBlocks[allocations - 1] = block;
  return view;
}

/** The byte of the present block where so many floats begin. */
function take(floats: number): number {
  const needed = Math.ceil(floats / lineFloats + 1) * lineFloats;
  while (block < blocks.length && offset + needed > blocks[block]!.floats) {
    block++;
    offset = 0;
  }
  if (block === blocks.length) grow(needed);
  const byte = offset * 4;
  offset += needed;
  peakFloats = Math.max(peakFloats, usedFloats());
  return byte;
}

function grow(floats: number): void {
  const bytes = Math.max(smallestBlockBytes, floats * 4);
  blocks.push({ memory: native().reserveBlock(bytes), floats: bytes / 4 });
}

function usedFloats(): number {
  let used = offset;
  for (let index = 0; index < block; index++) used += blocks[index]!.floats;
  return used;
}

export function arenaMark(): ArenaMark {
  return { block, offset, allocations };
}

export function releaseTo(mark: ArenaMark): void {
  block = mark.block;
  offset = mark.offset;
  allocations = mark.allocations;
}

/** Bytes of address space the arena holds, the most that was ever in use, and how often it had to grow. */
export function arenaStatistics(): { reservedBytes: number; peakBytes: number; blocks: number } {
  const reserved = blocks.reduce((total, { floats }) => total + floats, 0);
  return { reservedBytes: reserved * 4, peakBytes: peakFloats * 4, blocks: blocks.length };
}

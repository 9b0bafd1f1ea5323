/**
 * The arena: memory for the tensors of a scope, taken from the system once and reused by every step.
 *
 * Allocation bumps a position through a list of blocks; when a scope ends, the position goes back to where it was
 * when the scope began. Nothing is freed or cleared, so a training step in the steady state takes no memory from the
 * system and leaves nothing but small view objects to the garbage collector. The first step grows the list of blocks;
 * a block is never moved, because tensors are views into it.
 *
 *     block 0  [ scope A: x  qkv  attended … | inner scope: y … ]   ← position
 *     block 1  [                                                ]
 *
 * Allocations start on 64-byte lines with a line to spare, so that vector kernels never share a cache line.
 */
import { native } from './native/addon.ts';

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
}

const blocks: Block[] = [];
let block = 0;
let offset = 0;
let peakFloats = 0;

/** Uninitialised floats, valid until the arena is released to an earlier mark. */
export function allocate(floats: number): Float32Array {
  const start = take(floats);
  return new Float32Array(start.memory, start.byte, floats);
}

/** The same for bfloat16 numbers. */
export function allocateBf16(count: number): Uint16Array {
  const start = take(Math.ceil(count / 2));
  return new Uint16Array(start.memory, start.byte, count);
}

function take(floats: number): { memory: ArrayBuffer; byte: number } {
  const needed = Math.ceil(floats / lineFloats + 1) * lineFloats;
  while (block < blocks.length && offset + needed > blocks[block]!.floats) {
    block++;
    offset = 0;
  }
  if (block === blocks.length) grow(needed);
  const start = { memory: blocks[block]!.memory, byte: offset * 4 };
  offset += needed;
  peakFloats = Math.max(peakFloats, usedFloats());
  return start;
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
  return { block, offset };
}

export function releaseTo(mark: ArenaMark): void {
  block = mark.block;
  offset = mark.offset;
}

/** Bytes of address space the arena holds, the most that was ever in use, and how often it had to grow. */
export function arenaStatistics(): { reservedBytes: number; peakBytes: number; blocks: number } {
  const reserved = blocks.reduce((total, { floats }) => total + floats, 0);
  return { reservedBytes: reserved * 4, peakBytes: peakFloats * 4, blocks: blocks.length };
}

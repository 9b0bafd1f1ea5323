import { KeyValueCache } from '@parley/engine';
import { expect, test, vi } from 'vitest';
import { Slots } from './slots.ts';

function slotsOf(count: number) {
  const cache = new KeyValueCache({
    layers: 1,
    slots: count,
    length: 128,
    keyValueHeads: 1,
    headDim: 4,
    format: 'bf16',
  });
  const fork = vi.spyOn(cache, 'fork').mockReturnValue(undefined);
  return { slots: new Slots(count, 128, cache), fork };
}

const tokens = (length: number, first = 1) => Array.from({ length }, (_, index) => first + index);

/** A request that came and went, and left all of its prompt. */
function passThrough(slots: Slots, prompt: number[]): number {
  const { slot } = slots.take(prompt);
  slots.hold(slot, prompt.length);
  slots.release(slot);
  return slot;
}

test('a prompt takes the free slot that holds the longest beginning of it', () => {
  const { slots } = slotsOf(3);
  const [, second] = [passThrough(slots, tokens(4)), passThrough(slots, [...tokens(6), 99])];
  expect(slots.take([...tokens(6), 7, 8])).toEqual({ slot: second, held: 6 });
});

test('the last token of a prompt is never taken for held, as its logits are needed', () => {
  const { slots } = slotsOf(1);
  passThrough(slots, tokens(8));
  expect(slots.take(tokens(8)).held).toBe(7);
});

test('without anything shared, the slot whose request left longest ago gives up its content', () => {
  const { slots } = slotsOf(3);
  const left = [
    [1, 1],
    [2, 2],
    [3, 3],
  ].map((prompt) => slots.take(prompt).slot);
  for (const slot of [left[1]!, left[2]!, left[0]!]) slots.release(slot);
  expect([4, 5, 6].map((token) => slots.take([token, token]).slot)).toEqual([left[1], left[2], left[0]]);
  expect(slots.hasFree).toBe(false);
});

test('a beginning in a slot in use is copied only if it is much longer than what a free slot holds', () => {
  const { slots, fork } = slotsOf(3);
  const busy = slots.take(tokens(60));
  slots.hold(busy.slot, 60);
  expect(slots.take([...tokens(31), 99]).held).toBe(0);
  expect(fork).not.toHaveBeenCalled();

  const { slot, held } = slots.take([...tokens(40), 99]);
  expect(held).toBe(40);
  expect(fork).toHaveBeenCalledExactlyOnceWith(busy.slot, slot, 40);
  const start = slots.startOf(slot);
  expect(Array.from(slots.tokens.subarray(start, start + 41))).toEqual([...tokens(40), 99]);
});

test('what a slot no longer holds is not gone on from', () => {
  const { slots } = slotsOf(1);
  slots.hold(passThrough(slots, tokens(8)), 0);
  expect(slots.take(tokens(8)).held).toBe(0);
});

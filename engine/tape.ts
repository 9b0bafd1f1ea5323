/**
 * Scopes and the gradient tape.
 *
 * Operations run at once (eager). Inside `scope` each of them also leaves an entry on the tape: the operation, its
 * inputs, its output and whatever its gradient needs to remember. The tape is therefore a topological order of the
 * computation, and `backward` is one walk over it from the end: for every entry whose output has a gradient, the
 * operation's own `gradient` adds its share to each input.
 *
 *     tape       embedding → rmsNorm → linear → attention → linear(+residual) → … → crossEntropy
 *     backward   ←──────────────────────────────────────────────────────────────────────────── 1
 *
 * Memory. Outputs come from the arena (arena.ts) and die with the scope. The gradient of an intermediate is needed
 * only between the first consumer that writes it (walking backwards) and the operation that made it, so `backward`
 * keeps a small pool of buffers by length and hands them on: a step needs the activations plus about one layer of
 * gradients, not two copies of everything. Two more savings follow from knowing who comes first:
 *
 *   - the first contribution to a gradient overwrites (`add` is false), so nothing is cleared beforehand;
 *   - an operation whose input gradient IS its output gradient (a residual, an addition) gives the buffer away.
 *
 * Leaves (parameters, or constants with `requiresGradient` set) own their gradients across scopes; `backward` always
 * adds to those, which is what gradient accumulation over micro-batches needs. (To zeros it adds by overwriting them.)
 *
 * A part of the tape can be walked once: saved tensors may have been reused by the walk. A second loss over the same
 * computation must be added to the first one before `backward`.
 *
 * Not every output is kept. Operations that are asked to be (`recomputed`: normalisation, SwiGLU, wide projections) write
 * into buffers that the next layer takes over; when `backward` wants such a tensor, reading it computes it again. A loss
 * (`computedInBackward`) makes its value there too, together with the gradients, unless somebody reads it before.
 *
 * `checkpoint` trades time for memory: a part of the computation forgets what it saved and runs again when the walk
 * arrives there (Chen et al., "Training deep nets with sublinear memory cost", 2016).
 */
import { allocate, allocateBf16, arenaMark, releaseTo } from './arena.ts';
import { native, precision } from './native/addon.ts';
import { elementCount, formatShape, type Storage, Tensor } from './tensor.ts';

/** One differentiable operation: its shape rule, its forward and its gradient, side by side. */
export interface Operation<
  Inputs extends readonly Tensor[],
  Options,
  Saved,
  Output extends Storage = Float32Array,
  OutputGradient extends Storage = Float32Array,
> {
  readonly name: string;
  /**
   * True for an operation whose output goes into products, which round their operands: on the tape, in 'bf16', it is
   * stored rounded. The products' bits are the same and a training step keeps a tenth less memory.
   */
  readonly roundedWhenRecorded?: Uint16Array extends Output ? true : never;
  /**
   * True for an operation that is cheap to repeat: where its output is stored rounded, it is not kept for `backward`
   * but computed again there.
   */
  readonly recomputed?: true;
  /**
   * True for an operation whose forward and gradient share most of their work: where it is recorded, `forward` runs only
   * if the output is read before `backward`, and `gradient` fills the output too.
   */
  readonly computedInBackward?: true;
  /**
   * Whether the gradient of the output may come rounded to bfloat16: the other half of the same saving. Where products
   * alone read it, their bits are the same; other arithmetic takes the one rounding, as in PyTorch's autocast. See
   * GradientFlow.roundedTarget.
   */
  roundsOutputGradient?(inputs: Inputs): Uint16Array extends OutputGradient ? boolean : never;
  /** Checks inputs and options and returns the output's shape; throws a RangeError that names what was expected. */
  shape(inputs: Inputs, options: Options): readonly number[];
  /**
   * Fills `output` (not cleared) and returns what the gradient will need, if it `records`. Must give the same again if
   * it is `recomputed`.
   */
  forward(inputs: Inputs, options: Options, output: Output, records: boolean): Saved;
  /**
   * Adds d loss / d input for each input that wants it, given d loss / d output. `output` is for those that are
   * `computedInBackward`, to be filled.
   */
  gradient(
    inputs: Inputs,
    options: Options,
    saved: Saved,
    outputGradient: OutputGradient,
    flow: GradientFlow,
    output: Output,
  ): void;
}

/** Where to write a gradient: over what is there, or added to it. */
export interface GradientTarget<Data extends Storage = Float32Array> {
  readonly data: Data;
  readonly add: boolean;
}

/** What an operation's `gradient` may do with the gradients of its inputs. */
export interface GradientFlow {
  /** The place for d loss / d input, or null if nobody wants it. The caller must write all of it. */
  target(input: Tensor): GradientTarget | null;
  /**
   * The same for operations that can also write bfloat16: that is what they get, never to add to, where this is the
   * input's only use and the operation that made it takes a rounded gradient.
   */
  roundedTarget(input: Tensor): GradientTarget<Storage> | null;
  /**
   * Passes a whole buffer on as a contribution to the input's gradient. The caller must not touch the buffer
   * afterwards, except through `target`.
   */
  give(input: Tensor, gradient: Float32Array): void;
}

interface TapeEntry {
  readonly name: string;
  readonly output: Tensor;
  /** Null once walked. */
  propagate: ((outputGradient: Storage, flow: GradientFlow) => void) | null;
}

class Scope {
  alive = true;
  readonly records: boolean;
  readonly tapeStart: number;
  readonly passing = new PassingBuffers(this);

  constructor(records: boolean, tapeStart: number) {
    this.records = records;
    this.tapeStart = tapeStart;
  }
}

const scopes: Scope[] = [];
const tape: TapeEntry[] = [];

/**
 * Runs one training step: tensors made inside live in the arena and die when `fn` returns, and operations record
 * themselves for `backward`. Scopes nest. `fn` must be synchronous.
 */
export function scope<T>(fn: () => T): T {
  return within(true, fn);
}

/** The same memory discipline as `scope`, but nothing is recorded: no gradients, less to remember. */
export function inference<T>(fn: () => T): T {
  return within(false, fn);
}

function within<T>(records: boolean, fn: () => T): T {
  const current = new Scope(records, tape.length);
  const mark = arenaMark();
  scopes.push(current);
  try {
    const result = fn();
    if (result instanceof Promise) {
      throw new TypeError('A scope must be synchronous: its memory is reused as soon as the function returns.');
    }
    return result;
  } finally {
    current.alive = false;
    scopes.pop();
    tape.length = current.tapeStart;
    releaseTo(mark);
  }
}

/** Runs an operation: checks shapes, computes the output in the arena and records it if a gradient can be asked for. */
export function apply<
  Inputs extends readonly Tensor[],
  Options,
  Saved,
  Output extends Storage,
  OutputGradient extends Storage,
>(operation: Operation<Inputs, Options, Saved, Output, OutputGradient>, inputs: Inputs, options: Options): Tensor {
  const current = currentScope(operation.name);
  const shape = operation.shape(inputs, options);
  if (!records(inputs)) {
    return computed(operation.name, inputs, shape, (values) => {
      operation.forward(inputs, options, values as Output, false);
    });
  }
  const count = elementCount(shape);
  const rounds = precision() === 'bf16';
  const rounded = rounds && operation.roundedWhenRecorded === true;
  const passing = rounded && operation.recomputed === true;
  const kept = passing ? null : rounded ? allocateBf16(count) : allocate(count);
  let saved: Saved | undefined;
  const compute = (): Storage => {
    const values = passing ? current.passing.take(output) : kept!;
    const remembered = using(inputs, () => operation.forward(inputs, options, values as Output, true));
    // A later time may be within an inner scope, whose memory is gone when the gradient wants it.
    saved ??= remembered;
    return values;
  };
  const output: Tensor = new Tensor(null, shape, true, current, compute);
  if (!operation.computedInBackward) output.compute();
  for (const input of inputs) input.consumers++;
  output.roundsGradient = rounds && operation.roundsOutputGradient?.(inputs) === true;
  tape.push({
    name: operation.name,
    output,
    propagate: (outputGradient, flow) => {
      current.passing.giveBack(output);
      using(inputs, () =>
        operation.gradient(inputs, options, saved as Saved, outputGradient as OutputGradient, flow, kept as Output),
      );
      if (operation.computedInBackward) output.hold(kept!);
    },
  });
  return output;
}

/** Whether an operation on these inputs is recorded here. */
export function records(inputs: readonly Tensor[]): boolean {
  return scopes.at(-1)?.records === true && inputs.some((input) => input.requiresGradient);
}

/** An output in the arena that nothing records, such as that of one kernel for what are several operations otherwise. */
export function computed(
  name: string,
  inputs: readonly Tensor[],
  shape: readonly number[],
  fill: (values: Float32Array) => void,
): Tensor {
  const values = allocate(elementCount(shape));
  using(inputs, () => fill(values));
  return filled(name, values, shape);
}

/** A tensor of the running scope over values in the arena. */
export function filled(name: string, values: Float32Array, shape: readonly number[]): Tensor {
  return new Tensor(values, shape, false, currentScope(name));
}

function currentScope(name: string): Scope {
  const current = scopes.at(-1);
  if (current !== undefined) return current;
  throw new Error(
    `${name} was called outside a scope; wrap the computation in scope(() => …) to train or in ` +
      'inference(() => …) to only compute.',
  );
}

/** fn(), during which the values of the tensors stay where they are. */
function using<T>(tensors: readonly Tensor[], fn: () => T): T {
  use(tensors, 1);
  try {
    return fn();
  } finally {
    use(tensors, -1);
  }
}

function use(tensors: readonly Tensor[], users: number): void {
  for (const tensor of tensors) tensor.users += users;
}

/** Buffers for tensors that are not kept, by length: whoever needs one takes it over from a tensor that was used. */
class PassingBuffers {
  readonly #scope: Scope;
  readonly #holders = new Map<number, { buffer: Uint16Array; tensor: Tensor | null }[]>();

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  take(tensor: Tensor): Uint16Array {
    const sameLength = this.#holders.get(tensor.size) ?? [];
    this.#holders.set(tensor.size, sameLength);
    let holder = sameLength.find(({ tensor: held }) => held === null || (held.users === 0 && held.consumers > 0));
    if (holder === undefined) {
      // What an inner scope takes from the arena would not outlive it.
      const inArena = scopes.at(-1) === this.#scope;
      holder = { buffer: inArena ? allocateBf16(tensor.size) : new Uint16Array(tensor.size), tensor: null };
      sameLength.push(holder);
    }
    holder.tensor?.drop();
    holder.tensor = tensor;
    return holder.buffer;
  }

  giveBack(tensor: Tensor): void {
    const holder = this.#holders.get(tensor.size)?.find(({ tensor: held }) => held === tensor);
    if (holder === undefined) return;
    tensor.drop();
    holder.tensor = null;
  }
}

/**
 * Adds d loss / d leaf into the gradient of every leaf that the loss depends on. `loss` is a scalar made in the
 * scope that is still running. Each part of the computation can be walked once.
 */
export function backward(loss: Tensor): void {
  if (loss.size !== 1) {
    throw new RangeError(`backward: the loss must be a scalar, but its shape is ${formatShape(loss.shape)}.`);
  }
  const last = tape.findLastIndex((entry) => entry.output === loss);
  if (last === -1) {
    throw new Error(
      'backward: the loss is not on the tape. It must be computed inside the running scope (not inside inference) ' +
        'from at least one tensor that requires a gradient.',
    );
  }
  const flow = new PooledGradients();
  flow.give(loss, allocate(1).fill(1));
  walk(0, last, flow);
}

/** Propagates the gradients that are there through entries `last` down to `first` of the tape. */
function walk(first: number, last: number, flow: PooledGradients): void {
  try {
    for (let index = last; index >= first; index--) {
      const entry = tape[index]!;
      const outputGradient = entry.output.gradient ?? flow.takeRounded(entry.output);
      if (outputGradient === null) continue;
      if (entry.propagate === null) {
        throw new Error(
          `backward: the gradient of ${entry.name} was already computed. Add the losses first and call backward once.`,
        );
      }
      entry.output.gradient = null;
      flow.enter(outputGradient);
      entry.propagate(outputGradient, flow);
      entry.propagate = null;
      flow.leave(outputGradient);
    }
  } finally {
    for (let index = first; index <= last; index++) tape[index]!.output.gradient = null;
  }
}

/**
 * compute(input), of which a recording scope keeps the output alone: what the gradients need is computed again, a part
 * at a time, during `backward`. Results and gradients have the same bits as without.
 *
 * @param compute a pure function of the input and of leaves; the values of the leaves must not change before `backward`
 */
export function checkpoint(compute: (input: Tensor) => Tensor, input: Tensor): Tensor {
  const current = scopes.at(-1);
  if (current === undefined || !current.records || !input.requiresGradient) return compute(input);
  // The result moves down to where the inner scope began; nothing has overwritten it yet.
  const result = using([input], () =>
    scope(() => {
      const { data, shape, roundsGradient } = compute(standIn(input));
      return { data, shape, roundsGradient };
    }),
  );
  input.consumers++;
  const values = allocate(result.data.length);
  values.set(result.data);
  const output = new Tensor(values, result.shape, true, current);
  output.roundsGradient = result.roundsGradient;
  tape.push({
    name: 'checkpoint',
    output,
    propagate: (outputGradient, flow) => using([input], () => recompute(compute, input, outputGradient, flow)),
  });
  return output;
}

/** The input of a checkpoint as the computation sees it, whose consumers are not the input's own. */
function standIn(input: Tensor): Tensor {
  return new Tensor(input.stored, input.shape, true, scopes.at(-1)!);
}

/** The gradient of `checkpoint`, in a scope of its own: a second tape, whose gradients begin and end on the first. */
function recompute(
  compute: (input: Tensor) => Tensor,
  input: Tensor,
  outputGradient: Storage,
  flow: GradientFlow,
): void {
  const gradient = scope(() => {
    const first = tape.length;
    const inner = standIn(input);
    inner.roundsGradient = input.roundsGradient && input.consumers === 1;
    const within = new PooledGradients();
    within.begin(compute(inner), outputGradient);
    walk(first, tape.length - 1, within);
    return inner.gradient ?? within.takeRounded(inner);
  });
  if (gradient === null) return;
  if (gradient instanceof Uint16Array) {
    flow.roundedTarget(input)!.data.set(gradient);
    return;
  }
  // A residual hands the output's own buffer on to the input: then it may leave this scope as it is.
  if (gradient === outputGradient) {
    flow.give(input, gradient);
    return;
  }
  // Like the result of `checkpoint`, the gradient moves down from a scope that has just returned.
  const target = flow.target(input)!;
  if (target.add) native().scale(gradient, 1, target.data, true);
  else target.data.set(gradient);
}

/** Gradients of intermediates, recycled by length as the walk leaves them behind. */
class PooledGradients implements GradientFlow {
  readonly #free = new Map<number, Float32Array[]>();
  readonly #freeRounded = new Map<number, Uint16Array[]>();
  readonly #rounded = new Map<Tensor, Uint16Array>();
  #current: Storage | null = null;
  #currentGivenAway = false;

  /** Puts the gradient there that a walk starts from. */
  begin(output: Tensor, gradient: Storage): void {
    if (gradient instanceof Uint16Array) this.#rounded.set(output, gradient);
    else output.gradient = gradient;
  }

  enter(outputGradient: Storage): void {
    this.#current = outputGradient;
    this.#currentGivenAway = false;
  }

  leave(outputGradient: Storage): void {
    if (outputGradient instanceof Uint16Array) recycle(this.#freeRounded, outputGradient);
    else if (!this.#currentGivenAway) recycle(this.#free, outputGradient);
    this.#current = null;
  }

  /** What roundedTarget made for a tensor. */
  takeRounded(tensor: Tensor): Uint16Array | null {
    const gradient = this.#rounded.get(tensor) ?? null;
    this.#rounded.delete(tensor);
    return gradient;
  }

  target(input: Tensor): GradientTarget | null {
    if (!input.requiresGradient) return null;
    const zeros = input.takeZeros();
    if (zeros !== null) return { data: zeros, add: false };
    if (input.gradient !== null) return { data: input.gradient, add: true };
    if (input.isLeaf) {
      input.gradient = new Float32Array(input.size);
      return { data: input.gradient, add: true };
    }
    input.gradient = this.#free.get(input.size)?.pop() ?? allocate(input.size);
    return { data: input.gradient, add: false };
  }

  roundedTarget(input: Tensor): GradientTarget<Storage> | null {
    if (!input.roundsGradient || input.consumers !== 1) return this.target(input);
    const data = this.#freeRounded.get(input.size)?.pop() ?? allocateBf16(input.size);
    this.#rounded.set(input, data);
    return { data, add: false };
  }

  give(input: Tensor, gradient: Float32Array): void {
    if (!input.requiresGradient) return;
    const isCurrent = gradient === this.#current;
    if (!input.isLeaf && input.gradient === null && !(isCurrent && this.#currentGivenAway)) {
      input.gradient = gradient;
      if (isCurrent) this.#currentGivenAway = true;
      return;
    }
    const target = this.target(input)!;
    if (target.add) native().scale(gradient, 1, target.data, true);
    else target.data.set(gradient);
    if (!isCurrent) recycle(this.#free, gradient);
  }
}

function recycle<Buffer extends Storage>(free: Map<number, Buffer[]>, buffer: Buffer): void {
  const sameLength = free.get(buffer.length);
  if (sameLength === undefined) free.set(buffer.length, [buffer]);
  else sameLength.push(buffer);
}

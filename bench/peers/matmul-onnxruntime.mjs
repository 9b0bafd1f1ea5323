// onnxruntime-node's f32 matrix product: node matmul-onnxruntime.mjs SIZE THREADS
// Prints one JSON object: gflops, median of ten runs of C[n, n] = A[n, n] B[n, n].
import { createRequire } from 'node:module';

const require = createRequire(new URL('.installed/npm/', import.meta.url));
const { InferenceSession, Tensor } = require('onnxruntime-node');
const [size, threads] = process.argv.slice(2).map(Number);

// A model of one MatMul, spelled in protocol buffers: field number and wire type, length, content.
const text = (value) => [...Buffer.from(value)];
const varint = (value) => (value < 128 ? [value] : [(value & 127) | 128, ...varint(value >> 7)]);
const number = (field, value) => [field << 3, ...varint(value)];
const block = (field, bytes) => [(field << 3) | 2, ...varint(bytes.length), ...bytes];
const dimension = block(1, number(1, size));
const floatMatrix = block(1, [...number(1, 1), ...block(2, [...dimension, ...dimension])]);
const value = (name) => [...block(1, text(name)), ...block(2, floatMatrix)];
const node = [...block(1, text('a')), ...block(1, text('b')), ...block(2, text('c')), ...block(4, text('MatMul'))];
const graph = [
  ...block(1, node),
  ...block(2, text('product')),
  ...block(11, value('a')),
  ...block(11, value('b')),
  ...block(12, value('c')),
];
const model = Uint8Array.from([...number(1, 8), ...block(7, graph), ...block(8, number(2, 17))]);

const session = await InferenceSession.create(model, { intraOpNumThreads: threads });
const matrix = () => new Tensor('float32', Float32Array.from({ length: size * size }, Math.random), [size, size]);
const feeds = { a: matrix(), b: matrix() };
const milliseconds = [];
for (let run = 0; run < 13; run++) {
  const start = performance.now();
  await session.run(feeds);
  milliseconds.push(performance.now() - start);
}
const sorted = milliseconds.slice(3).sort((a, b) => a - b);
const { version } = require('onnxruntime-node/package.json');
console.log(JSON.stringify({ gflops: (2 * size ** 3) / sorted[5] / 1e6, version }));

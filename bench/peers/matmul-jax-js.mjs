// jax-js's f32 matrix product in WebAssembly: node matmul-jax-js.mjs SIZE
// Prints one JSON object: gflops, median of ten runs of C[n, n] = A[n, n] B[n, n], its values fetched.
import { readFileSync } from 'node:fs';

const folder = new URL('.installed/npm/node_modules/@jax-js/jax/', import.meta.url);
const { defaultDevice, init, numpy } = await import(new URL('dist/index.js', folder).href);
const size = Number(process.argv[2]);
await init('wasm');
defaultDevice('wasm');
const matrix = () => numpy.array(Float32Array.from({ length: size * size }, Math.random)).reshape([size, size]);
const a = matrix();
const b = matrix();
const milliseconds = [];
for (let run = 0; run < 12; run++) {
  const start = performance.now();
  await numpy.matmul(a.ref, b.ref).data();
  milliseconds.push(performance.now() - start);
}
const sorted = milliseconds.slice(2).sort((x, y) => x - y);
const { version } = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8'));
console.log(JSON.stringify({ gflops: (2 * size ** 3) / sorted[5] / 1e6, version }));

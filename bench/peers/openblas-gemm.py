"""OpenBLAS's f32 matrix products, through NumPy, on the shapes of bench/gemm.ts.

usage: openblas-gemm.py M,N,K ... [--threads 2]

Prints one JSON object: OpenBLAS's version and configuration, and for each shape and (forward, dX, dW: see bench/gemm.ts) its gflops: after a call to warm up, as many calls as fill 5 ms.
Needs a NumPy that is built on OpenBLAS, as its packages on PyPI are.
"""
import argparse
import json
import os
import time

parser = argparse.ArgumentParser()
parser.add_argument("shapes", nargs="+")
parser.add_argument("--threads", default="2")
arguments = parser.parse_args()
os.environ["OPENBLAS_NUM_THREADS"] = arguments.threads  # read once, when NumPy is imported

import numpy as np  # noqa: E402

SHORTEST_SAMPLE = 0.005

blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
if "openblas" not in blas["name"].lower():
    raise SystemExit(f"this NumPy is built on {blas['name']}, expected OpenBLAS: install NumPy from PyPI")


def measure(run, operations):
    run()
    calls, batch, start = 0, 1, time.perf_counter()
    while True:
        for _ in range(batch):
            run()
        calls += batch
        batch *= 2
        elapsed = time.perf_counter() - start
        if elapsed >= SHORTEST_SAMPLE:
            return calls * operations / elapsed / 1e9


random = np.random.default_rng(0)
shapes = []
for text in arguments.shapes:
    m, n, k = map(int, text.split(","))
    x = random.standard_normal((m, k), np.float32)
    weight = random.standard_normal((n, k), np.float32)
    y = random.standard_normal((m, n), np.float32)
    runs = {
        "forward": lambda: np.matmul(x, weight.T, out=y),
        "dX": lambda: np.matmul(y, weight, out=x),
        "dW": lambda: np.matmul(y.T, x, out=weight),
    }
    for direction, run in runs.items():
        shapes.append({"m": m, "n": n, "k": k, "direction": direction, "gflops": measure(run, 2 * m * n * k)})
        for array in (x, weight, y):  # results became operands: keep them from overflowing
            array[:] = random.standard_normal(array.shape, np.float32)

print(json.dumps({"version": blas["version"], "configuration": blas["openblas configuration"], "shapes": shapes}))

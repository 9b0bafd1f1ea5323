"""tiktoken encoding a file with the merges of a tokenizer.json, cut into documents as bench/tokenizer.ts cuts it.

usage: tiktoken-encode.py FOLDER FILE [THREADS]   (the split pattern comes on standard input)

Prints one JSON object: oneThread and megabytesPerSecond (THREADS threads) in MB/s, tokens, version; the better of two
passes each. With --ids it prints a SHA-256 over the ids (32 bits each, little-endian) instead.
"""
import array
import hashlib
import json
import sys
import time

import tiktoken

ids_only = "--ids" in sys.argv
folder, path, threads = ([a for a in sys.argv[1:] if a != "--ids"] + ["2"])[:3]
description = json.load(open(f"{folder}/tokenizer.json", encoding="utf-8"))
visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
hidden = [byte for byte in range(256) if byte not in visible]
byte_of = {chr(byte): byte for byte in visible} | {chr(256 + i): byte for i, byte in enumerate(hidden)}
special = {token["content"]: token["id"] for token in description["added_tokens"]}
ranks = {
    bytes(byte_of[character] for character in token): rank
    for token, rank in description["model"]["vocab"].items()
    if token not in special
}
encoding = tiktoken.Encoding("parley", pat_str=sys.stdin.read(), mergeable_ranks=ranks, special_tokens=special)

data = open(path, "rb").read()
documents, start = [], 0
while start < len(data):
    line_end = data.find(b"\n", start + (1 << 20))
    end = len(data) if line_end == -1 else line_end + 1
    documents.append(data[start:end].decode("utf-8", "replace"))
    start = end

if ids_only:
    digest = hashlib.sha256()
    for document in documents:
        digest.update(array.array("I", encoding.encode_ordinary(document)).tobytes())
    print(json.dumps({"ids": digest.hexdigest()}))
    sys.exit()


def seconds(encode):
    best = float("inf")
    for _ in range(2):
        began = time.perf_counter()
        encode()
        best = min(best, time.perf_counter() - began)
    return best


tokens = sum(len(encoding.encode_ordinary(document)) for document in documents)
one = seconds(lambda: [encoding.encode_ordinary(document) for document in documents])
several = seconds(lambda: encoding.encode_ordinary_batch(documents, num_threads=int(threads)))
megabytes = len(data) / 1e6
print(
    json.dumps(
        {
            "oneThread": megabytes / one,
            "megabytesPerSecond": megabytes / several,
            "tokens": tokens,
            "version": tiktoken.__version__,
        }
    )
)

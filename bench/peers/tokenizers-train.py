"""Hugging Face's tokenizers learning byte-level BPE merges from a file, cut into documents as bench/tokenizer.ts cuts it.

usage: tokenizers-train.py FILE VOCABULARY   (the split pattern comes on standard input)

Prints one JSON object: seconds, megabytes, vocabulary, version. RAYON_NUM_THREADS in the environment sets the threads.
"""
import json
import os
import sys
import time

os.environ["TOKENIZERS_PARALLELISM"] = "true"
import tokenizers  # noqa: E402
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers  # noqa: E402

path, vocabulary = sys.argv[1], int(sys.argv[2])
pattern = sys.stdin.read()
data = open(path, "rb").read()
documents, start = [], 0
while start < len(data):
    line_end = data.find(b"\n", start + (1 << 20))
    end = len(data) if line_end == -1 else line_end + 1
    documents.append(data[start:end].decode("utf-8", "replace"))
    start = end

tokenizer = Tokenizer(models.BPE())
tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
    [
        pre_tokenizers.Split(Regex(pattern), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ]
)
tokenizer.decoder = decoders.ByteLevel()
trainer = trainers.BpeTrainer(
    vocab_size=vocabulary,
    min_frequency=2,
    special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|pad|>"],
    initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    show_progress=False,
)
began = time.perf_counter()
tokenizer.train_from_iterator(documents, trainer)
seconds = time.perf_counter() - began
print(
    json.dumps(
        {
            "seconds": seconds,
            "megabytes": len(data) / 1e6,
            "vocabulary": tokenizer.get_vocab_size(),
            "version": tokenizers.__version__,
        }
    )
)

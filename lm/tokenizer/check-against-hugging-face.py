"""Holds Parley's tokenizer against Hugging Face's Rust `tokenizers` and `transformers`, outside CI.

    python lm/tokenizer/check-against-hugging-face.py TEXT-FILE [--vocabulary N] [--gpt2 FOLDER]

Needs `pip install tokenizers transformers` and runs `npx parley` for Parley's side. It checks that
  1. training on TEXT-FILE learns the same merges and vocabulary,
  2. encoding gives the same ids for the text, for every Unicode character, and for random mixtures,
  3. transformers loads the folder and applies the same chat template,
  4. with --gpt2 (a folder with GPT-2's encoder.json and vocab.bpe): the same for other tokenizers' splits;
     FOLDER's excerpt for the unit tests is written with --write-golden,
and prints how long both took. Exit code 1 at the first difference.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ["TOKENIZERS_PARALLELISM"] = "false"
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|pad|>"]
LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
GPT4 = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*"
    r"|\s*[\r\n]|\s+(?!\S)|\s+"
)
GOLDEN_TEXTS = [
    "Hello world",
    "I've seen it: 12345 times, haven't we?\n\n  Yes.",
    "def add(a, b):\n    return a + b  # naïve",
    "你好，世界 🌍!",
]


def parley(*arguments, lines=None):
    text = None if lines is None else "".join(json.dumps(line) + "\n" for line in lines)
    command = ["npx", "--no-install", "parley", *arguments]
    result = subprocess.run(command, cwd=ROOT, input=text, text=True, stdout=subprocess.PIPE, check=True)
    return [json.loads(line) for line in result.stdout.split("\n") if line]


def expect_equal(name, ours, theirs, show=lambda value: value):
    if ours == theirs:
        print(f"  same: {name}")
        return
    at = next((i for i, (a, b) in enumerate(zip(ours, theirs)) if a != b), min(len(ours), len(theirs)))
    print(f"  DIFFERENT: {name}, item {at}\n    parley:       {show(ours[at:at + 3])}\n    hugging face: {show(theirs[at:at + 3])}")
    sys.exit(1)


def mixtures(text, count):
    """Random pieces of the text, of all of Unicode and of awkward fragments, glued together."""
    source = random.Random(1)
    fragments = ["'s", "'LL", "'ſ", " ", "  ", "\n", "\r\n", "\t", "\u3000", "\u00a0", "\u0085", "\ufeff", "👩‍👩‍👧", "1️⃣", "٣", "½", "e\u0301"]

    def piece():
        kind = source.random()
        if kind < 0.5:
            start = source.randrange(len(text))
            return text[start : start + source.randrange(1, 40)]
        if kind < 0.8:
            return source.choice(fragments)
        code = source.choice([source.randrange(0x300), source.randrange(0xD800), source.randrange(0xE000, 0x110000)])
        return chr(code)

    return ["".join(piece() for _ in range(source.randrange(1, 12))).replace("<|", "<!") for _ in range(count)]


def assigned_everywhere(texts):
    """Newer Unicode versions know more letters: leave out what this Python does not know to be assigned."""
    import unicodedata

    return ["".join(c for c in text if unicodedata.category(c) != "Cn") for text in texts]


def check_encoding(name, folder, texts):
    theirs_tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    ours = parley("tokenizer", "encode", "--model", str(folder), "--json", lines=texts)
    theirs = [theirs_tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
    for i, text in enumerate(texts):
        if ours[i] != theirs[i]:
            print(f"  DIFFERENT: {name}: {text!r}\n    parley:       {ours[i]}\n    hugging face: {theirs[i]}")
            sys.exit(1)
    print(f"  same: ids of {len(texts)} texts, {name}")
    decoded = parley("tokenizer", "decode", "--model", str(folder), "--json", lines=theirs)
    expect_equal(f"text of {len(texts)} texts, {name}", decoded, [theirs_tokenizer.decode(ids) for ids in theirs])


def check_training(file, text, vocabulary, folder):
    started = time.perf_counter()
    parley("tokenizer", "train", "--data", str(file), "--vocabulary", str(vocabulary), "--out", str(folder), "--json")
    ours_seconds = time.perf_counter() - started
    ours = json.loads((folder / "tokenizer.json").read_text())
    pre_tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json")).pre_tokenizer
    peer = Tokenizer(models.BPE())
    peer.pre_tokenizer = pre_tokenizer
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        min_frequency=2,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    started = time.perf_counter()
    peer.train_from_iterator([text], trainer)
    print(f"  training: parley {ours_seconds:.1f} s with start-up, hugging face {time.perf_counter() - started:.1f} s")
    theirs = json.loads(peer.to_str())["model"]
    expect_equal("merges", ours["model"]["merges"], [" ".join(pair) for pair in theirs["merges"]])
    expect_equal("vocabulary", sorted(ours["model"]["vocab"].items()), sorted(theirs["vocab"].items()))


def check_speed(folder, text):
    documents = [text[i : i + 20_000] for i in range(0, min(len(text), 4_000_000), 20_000)]
    megabytes = sum(len(document.encode()) for document in documents) / 1e6
    script = (
        "import { Tokenizer } from './lm/tokenizer/index.ts';"
        "import { readFileSync } from 'node:fs';"
        "const documents = JSON.parse(readFileSync(0, 'utf8'));"
        f"const tokenizer = Tokenizer.load({json.dumps(str(folder))});"
        "const started = process.cpuUsage();"
        "for (const document of documents) tokenizer.encode(document);"
        "console.log(process.cpuUsage(started).user);"
    )
    with tempfile.NamedTemporaryFile("w", suffix=".mts", dir=ROOT, delete=False) as file:
        file.write(script.replace("./lm", str(ROOT / "lm")))
    try:
        run = subprocess.run(
            ["npx", "--no-install", "tsx", file.name], cwd=ROOT, input=json.dumps(documents), text=True, stdout=subprocess.PIPE, check=True
        )
    finally:
        os.unlink(file.name)
    peer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    started = time.process_time()
    for document in documents:
        peer.encode(document)
    theirs = time.process_time() - started
    ours = float(run.stdout) / 1e6
    print(f"  encoding {megabytes:.1f} MB, by processor time: parley {megabytes / ours:.1f} MB/s, hugging face {megabytes / theirs:.1f} MB/s")


def check_transformers(folder):
    from transformers import AutoTokenizer

    peer = AutoTokenizer.from_pretrained(folder)
    messages = [{"role": "user", "content": "你好"}, {"role": "assistant", "content": "\nHi there"}, {"role": "user", "content": "Bye"}]
    text = peer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    expected = "".join(f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>\n" for m in messages) + "<|im_start|>assistant\n"
    expect_equal("chat template in transformers", text, expected)
    expect_equal("end and padding tokens", [peer.eos_token_id, peer.pad_token_id, len(peer)], [2, 3, peer.vocab_size])


def gpt2_json(folder, pre_tokenizer, keep=lambda token: True):
    vocabulary = json.loads((folder / "encoder.json").read_text())
    merges = [line for line in (folder / "vocab.bpe").read_text().split("\n")[1:] if line]
    tokenizer = Tokenizer(
        models.BPE(
            vocab={token: id for token, id in vocabulary.items() if keep(token)},
            merges=[tuple(line.split(" ")) for line in merges if keep(line.replace(" ", ""))],
        )
    )
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def check_gpt2(gpt2, texts, golden):
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    gpt2_split = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    split = lambda pattern: pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated"), byte_level])  # noqa: E731
    styles = {
        "GPT-2": gpt2_split,
        "GPT-2 with a space in front": pre_tokenizers.ByteLevel(add_prefix_space=True, use_regex=True),
        "SmolLM's split": pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), gpt2_split]),
        "Llama 3's split": split(LLAMA3),
        "GPT-4's split": split(GPT4),
    }
    for name, pre_tokenizer in styles.items():
        with tempfile.TemporaryDirectory() as folder:
            gpt2_json(gpt2, pre_tokenizer).save(str(Path(folder) / "tokenizer.json"))
            check_encoding(name, Path(folder), texts)
    if golden:
        whole = gpt2_json(gpt2, gpt2_split)
        words = [word for text in GOLDEN_TEXTS for word, _ in gpt2_split.pre_tokenize_str(text)]
        # Exactly the merges that can happen in these words: the excerpt encodes them as the whole does.
        excerpt = gpt2_json(gpt2, gpt2_split, lambda token: len(token) == 1 or any(token in word for word in words))
        cases = [{"text": text, "ids": whole.encode(text).ids} for text in GOLDEN_TEXTS]
        path = Path(__file__).with_name("gpt2.golden.json")
        path.write_text(json.dumps({"cases": cases, "tokenizer": json.loads(excerpt.to_str())}, ensure_ascii=False) + "\n")
        print(f"  wrote {path}")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("text", type=Path)
    arguments.add_argument("--vocabulary", type=int, default=8192)
    arguments.add_argument("--gpt2", type=Path)
    arguments.add_argument("--write-golden", action="store_true")
    options = arguments.parse_args()
    text = options.text.read_bytes().decode("utf-8")
    everything = ["".join(chr(c) for c in range(start, start + 64)) for start in range(0, 0x110000, 64) if not 0xD800 <= start < 0xE000]
    texts = assigned_everywhere(everything + mixtures(text, 5000)) + [text[:200_000]]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        check_training(options.text, text, options.vocabulary, folder)
        check_encoding("Parley's split", folder, texts)
        check_transformers(folder)
        check_speed(folder, text)
    if options.gpt2:
        check_gpt2(options.gpt2, texts, options.write_golden)


if __name__ == "__main__":
    main()

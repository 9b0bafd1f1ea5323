"""Does a model folder written by Parley mean the same to Hugging Face transformers?

    python lm/models/check-against-transformers.py FOLDER        (needs torch and transformers; run in the repository)

Loads the folder on both sides in float32, encodes English and Chinese prompts and one conversation, and compares token
ids and logits. Exits with 1 if ids differ or a logit is off by more than 1e-3.
"""

import json
import subprocess
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

TOLERANCE = 1e-3
PROMPTS = [
    "The capital of France is",
    "Once upon a time, there was a little girl who lived near the sea.",
    "def add(a, b):\n    return a +",
    "从前有一个小女孩，她住在海边。",
    "北京是中国的首都，How are you? 你好！🙂",
]
CONVERSATION = [{"role": "user", "content": "你好, who are you?"}]

PARLEY = """
import { readFileSync } from 'node:fs';
import { inference, setPrecision } from '@parley/engine';
import { loadModel } from '@parley/lm/checkpoint';
setPrecision('f32');
const { folder, prompts, conversation } = JSON.parse(readFileSync(0, 'utf8'));
const { model, tokenizer } = loadModel(folder);
const chat = '<|im_start|>' in tokenizer.special ? [tokenizer.renderChat(conversation, { open: true }).ids] : [];
const answers = [...prompts.map((prompt) => tokenizer.encode(prompt)), ...chat].map((ids) => ({
  ids,
  logits: inference(() => [...model.logits(model.hidden(Int32Array.from(ids), { batch: 1, length: ids.length })).data]),
}));
process.stdout.write(JSON.stringify(answers));
"""


def ask_parley(folder):
    command = ["node", "--import", "tsx", "--input-type=module", "--eval", PARLEY]
    question = json.dumps({"folder": folder, "prompts": PROMPTS, "conversation": CONVERSATION})
    return json.loads(subprocess.run(command, input=question, stdout=subprocess.PIPE, check=True, text=True).stdout)


def main(folder):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    encodings = [tokenizer(prompt, add_special_tokens=False)["input_ids"] for prompt in PROMPTS]
    if tokenizer.chat_template:
        text = tokenizer.apply_chat_template(CONVERSATION, tokenize=False, add_generation_prompt=True)
        encodings.append(tokenizer(text, add_special_tokens=False)["input_ids"])
    worst = 0.0
    for ids, parley in zip(encodings, ask_parley(folder), strict=True):
        same = ids == parley["ids"]
        with torch.no_grad():
            logits = model(torch.tensor([parley["ids"]])).logits[0]
        difference = (logits - torch.tensor(parley["logits"]).reshape(logits.shape)).abs().max().item()
        worst = max(worst, difference if same else float("inf"))
        print(f"{len(ids):4d} tokens  ids {'equal' if same else 'DIFFER'}  largest logit difference {difference:.2e}")
    print(f"{folder}: {'agrees' if worst <= TOLERANCE else 'DISAGREES'} with transformers (tolerance {TOLERANCE})")
    return 0 if worst <= TOLERANCE else 1


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))

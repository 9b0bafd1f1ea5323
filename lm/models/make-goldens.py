"""Golden values for llama.test.ts: tiny Llamas in Hugging Face transformers, in float64.

    python lm/models/make-goldens.py        writes lm/models/llama.golden.json

Weights are not stored: both sides draw them from the same Lehmer generator, one stream per parameter in the order
of the file's `parameters`.
"""

import json
from pathlib import Path

import torch
from transformers import LlamaConfig, LlamaForCausalLM

VOCABULARY, BATCH, LENGTH = 37, 2, 11

CASES = {
    "grouped heads, tied": dict(num_key_value_heads=2, head_dim=8, tie_word_embeddings=True, rope_theta=10000.0),
    "wide heads, untied": dict(num_key_value_heads=1, head_dim=12, tie_word_embeddings=False, rope_theta=500.0),
}


def lehmer(seed, count):
    state = seed
    for _ in range(count):
        state = state * 48271 % 2147483647
        yield state / 2147483647 - 0.5


def weights(index, shape, is_norm):
    scale, offset = (0.4, 1.0) if is_norm else (0.5, 0.0)
    values = [offset + scale * value for value in lehmer(index + 1, torch.Size(shape).numel())]
    # Through float32, which is what the other side holds.
    return torch.tensor(values, dtype=torch.float32).reshape(shape).double()


def make(case):
    rope_theta = case.pop("rope_theta")
    config = LlamaConfig(
        vocab_size=VOCABULARY, hidden_size=32, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=16, rms_norm_eps=1e-5, rope_parameters={"rope_type": "default", "rope_theta": rope_theta},
        attn_implementation="eager", **case,
    )
    model = LlamaForCausalLM(config).double().eval()
    names = []
    with torch.no_grad():
        for index, (name, parameter) in enumerate(model.named_parameters()):
            parameter.copy_(weights(index, parameter.shape, name.endswith("norm.weight")))
            names.append(name)
    ids = torch.tensor([int((v + 0.5) * VOCABULARY) for v in lehmer(99, BATCH * LENGTH)]).reshape(BATCH, LENGTH)
    logits = model(ids).logits
    # Next-token loss by hand: the mean over all positions but the last of each sequence.
    loss = torch.nn.functional.cross_entropy(logits[:, :-1].reshape(-1, VOCABULARY), ids[:, 1:].reshape(-1))
    loss.backward()
    return {
        "config": {
            "vocab_size": VOCABULARY, "hidden_size": 32, "intermediate_size": 40, "num_hidden_layers": 2,
            "num_attention_heads": 4, "max_position_embeddings": 16, "rms_norm_eps": 1e-5, "rope_theta": rope_theta, **case,
        },
        "parameters": names,
        "batch": BATCH,
        "length": LENGTH,
        "ids": ids.flatten().tolist(),
        "logits": [float(f"{value:.7g}") for value in logits.flatten().tolist()],
        "loss": loss.item(),
        "gradientNorms": {name: parameter.grad.norm().item() for name, parameter in model.named_parameters()},
    }


if __name__ == "__main__":
    path = Path(__file__).with_name("llama.golden.json")
    path.write_text(json.dumps({name: make(dict(case)) for name, case in CASES.items()}) + "\n")

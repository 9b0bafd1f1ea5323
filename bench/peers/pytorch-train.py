"""One training step of the same decoder in PyTorch, for bench/compare-train.ts.

usage: pytorch-train.py LAYERSxWIDTHxHEADSxCONTEXTxBATCHxVOCABULARY bf16|f32 STEPS
Prints one JSON object: tokensPerSecond (median over STEPS after two to warm up), memoryMB, version.
"""
import json
import resource
import statistics
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

layers, width, heads, context, batch, vocabulary = map(int, sys.argv[1].split("x"))
precision, steps = sys.argv[2], int(sys.argv[3])
intermediate = (8 * width // 3 + 63) // 64 * 64
head_width = width // heads
torch.manual_seed(0)


class Norm(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return F.rms_norm(x, (width,), self.weight, 1e-5)


angles = torch.arange(context)[:, None] * 10000 ** (-torch.arange(0, head_width, 2) / head_width)
cosine, sine = angles.cos(), angles.sin()


def rotate(x):
    a, b = x.chunk(2, -1)
    return torch.cat([a * cosine - b * sine, b * cosine + a * sine], -1)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention_norm, self.mlp_norm = Norm(), Norm()
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.output = nn.Linear(width, width, bias=False)
        self.gate_up = nn.Linear(width, 2 * intermediate, bias=False)
        self.down = nn.Linear(intermediate, width, bias=False)

    def forward(self, x):
        q, k, v = (
            part.view(*x.shape[:2], heads, head_width).transpose(1, 2)
            for part in self.qkv(self.attention_norm(x)).split(width, -1)
        )
        q, k = rotate(q).to(v.dtype), rotate(k).to(v.dtype)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.output(mixed.transpose(1, 2).reshape(x.shape))
        gate, up = self.gate_up(self.mlp_norm(x)).chunk(2, -1)
        return x + self.down(F.silu(gate) * up)


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.blocks = nn.ModuleList(Block() for _ in range(layers))
        self.norm = Norm()

    def forward(self, ids, targets):
        x = self.embedding(ids)
        for block in self.blocks:
            x = block(x)
        logits = F.linear(self.norm(x), self.embedding.weight)
        return F.cross_entropy(logits.float().view(-1, vocabulary), targets.view(-1))


model = Decoder()
optimizer = torch.optim.AdamW(model.parameters(), 3e-4, fused=True)
seconds = []
for step in range(steps + 2):
    ids = torch.randint(vocabulary, (batch, context))
    targets = torch.randint(vocabulary, (batch, context))
    start = time.perf_counter()
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
        loss = model(ids, targets)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    if step >= 2:
        seconds.append(time.perf_counter() - start)
print(
    json.dumps(
        {
            "tokensPerSecond": batch * context / statistics.median(seconds),
            "memoryMB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            "version": torch.__version__,
            "parameters": sum(p.numel() for p in model.parameters()),
        }
    )
)

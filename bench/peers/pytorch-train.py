"""One training step of the same decoder in PyTorch, in every mode that its CPU backend offers.

usage: pytorch-train.py LAYERSxWIDTHxHEADSxCONTEXTxBATCHxVOCABULARY [MODE ...] [--steps N]

A mode is f32 or bf16 (autocast), each also as f32-compile and bf16-compile (torch.compile); default: all four, each in
a process of its own. Prints one JSON object: the fastest mode's tokensPerSecond (median over N steps and at least two
seconds, after three steps and at least one second to warm up), memoryMB (largest resident set of its process),
parameters and version, its name as `mode`, and the figures of all modes as `modes`.

Written for speed: fused AdamW, scaled_dot_product_attention, q/k/v and gate/up as one product each. torch.compile fuses
the rest.
"""
import argparse
import json
import resource
import statistics
import subprocess
import sys
import time

modes = ("f32", "bf16", "f32-compile", "bf16-compile")


def measure(size, mode, steps):
    import torch
    import torch.nn.functional as F
    from torch import nn

    layers, width, heads, context, batch, vocabulary = size
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

    decoder = Decoder()
    model = torch.compile(decoder) if mode.endswith("-compile") else decoder
    optimizer = torch.optim.AdamW(decoder.parameters(), 3e-4, fused=True)
    seconds = []
    compiled = warm = None  # when
    while warm is None or len(seconds) < steps or time.perf_counter() - warm < 2:
        ids = torch.randint(vocabulary, (batch, context))
        targets = torch.randint(vocabulary, (batch, context))
        start = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=mode.startswith("bf16")):
            loss = model(ids, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(decoder.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        now = time.perf_counter()
        seconds.append(now - start)
        compiled = compiled or now
        if warm is None and len(seconds) >= 3 and now - compiled >= 1:
            warm = now
            seconds.clear()
    return {
        "mode": mode,
        "tokensPerSecond": batch * context / statistics.median(seconds),
        "memoryMB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "version": torch.__version__,
        "parameters": sum(p.numel() for p in decoder.parameters()),
    }


parser = argparse.ArgumentParser()
parser.add_argument("size")
parser.add_argument("modes", nargs="*", metavar="MODE")
parser.add_argument("--steps", type=int, default=5)
arguments = parser.parse_args()
wanted = arguments.modes or modes
unknown = [mode for mode in wanted if mode not in modes]
if unknown:
    parser.error(f"there is no mode {unknown[0]}; known are {', '.join(modes)}")
if len(wanted) == 1:
    result = measure(list(map(int, arguments.size.split("x"))), wanted[0], arguments.steps)
    print(json.dumps({**result, "modes": {wanted[0]: result}}))
else:
    rest = ["--steps", str(arguments.steps)]
    command = [sys.executable, __file__, arguments.size]
    results = [json.loads(subprocess.check_output([*command, mode, *rest])) for mode in wanted]
    best = max(results, key=lambda result: result["tokensPerSecond"])
    print(json.dumps({**best, "modes": {result["mode"]: result["modes"][result["mode"]] for result in results}}))

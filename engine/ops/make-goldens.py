"""Writes the golden values that the operations' tests compare with: PyTorch's outputs and gradients on small inputs.

    python engine/ops/make-goldens.py        (needs torch; float64 inside, so the values are exact to float32)

Deterministic: running it again writes the same bytes. Every file holds the inputs, an upstream gradient, the outputs
and the gradients of one operation, as nested lists.
"""

import json
import math
from pathlib import Path

import torch
import torch.nn.functional as F

HERE = Path(__file__).parent
torch.set_default_dtype(torch.float64)


def random(*shape, scale=1.0):
    """Normal values that are exact in float32 and short in decimal."""
    return (torch.randn(*shape) * scale * 256).round() / 256


def leaf(*shape, scale=1.0):
    return random(*shape, scale=scale).requires_grad_()


def listed(value):
    if not isinstance(value, torch.Tensor):
        return value
    value = value.detach()
    if not value.is_floating_point():
        return value.tolist()
    return json.loads(json.dumps(value.tolist()), parse_float=lambda text: float(f"{float(text):.9g}"))


def write(name, **entries):
    text = json.dumps({key: listed(value) for key, value in entries.items()})
    (HERE / f"{name}.golden.json").write_text(text + "\n")


def rms_norm():
    x, weight, upstream = leaf(5, 24), leaf(24), random(5, 24)
    output = F.rms_norm(x, (24,), weight, eps=1e-5)
    output.backward(upstream)
    write("rms-norm", epsilon=1e-5, x=x, weight=weight, upstream=upstream, output=output,
          xGradient=x.grad, weightGradient=weight.grad)


def swiglu():
    gate_up, upstream = leaf(4, 22, scale=3.0), random(4, 11)
    gate, up = gate_up.chunk(2, dim=1)
    output = F.silu(gate) * up
    output.backward(upstream)
    write("swiglu", gateUp=gate_up, upstream=upstream, output=output, gateUpGradient=gate_up.grad)


def linear():
    x, weight, residual, upstream = leaf(6, 20), leaf(9, 20), leaf(6, 9), random(6, 9)
    output = F.linear(x, weight) + residual
    output.backward(upstream)
    write("linear", x=x, weight=weight, residual=residual, upstream=upstream, output=output,
          xGradient=x.grad, weightGradient=weight.grad, residualGradient=residual.grad)


def embedding():
    ids = torch.tensor([3, 0, 3, 6, 1, 3, 0])
    weight, upstream = leaf(7, 10), random(7, 10)
    output = F.embedding(ids, weight)
    output.backward(upstream)
    write("embedding", ids=ids, weight=weight, upstream=upstream, output=output, weightGradient=weight.grad)


def cross_entropy():
    hidden, weight = leaf(7, 12), leaf(19, 12)
    targets = torch.tensor([4, -1, 18, 0, 7, -1, 7])
    log_probabilities = F.log_softmax(hidden @ weight.T, dim=1)
    counted = targets >= 0
    picked = log_probabilities.gather(1, targets.clamp(min=0)[:, None])[:, 0] * counted
    loss = -picked.sum() / counted.sum()
    loss.backward()
    write("cross-entropy", hidden=hidden, weight=weight, targets=targets, loss=loss, logProbabilities=picked,
          hiddenGradient=hidden.grad, weightGradient=weight.grad)


def rotate(x, theta):
    """Hugging Face's apply_rotary_pos_emb: x is [batch, heads, length, d]."""
    length, d = x.shape[-2:]
    frequencies = theta ** (-torch.arange(0, d, 2) / d)
    angles = torch.arange(length)[:, None] * frequencies[None, :]
    cosine, sine = (torch.cat([part, part], dim=-1) for part in (angles.cos(), angles.sin()))
    half = torch.cat([-x[..., d // 2:], x[..., : d // 2]], dim=-1)
    return x * cosine + half * sine


def attention():
    batch, length, heads, groups, d, theta = 2, 11, 4, 2, 8, 10000.0
    qkv = leaf(batch * length, (heads + 2 * groups) * d, scale=1.5)
    upstream = random(batch * length, heads * d)
    starts = torch.tensor([0, 0, 0, 0, 4, 4, 4, 7, 7, 7, 7] + [0] * 5 + [5] * 6)
    q, k, v = qkv.view(batch, length, heads + 2 * groups, d).transpose(1, 2).split([heads, groups, groups], dim=1)
    q, k = rotate(q, theta), rotate(k, theta)
    k, v = (part.repeat_interleave(heads // groups, dim=1) for part in (k, v))
    scores = q @ k.transpose(-1, -2) / math.sqrt(d)
    position = torch.arange(length)
    visible = (position[None, None, :] <= position[None, :, None]) & (
        position[None, None, :] >= starts.view(batch, length)[:, :, None])
    probabilities = scores.masked_fill(~visible[:, None], -math.inf).softmax(dim=-1)
    output = (probabilities @ v).transpose(1, 2).reshape(batch * length, heads * d)
    output.backward(upstream)
    write("attention", options=dict(heads=heads, keyValueHeads=groups, headDim=d, batch=batch, length=length,
                                    ropeTheta=theta),
          starts=starts, qkv=qkv, upstream=upstream, output=output, qkvGradient=qkv.grad)


def adamw():
    """Five steps of torch.optim.AdamW with clip_grad_norm_; the third gradient is large enough to be clipped."""
    matrix, gain = leaf(4, 5), leaf(6)
    options = dict(beta1=0.9, beta2=0.95, epsilon=1e-8, weightDecay=0.1)
    initial = torch.cat([matrix.detach().flatten(), gain.detach()])
    optimizer = torch.optim.AdamW(
        [dict(params=[matrix], weight_decay=options["weightDecay"]), dict(params=[gain], weight_decay=0.0)],
        betas=(options["beta1"], options["beta2"]), eps=options["epsilon"])
    steps = []
    for index in range(5):
        learning_rate = 0.01 * (index + 1)
        gradient = random(26, scale=4.0 if index == 2 else 0.1)
        matrix.grad, gain.grad = gradient[:20].view(4, 5).clone(), gradient[20:].clone()
        norm = torch.nn.utils.clip_grad_norm_([matrix, gain], 1.0)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate
        optimizer.step()
        values = torch.cat([matrix.detach().flatten(), gain.detach()])
        steps.append(dict(learningRate=learning_rate, gradient=listed(gradient), norm=listed(norm),
                          values=listed(values)))
    write("../optim/adamw", options=options, clip=1.0, initial=initial, steps=steps)


for seed, make in enumerate([rms_norm, swiglu, linear, embedding, cross_entropy, attention, adamw]):
    torch.manual_seed(seed)
    make()

# SPDX-License-Identifier: Apache-2.0
"""Attention for networks with narrow heads (attention.c): an operator that torch.compile leaves whole, and a processor of
diffusers' attention layers. Built at first use with the machine's C compiler.
"""
import ctypes, functools, os, subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
import torch
from common import RUN

SOURCES = [Path(__file__).with_name(n) for n in ("attention.c", "attention_tiles.c")]
WIDTHS = (8, 16)  # of heads


@functools.cache
def library():
    built = RUN / "attention.so"
    if not built.exists() or built.stat().st_mtime < max(s.stat().st_mtime for s in SOURCES):
        built.parent.mkdir(parents=True, exist_ok=True)
        half = built.with_suffix(f".{os.getpid()}")
        subprocess.run([os.environ.get("CC", "cc"), "-O3", "-march=native", "-Wno-psabi", "-shared", "-fPIC", *map(str, SOURCES), "-o", str(half), "-lm"], check=True)
        half.rename(built)
    return ctypes.CDLL(str(built))


def call(function, q, k, *tensors):
    """The heads of q, k and what else there is, each [N,heads,rows,D] float32, shared out among torch's threads."""
    (n, width), m = q.shape[2:], k.shape[2]
    flat = [t.flatten(0, 1) for t in (q, k, *tensors)]
    each = -(-len(flat[0]) // torch.get_num_threads())

    def some(first):
        function(ctypes.c_long(min(each, len(flat[0]) - first)), n, m, width, *(ctypes.c_void_p(t[first].data_ptr()) for t in flat))
    list(pool().map(some, range(0, len(flat[0]), each)))


@functools.cache
def pool():
    return ThreadPoolExecutor(torch.get_num_threads())


@torch.library.custom_op("likeness::attend", mutates_args=())
def attend(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    o, level = torch.empty_like(q), q.new_empty(q.shape[:3])
    call(library().attend, q, k, v, o, level)
    return o, level


@attend.register_fake
def _(q, k, v):
    return torch.empty_like(q), q.new_empty(q.shape[:3])


@torch.library.custom_op("likeness::attend_back", mutates_args=())
def attend_back(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, level: torch.Tensor, within: torch.Tensor,
                go: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    grads = torch.empty_like(q), torch.empty_like(k), torch.empty_like(v)
    call(library().attend_back, q, k, v, level, within, go, *grads)
    return grads


@attend_back.register_fake
def _(q, k, v, level, within, go):
    return torch.empty_like(q), torch.empty_like(k), torch.empty_like(v)


def remember(ctx, inputs, output):
    ctx.save_for_backward(*inputs, *output)


def gradients(ctx, go, _):
    q, k, v, o, level = ctx.saved_tensors
    go = go.contiguous()
    return attend_back(q, k, v, level, (o * go).sum(-1), go)


attend.register_autograd(gradients, setup_context=remember)


class NarrowAttention:
    """A diffusers attention processor. Where there are few rows torch's plain products are as fast."""

    def __call__(self, attn, h, encoder_hidden_states=None, attention_mask=None, temb=None):
        c = h if encoder_hidden_states is None else encoder_hidden_states
        n, length, width = h.shape
        split = lambda v: v.view(n, v.shape[1], attn.heads, -1).transpose(1, 2)
        q, k, v = split(attn.to_q(h)), split(attn.to_k(c)), split(attn.to_v(c))
        q = q * q.shape[-1] ** -.5
        if length >= 64 and q.shape[-1] in WIDTHS:
            y = attend(*(t.float().contiguous() for t in (q, k, v)))[0]
        else:
            y = torch.softmax(q @ k.transpose(2, 3), -1) @ v
        return attn.to_out[0](y.transpose(1, 2).reshape(n, length, width))


def differences(n, m, width, sharp=1.):
    """From torch's own, as shares of those: answer, gradients of q, k and v, which are bfloat16's. sharp: how far apart the scores are."""
    q, k, v = ((torch.randn(2, 8, rows, width) * by).bfloat16().float().requires_grad_() for rows, by in ((n, sharp), (m, 1.), (m, 1.)))
    plain, ours = torch.softmax(q @ k.transpose(2, 3), -1) @ v, attend(q, k, v)[0]
    g = torch.randn_like(plain)
    pairs = [(plain, ours), *zip(*(torch.autograd.grad(o, (q, k, v), g) for o in (plain, ours)))]
    return [float(((a - b).norm() / a.norm()).detach()) for a, b in pairs]


if __name__ == "__main__":
    for shape in ((576, 576, 8), (576, 77, 8), (144, 144, 16), (144, 77, 16), (576, 77, 8, 1000.)):
        print(*shape, *(f"{d:.1e}" for d in differences(*shape)))

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Golden noise for lk_rng, as a C header.

    python tools/golden/rng.py > tests/base/golden_rng.h

torch: torch.randn on the CPU, one generator per row, several calls in a row. Philox: Random123's published known
answers, and the WebUI's way from words to normals in numpy (float32 factors, float64 arithmetic).
"""
import numpy as np
import torch

SEEDS = [0, 1, 42, 1234567890, 2**32 + 5, 2**63 + 11]
CALLS = [[1], [7], [15], [16], [17], [31], [64], [1, 1, 20, 3, 16, 2, 15], [4 * 64 * 64], [33, 4 * 64 * 64 + 5, 7]]
KEEP = 24  # of a longer row: the first and the last 12 numbers, and two sums over all


def philox(counter, key):
    m, w, mask = (0xD2511F53, 0xCD9E8D57), (0x9E3779B9, 0xBB67AE85), 0xFFFFFFFF
    c, k = list(counter), list(key)
    for _ in range(10):
        a, b = c[0] * m[0], c[2] * m[1]
        c = [(b >> 32) ^ c[1] ^ k[0], b & mask, (a >> 32) ^ c[3] ^ k[1], a & mask]
        k = [(k[0] + w[0]) & mask, (k[1] + w[1]) & mask]
    return c


def philox_normal(seed, call, n):
    unit = np.float64(np.float32(2.3283064e-10))
    turn = np.float64(np.float32(2.3283064e-10 * 6.2831855))
    key = (seed & 0xFFFFFFFF, seed >> 32)
    words = np.array([philox((call, 0, i, 0), key)[:2] for i in range(n)], np.uint32)
    u, v = words[:, 0] * unit + unit / 2, words[:, 1] * turn + turn / 2
    return (np.sqrt(-2.0 * np.log(u)) * np.sin(v)).astype(np.float32)


def torch_row(seed, calls):
    g = torch.Generator("cpu").manual_seed(seed if seed < 2**63 else seed - 2**64)
    return torch.cat([torch.randn(n, generator=g) for n in calls]).numpy()


def philox_row(seed, calls):
    return np.concatenate([philox_normal(seed, k, n) for k, n in enumerate(calls)])


def row(kind, seed, calls, values):
    kept = values if len(values) <= KEEP else np.concatenate([values[:KEEP // 2], values[-KEEP // 2:]])
    double = values.astype(np.float64)
    sums = double.sum(), (double**2).sum()
    print(f"    {{{kind}, UINT64_C({seed}), {{{', '.join(map(str, calls))}}}, {sums[0]:.9g}, {sums[1]:.9g},\n     {{"
          + ", ".join(f"{v:.9g}f" if "." in f"{v:.9g}" or "e" in f"{v:.9g}" else f"{v:.9g}.0f" for v in kept) + "}},")


def main():
    torch.set_num_threads(1)
    assert philox((0, 0, 0, 0), (0, 0)) == [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]
    assert philox((0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344), (0xa4093822, 0x299f31d0)) == [
        0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1]
    print("// SPDX-License-Identifier: Apache-2.0\n/* Made by tools/golden/rng.py (torch "
          f"{torch.__version__}, {torch.backends.cpu.get_cpu_capability()}); do not edit. */\n// clang-format off")
    print(f"""#include "base/rng.h"

enum {{ GOLDEN_KEEP = {KEEP}, GOLDEN_CALLS = 8 }};

static const struct golden {{
    enum lk_rng_kind kind;
    uint64_t seed;
    int calls[GOLDEN_CALLS]; /* lengths of the calls, one after the other; 0 ends them */
    double sum, sum_of_squares;
    float value[GOLDEN_KEEP]; /* all, or the first and the last half of them */
}} goldens[] = {{""")
    for seed in SEEDS:
        for calls in CALLS:
            row("LK_RNG_TORCH", seed, calls, torch_row(seed, calls))
        for calls in ([5], [64], [7, 7, 300]):
            row("LK_RNG_PHILOX", seed, calls, philox_row(seed, calls))
    print("};")


if __name__ == "__main__":
    main()

// SPDX-License-Identifier: Apache-2.0
/* The styles of hair, a row each; hair.h says what the columns mean. Lengths are of head space, in
 * which a head is about two high.
 */
#include "hair.h"

/* clang-format off */
const struct hair_style hair_styles[HAIR_COUNT] = {
    [HAIR_BALD] = {.shell = 0.012f},
    [HAIR_BUZZ] = {.line = 1, .shell = 0.022f},
    [HAIR_SHORT] = {
        .locks = 420, .points = 9, .sides = 6, .length = 0.52f, .ragged = 0.35f, .temples = 0.6f,
        .width = 0.055f, .flat = 0.4f, .shell = 0.025f, .lift = 0.10f, .quiff = 0.12f,
        .comb = {.side = 0.7f, .down = 0.45f, .back = 0.1f, .whorl = 0.2f, .out = 0.06f},
        .stiff = 0.35f, .part = 0.38f, .bangs = true,
    },
    [HAIR_SIDE_PART] = {
        .locks = 330, .points = 11, .sides = 6, .length = 0.80f, .ragged = 0.25f,
        .temples = 0.50f, .width = 0.075f, .flat = 0.4f, .blunt = 0.1f, .shell = 0.03f,
        .lift = 0.11f, .quiff = 0.10f, .comb = {.side = 1.0f, .down = 0.5f, .back = 0.45f},
        .stiff = 0.4f, .part = 0.33f, .parted = true, .line = 1,
    },
    [HAIR_SLICKED] = {
        .locks = 310, .points = 13, .sides = 6, .length = 1.05f, .ragged = 0.2f, .temples = 0.5f,
        .width = 0.07f, .flat = 0.35f, .shell = 0.03f, .lift = 0.07f, .quiff = 0.06f,
        .comb = {.down = 0.35f, .back = 1}, .stiff = 0.4f, .line = 2,
    },
    [HAIR_SPIKY] = {
        .locks = 360, .points = 8, .sides = 6, .length = 0.46f, .ragged = 0.7f, .temples = 0.5f,
        .width = 0.066f, .flat = 0.55f, .shell = 0.03f, .lift = 0.04f,
        .comb = {.side = 0.1f, .down = 0.15f, .back = 0.15f, .whorl = 0.25f, .out = 0.8f},
        .stiff = 0.3f,
    },
    [HAIR_CURLY] = {
        .locks = 300, .points = 15, .sides = 5, .length = 0.55f, .ragged = 0.3f, .temples = 0.6f,
        .width = 0.058f, .flat = 0.6f, .blunt = 0.3f, .shell = 0.05f, .lift = 0.16f,
        .quiff = 0.05f, .comb = {.down = 0.4f, .whorl = 0.5f, .out = 0.3f}, .stiff = 0.3f,
        .curl = 0.065f, .pitch = 0.26f,
    },
    [HAIR_AFRO] = {
        .locks = 500, .points = 12, .sides = 5, .length = 0.20f, .ragged = 0.3f, .temples = 1,
        .width = 0.034f, .flat = 0.8f, .blunt = 0.2f, .shell = 0.02f, .lift = 0.42f,
        .comb = {.whorl = 0.4f}, .stiff = 0.3f, .curl = 0.048f, .pitch = 0.12f, .ball = true,
    },
    [HAIR_BOB] = {
        .locks = 270, .points = 17, .sides = 6, .length = 2.4f, .ragged = 0.05f, .temples = 0.8f,
        .width = 0.085f, .flat = 0.35f, .blunt = 0.45f, .shell = 0.03f, .lift = 0.13f,
        .comb = {.side = 1, .down = 0.8f, .back = 0.25f}, .stiff = 0.45f, .part = 0.18f,
        .parted = true, .hem = -1.02f, .covers = true, .bangs = true,
    },
    [HAIR_LONG] = {
        .locks = 205, .points = 18, .sides = 6, .length = 2.7f, .ragged = 0.12f, .temples = 0.85f,
        .width = 0.085f, .flat = 0.35f, .blunt = 0.2f, .shell = 0.03f, .lift = 0.11f,
        .comb = {.side = 1, .down = 0.8f, .back = 0.3f}, .stiff = 0.45f, .part = 0.06f,
        .parted = true, .covers = true, .bangs = true,
    },
    [HAIR_WAVY] = {
        .locks = 190, .points = 20, .sides = 6, .length = 2.6f, .ragged = 0.15f, .temples = 0.85f,
        .width = 0.095f, .flat = 0.4f, .blunt = 0.15f, .shell = 0.03f, .lift = 0.16f,
        .comb = {.side = 1, .down = 0.75f, .back = 0.3f}, .stiff = 0.45f, .curl = 0.075f,
        .pitch = 0.75f, .order = 1, .part = 0.22f, .parted = true, .covers = true, .bangs = true,
    },
    [HAIR_LONG_CURLY] = {
        .locks = 160, .points = 30, .sides = 5, .length = 2.3f, .ragged = 0.2f, .temples = 0.85f,
        .width = 0.08f, .flat = 0.5f, .blunt = 0.3f, .shell = 0.04f, .lift = 0.24f,
        .comb = {.side = 1, .down = 0.7f, .back = 0.25f, .out = 0.15f}, .stiff = 0.4f,
        .curl = 0.085f, .pitch = 0.40f, .part = 0.15f, .parted = true, .covers = true,
        .bangs = true,
    },
    [HAIR_PONYTAIL] = {
        .locks = 260, .points = 14, .sides = 6, .length = 1.9f, .temples = 1, .width = 0.07f,
        .flat = 0.35f, .blunt = 0.5f, .shell = 0.03f, .lift = 0.04f,
        .comb = {.side = 0.4f, .down = 1}, .stiff = 0.8f, .bangs = true, .tie = TIE_TAIL,
    },
    [HAIR_BUN] = {
        .locks = 260, .points = 14, .sides = 6, .length = 1.9f, .temples = 1, .width = 0.07f,
        .flat = 0.35f, .blunt = 0.5f, .shell = 0.03f, .lift = 0.04f,
        .comb = {.side = 0.4f, .down = 1}, .stiff = 0.8f, .bangs = true, .tie = TIE_BUN,
    },
    [HAIR_BRAIDS] = {
        .locks = 260, .points = 14, .sides = 6, .length = 1.9f, .temples = 1, .width = 0.07f,
        .flat = 0.35f, .blunt = 0.5f, .shell = 0.03f, .lift = 0.04f,
        .comb = {.side = 0.4f, .down = 1}, .stiff = 0.8f, .parted = true, .tie = TIE_BRAIDS,
    },
    [HAIR_LOCS] = {
        .locks = 190, .points = 20, .sides = 6, .length = 2.1f, .ragged = 0.2f, .temples = 0.85f,
        .width = 0.05f, .flat = 0.95f, .blunt = 0.6f, .shell = 0.04f, .lift = 0.17f,
        .comb = {.side = 0.9f, .down = 0.7f, .back = 0.4f, .out = 0.03f}, .stiff = 0.35f,
        .curl = 0.015f, .pitch = 0.35f, .part = 0.12f, .parted = true, .covers = true,
    },
};
/* clang-format on */

// SPDX-License-Identifier: Apache-2.0
/* Emphasis: brackets in a text become weights of its pieces, as the WebUI reads them.
 *
 *   (a)      1.1 times    (a:1.3)  1.3 times    [a]  1/1.1 times; nested ones multiply
 *   \( \) \[ \] \\        the sign itself; any other \ is dropped
 *   BREAK                 a piece of its own
 *
 * An opening bracket without its closing one reaches to the end, a closing one without opening is
 * text. */
#ifndef LK_STAGES_TEXT_EMPHASIS_H
#define LK_STAGES_TEXT_EMPHASIS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct lk_piece {
    char *text; /* without the signs of emphasis; "" for BREAK */
    double weight;
    bool is_break;
};

struct lk_pieces {
    struct lk_piece *pieces; /* [count ≥ 1]; neighbours of one weight are one piece */
    size_t count;
    char *memory; /* of the texts */
};

/* text: NUL-terminated, of any bytes. */
int lk_emphasis_read(const char *text, struct lk_pieces *out, struct lk_error *err);
void lk_pieces_free(struct lk_pieces *pieces);

#endif

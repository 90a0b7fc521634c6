// SPDX-License-Identifier: Apache-2.0
/* What a picture's `parameters` text says of --init, --mask, --control and --hires, in the WebUI's
 * words. */
#ifndef LK_PIPELINE_DRAWING_DRAWN_TEXT_H
#define LK_PIPELINE_DRAWING_DRAWN_TEXT_H

#include "stages/mark/parameters.h"
#include <likeness/request.h>

struct lk__drawn_text {
    struct lk_parameter fields[24];
    size_t n;
    char *memory; /* of names and values; free it */
};

int lk__drawn_text(const struct lk_request *request,
                   struct lk__drawn_text *out,
                   struct lk_error *err);

#endif

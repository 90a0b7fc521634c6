// SPDX-License-Identifier: Apache-2.0
/* An id as signs, and back from signs that are partly wrong. */
#ifndef LK_STAGES_MARK_WATERMARK_CODE_H
#define LK_STAGES_MARK_WATERMARK_CODE_H

#include <stdbool.h>

#include "base/key.h"

/* 64 bits of id, 32 of check, 8 zeros that end the code; each becomes 4 signs. */
enum { LK__CODE_BITS = 64 + 32 + 8, LK__CODE_SIGNS = 4 * LK__CODE_BITS };

void lk__code_write(const struct lk_key *key, uint64_t id, int8_t signs[LK__CODE_SIGNS]);

/* soft: sign times certainty, any scale. False when the likeliest word fails the check. */
bool lk__code_read(const struct lk_key *key, const float soft[LK__CODE_SIGNS], uint64_t *id);

#endif

// SPDX-License-Identifier: Apache-2.0
/* CLIP's tokenizer: text → token ids, exactly as transformers' CLIPTokenizer gives them.
 *
 *   NFC → white space runs become one space → lower case → special tokens are cut out → pieces by
 *   's|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+ → UTF-8 bytes → byte-pair merges
 *
 * A tokenizer is read-only once open: any number of threads may use it. */
#ifndef LK_STAGES_TEXT_TOKENIZER_H
#define LK_STAGES_TEXT_TOKENIZER_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* What is longer is refused, as are more marks on one letter: bringing marks into their order and
 * merging the letters of one word both take time by the square of their number. */
#define LK_PROMPT_MAX_BYTES ((size_t)1 << 16)
#define LK_PROMPT_MAX_MARKS 256

typedef struct lk_tokenizer lk_tokenizer;

struct lk_tokens {
    int32_t *ids; /* [count], without start and end; malloc'd */
    size_t count;
    size_t unreadable; /* letters that are not Latin: CLIP saw hardly any */
};

/* folder: one with vocab.json and merges.txt (diffusers' tokenizer/); NULL: CLIP's own merges. */
int lk_tokenizer_open(const char *folder, lk_tokenizer **out, struct lk_error *err);
void lk_tokenizer_free(lk_tokenizer *tokenizer);

/* Ids are below this: 49408. */
int lk_tokenizer_size(const lk_tokenizer *tokenizer);

/* text: UTF-8 within the limits above, else LK_E_INPUT naming `option` ("the prompt",
 * "--negative"). */
int lk_tokenizer_encode(const lk_tokenizer *tokenizer,
                        const char *text,
                        const char *option,
                        struct lk_tokens *out,
                        struct lk_error *err);
void lk_tokens_free(struct lk_tokens *tokens);

/* out [length]: start, the first length − 2 tokens, end, padding. Returns how many tokens were
 * dropped. length ≥ 2. */
size_t lk_tokenizer_window(const lk_tokenizer *tokenizer,
                           const struct lk_tokens *tokens,
                           size_t length,
                           int64_t *out);

#endif

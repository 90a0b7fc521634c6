// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a prompt: grammar, schedule, emphasis, tokenizer and chunks. The first byte chooses
 * how many steps there are. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "stages/text/chunks.h"
#include "stages/text/emphasis.h"
#include "stages/text/prompt.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check_pieces(const char *text)
{
    struct lk_pieces pieces;
    must(lk_emphasis_read(text, &pieces, NULL) == 0 && pieces.count > 0);
    size_t length = 0;
    for (size_t i = 0; i < pieces.count; i++)
        length += strlen(pieces.pieces[i].text);
    must(length <= strlen(text));
    lk_pieces_free(&pieces);
}

static void check_chunks(const lk_tokenizer *tokenizer, const char *text)
{
    struct lk_inversion cat = {.name = "cat", .inside = "<", .count = 3};
    struct lk_inversion *list[] = {&cat};
    const struct lk_inversions inversions = {list, 1};
    struct lk_error err = {0};
    struct lk_chunks chunks;
    if (lk_chunks_make(tokenizer, 77, text, &inversions, "fuzz", &chunks, &err)) {
        must(err.message[0] != 0);
        return;
    }
    size_t tokens = 0;
    for (size_t i = 0; i < chunks.count; i++) {
        const struct lk_chunk *c = &chunks.chunks[i];
        must(c->tokens <= 75);
        tokens += c->tokens;
        for (size_t t = 0; t < 77; t++)
            must(c->ids[t] >= 0 && c->ids[t] < 49408 && isfinite(c->weights[t]) &&
                 c->vectors[t].index < 3);
    }
    must(chunks.count > 0 && tokens == chunks.tokens);
    lk_chunks_free(&chunks);
}

static void check_part(const lk_prompt *prompt,
                       size_t part,
                       int steps,
                       const lk_tokenizer *tokenizer)
{
    lk_arena *arena = lk_arena_new((size_t)64 << 20);
    struct lk_error err = {0};
    struct lk_prompt_stage *stages;
    size_t count;
    int from = 0;
    must(isfinite(lk_prompt_weight(prompt, part)));
    if (lk_prompt_schedule(prompt, part, steps, steps % 3, arena, &stages, &count, &err)) {
        must(err.message[0] != 0);
        count = 0;
        from = steps;
    }
    for (size_t i = 0; i < count; i++) {
        must(stages[i].until > from);
        from = stages[i].until;
        check_pieces(stages[i].text);
        if (i < 2)
            check_chunks(tokenizer, stages[i].text);
    }
    must(from == steps);
    lk_arena_free(arena);
}

static void check_tree(const lk_prompt *prompt, size_t part)
{
    struct lk_error err = {0};
    json_t *tree = NULL;
    if (lk_prompt_tree(prompt, part, &tree, &err))
        must(err.message[0] != 0);
    json_decref(tree);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static lk_tokenizer *tokenizer;
    struct lk_error err = {0};
    if (!tokenizer)
        must(lk_tokenizer_open(NULL, &tokenizer, NULL) == 0);
    char *text = calloc(size + 1, 1);
    lk_prompt *prompt = NULL;
    if (!text || size < 1) {
        free(text);
        return 0;
    }
    memcpy(text, bytes + 1, size - 1);
    const int steps = 1 + bytes[0] % 64;
    const enum lk_prompt_kind kind = bytes[0] < 64 ? LK_PROMPT_NEGATIVE : LK_PROMPT_POSITIVE;
    if (lk_prompt_parse(text, kind, "fuzz", &prompt, &err)) {
        must(err.message[0] != 0);
    } else {
        for (size_t i = 0; i < lk_prompt_parts(prompt); i++) {
            check_tree(prompt, i);
            check_part(prompt, i, steps, tokenizer);
        }
    }
    lk_prompt_free(prompt);
    free(text);
    return 0;
}

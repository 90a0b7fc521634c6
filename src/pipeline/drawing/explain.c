// SPDX-License-Identifier: Apache-2.0
#include "pipeline/drawing/explain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/catalog.h"
#include "catalog/checkpoint.h"
#include "pipeline/drawing/conditions.h"
#include "pipeline/drawing/image_prompts.h"
#include "stages/text/chunks.h"
#include "stages/text/prompt.h"

enum { CLIP_POSITIONS = 77 };

struct explaining {
    const struct lk_request *request;
    lk_catalog *catalog;
    lk_checkpoint *checkpoint; /* or NULL */
    lk_tokenizer *tokenizer;
    struct lk_inversions inversions;
    lk_arena *arena;
    size_t positions;
    int steps; /* that are taken */
    FILE *to;
};

static int open_model(struct explaining *x, struct lk_error *err)
{
    const struct lk_request *request = x->request;
    const struct lk_model_entry *entry = NULL;
    int rc = lk_catalog_open(NULL, &x->catalog, err);
    if (rc)
        return rc;
    rc = lk_catalog_find(x->catalog, LK_ROLE_CHECKPOINT, request->model, &entry, err);
    if (rc == LK_E_MISSING && !request->model)
        rc = 0;
    else if (!rc)
        rc = lk_checkpoint_open(entry->path, request->vae, &x->checkpoint, err);
    x->positions = CLIP_POSITIONS;
    enum lk_part part = LK_PART_TEXT;
    if (x->checkpoint && !lk_text_config(x->checkpoint, part)->layers)
        part = LK_PART_TEXT_2;
    if (x->checkpoint)
        x->positions = (size_t)lk_text_config(x->checkpoint, part)->positions;
    x->steps = lk__request_steps(request, entry);
    const char *folder = x->checkpoint ? lk_checkpoint_tokenizer(x->checkpoint, part) : NULL;
    rc = rc ? rc : lk_tokenizer_open(folder, &x->tokenizer, err);
    return rc ? rc : lk__inversions_open(x->catalog, request, &x->inversions, err);
}

/* Runs of tokens of one weight, or of one embedding. */
static void print_chunk(const struct explaining *x, size_t number, const struct lk_chunk *chunk)
{
    fprintf(x->to, "    chunk %zu, %zu tokens:", number + 1, chunk->tokens);
    for (size_t from = 1, i = 2; from <= chunk->tokens; i++) {
        const struct lk_inversion *inversion = chunk->vectors[from].inversion;
        if (i <= chunk->tokens && chunk->weights[i] == chunk->weights[from] &&
            chunk->vectors[i].inversion == inversion)
            continue;
        fprintf(x->to, " %zu", i - from);
        if (inversion)
            fprintf(x->to, " of <%s>", inversion->name);
        if (chunk->weights[from] != 1)
            fprintf(x->to, " × %.4g", (double)chunk->weights[from]);
        fputc(i <= chunk->tokens ? ',' : '.', x->to);
        from = i;
    }
    fputc('\n', x->to);
}

static int explain_text(const struct explaining *x,
                        const char *text,
                        const char *option,
                        struct lk_error *err)
{
    struct lk_chunks chunks;
    int rc = lk_chunks_make(x->tokenizer, x->positions, text, &x->inversions, option, &chunks, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < chunks.count; i++)
        print_chunk(x, i, &chunks.chunks[i]);
    lk_chunks_free(&chunks);
    return 0;
}

static int explain_part(const struct explaining *x,
                        const lk_prompt *prompt,
                        size_t part,
                        const char *option,
                        struct lk_error *err)
{
    struct lk_prompt_stage *stages;
    size_t count;
    int from = 1;
    int rc = lk_prompt_schedule(prompt, part, x->steps, 0, x->arena, &stages, &count, err);
    for (size_t i = 0; !rc && i < count; i++) {
        if (from == stages[i].until)
            fprintf(x->to, "  step %d: ", from);
        else
            fprintf(x->to, "  steps %d to %d: ", from, stages[i].until);
        fprintf(x->to, "\"%s\"\n", stages[i].text);
        rc = explain_text(x, stages[i].text, option, err);
        from = stages[i].until + 1;
    }
    return rc;
}

static int explain_prompt(const struct explaining *x,
                          const char *text,
                          enum lk_prompt_kind kind,
                          const char *option,
                          struct lk_error *err)
{
    lk_prompt *prompt = NULL;
    char *tree = NULL;
    int rc = lk_prompt_parse(text, kind, option, &prompt, err);
    rc = rc ? rc : lk_prompt_describe(prompt, &tree, err);
    if (!rc)
        fprintf(x->to, "%s\n%s", option, tree);
    for (size_t i = 0; !rc && i < lk_prompt_parts(prompt); i++) {
        fprintf(x->to, "part %zu over %d steps\n", i + 1, x->steps);
        rc = explain_part(x, prompt, i, option, err);
    }
    free(tree);
    lk_prompt_free(prompt);
    return rc;
}

int lk_explain(const struct lk_request *request, char **out, struct lk_error *err)
{
    struct explaining x = {.request = request, .arena = lk_arena_new((size_t)64 << 20)};
    char *text = NULL;
    size_t size;
    x.to = open_memstream(&text, &size);
    int rc = x.arena && x.to ? open_model(&x, err) : lk_fail_memory(err, "an explanation", 0);
    rc = rc ? rc : explain_prompt(&x, request->prompt, LK_PROMPT_POSITIVE, "the prompt", err);
    if (!rc && request->negative)
        rc = explain_prompt(&x, request->negative, LK_PROMPT_NEGATIVE, "--negative", err);
    rc = rc ? rc : lk__image_prompts_explain(x.catalog, request, x.steps, x.to, err);
    if (x.to && fclose(x.to) && !rc)
        rc = lk_fail_memory(err, "an explanation", 0);
    lk__inversions_close(&x.inversions);
    lk_tokenizer_free(x.tokenizer);
    lk_checkpoint_free(x.checkpoint);
    lk_catalog_free(x.catalog);
    lk_arena_free(x.arena);
    if (rc)
        free(text);
    else
        *out = text;
    return rc;
}

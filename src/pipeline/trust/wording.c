// SPDX-License-Identifier: Apache-2.0
#include "pipeline/trust/wording.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/drawing/conditions.h"
#include "stages/text/emphasis.h"
#include "stages/text/prompt.h"

/* One prompt's texts. */
struct wording {
    lk_arena *arena;
    int steps;
    const char **texts; /* [count], room for one of each step, the written one and NULL */
    size_t count;
    size_t bytes;
};

/* The stages of one part, in step. */
struct part {
    const struct lk_prompt_stage *stages;
    size_t at;
};

static int add(struct wording *w, const char *text, struct lk_error *err)
{
    for (size_t i = 0; i < w->count; i++) {
        if (!strcmp(w->texts[i], text))
            return 0;
    }
    const char *copy = lk_arena_strdup(w->arena, text);
    w->bytes += strlen(text);
    if (!copy)
        return lk_fail_memory(err, "a prompt", strlen(text));
    if (w->bytes > LK_PROMPT_MAX_STAGE_BYTES)
        return lk_fail(err, LK_E_INPUT, "the prompt has more than %zu KiB of texts: shorten it",
                       LK_PROMPT_MAX_STAGE_BYTES >> 10);
    w->texts[w->count++] = copy;
    return 0;
}

/* A text as the tokenizer gets it: without the signs of emphasis. */
static int print_plain(FILE *to, const char *text, struct lk_error *err)
{
    struct lk_pieces pieces;
    int rc = lk_emphasis_read(text, &pieces, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < pieces.count; i++)
        fputs(pieces.pieces[i].is_break ? " " : pieces.pieces[i].text, to);
    lk_pieces_free(&pieces);
    return 0;
}

/* What all parts say in one step. */
static int add_step(struct wording *w, const struct part *parts, size_t n, struct lk_error *err)
{
    char *text = NULL;
    size_t size;
    int rc = 0;
    FILE *to = open_memstream(&text, &size);
    for (size_t i = 0; to && !rc && i < n; i++) {
        fputs(i ? " , " : "", to);
        rc = print_plain(to, parts[i].stages[parts[i].at].text, err);
    }
    if (!to || fclose(to))
        rc = lk_fail_memory(err, "a prompt", 0);
    rc = rc ? rc : add(w, text, err);
    free(text);
    return rc;
}

static int add_steps(struct wording *w, const lk_prompt *prompt, struct lk_error *err)
{
    const size_t n = lk_prompt_parts(prompt);
    struct part parts[LK_PROMPT_MAX_PARTS] = {0};
    int rc = 0;
    for (size_t i = 0; i < n && !rc; i++) {
        struct lk_prompt_stage *stages;
        size_t count;
        rc = lk_prompt_schedule(prompt, i, w->steps, 0, w->arena, &stages, &count, err);
        parts[i].stages = stages;
    }
    for (int step = 1; !rc && step <= w->steps; step++) {
        bool changes = step == 1;
        for (size_t i = 0; i < n; i++) {
            if (parts[i].stages[parts[i].at].until < step) {
                parts[i].at++;
                changes = true;
            }
        }
        rc = changes ? add_step(w, parts, n, err) : 0;
    }
    return rc;
}

static int read_prompt(lk_arena *arena,
                       const char *text,
                       enum lk_prompt_kind kind,
                       const char *option,
                       int steps,
                       const char *const **out,
                       struct lk_error *err)
{
    struct wording w = {.arena = arena, .steps = steps};
    lk_prompt *prompt = NULL;
    w.texts = lk_arena_alloc(arena, (size_t)steps + 2, sizeof *w.texts);
    if (!w.texts)
        return lk_fail_memory(err, "a prompt", (size_t)steps * sizeof *w.texts);
    *out = w.texts;
    if (!text)
        return 0;
    int rc = lk_prompt_parse(text, kind, option, &prompt, err);
    rc = rc ? rc : add(&w, text, err);
    rc = rc ? rc : add_steps(&w, prompt, err);
    lk_prompt_free(prompt);
    return rc;
}

int lk__wording_read(lk_catalog *catalog,
                     const struct lk_request *request,
                     struct lk__wording *out,
                     struct lk_error *err)
{
    const struct lk_model_entry *entry = NULL;
    struct lk__wording words = {.arena = lk_arena_new((size_t)64 << 20)};
    if (!words.arena)
        return lk_fail_memory(err, "a prompt", 0);
    lk_catalog_find(catalog, LK_ROLE_CHECKPOINT, request->model, &entry, NULL);
    const int steps = lk__request_steps(request, entry);
    int rc = read_prompt(words.arena, request->prompt, LK_PROMPT_POSITIVE, "the prompt", steps,
                         &words.prompts, err);
    rc = rc ? rc
            : read_prompt(words.arena, request->negative, LK_PROMPT_NEGATIVE, "--negative", steps,
                          &words.negatives, err);
    if (rc)
        lk__wording_close(&words);
    else
        *out = words;
    return rc;
}

void lk__wording_close(struct lk__wording *wording)
{
    lk_arena_free(wording->arena);
    *wording = (struct lk__wording){0};
}

// SPDX-License-Identifier: Apache-2.0
#include "pipeline/drawing/explain.h"

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
};

static int open_model(struct explaining *x, struct lk_error *err)
{
    const struct lk_request *request = x->request;
    const struct lk_model_entry *entry = NULL, *vae = NULL;
    int rc = lk_catalog_open(NULL, &x->catalog, err);
    if (rc)
        return rc;
    rc = lk_catalog_find(x->catalog, LK_ROLE_CHECKPOINT, request->model, &entry, err);
    if (rc == LK_E_MISSING && !request->model)
        rc = 0;
    else if (!rc && request->vae)
        rc = lk_catalog_find(x->catalog, LK_ROLE_VAE, request->vae, &vae, err);
    if (!rc && entry)
        rc = lk_checkpoint_open(entry->path, vae ? vae->path : NULL, &x->checkpoint, err);
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

static json_t *run_json(const struct lk_chunk *chunk, size_t from, size_t tokens)
{
    const struct lk_inversion *inversion = chunk->vectors[from].inversion;
    json_t *run = json_pack("{s:I,s:f}", "tokens", (json_int_t)tokens, "weight",
                            (double)chunk->weights[from]);
    if (run && inversion)
        json_object_set_new(run, "embedding", json_string(inversion->name));
    return run;
}

/* Runs of tokens of one weight, or of one embedding. */
static json_t *chunk_json(const struct lk_chunk *chunk)
{
    json_t *runs = json_array();
    for (size_t from = 1, i = 2; from <= chunk->tokens; i++) {
        if (i <= chunk->tokens && chunk->weights[i] == chunk->weights[from] &&
            chunk->vectors[i].inversion == chunk->vectors[from].inversion)
            continue;
        json_array_append_new(runs, run_json(chunk, from, i - from));
        from = i;
    }
    return runs;
}

static int explain_text(const struct explaining *x,
                        const struct lk_prompt_stage *stage,
                        int from,
                        const char *option,
                        json_t *texts,
                        struct lk_error *err)
{
    struct lk_chunks chunks;
    int rc = lk_chunks_make(x->tokenizer, x->positions, stage->text, &x->inversions, option,
                            &chunks, err);
    if (rc)
        return rc;
    json_t *list = json_array();
    for (size_t i = 0; i < chunks.count; i++)
        json_array_append_new(list, chunk_json(&chunks.chunks[i]));
    lk_chunks_free(&chunks);
    json_array_append_new(texts, json_pack("{s:i,s:i,s:s,s:o}", "from", from, "to", stage->until,
                                           "text", stage->text, "chunks", list));
    return 0;
}

static int explain_part(const struct explaining *x,
                        const lk_prompt *prompt,
                        size_t part,
                        const char *option,
                        json_t *parts,
                        struct lk_error *err)
{
    struct lk_prompt_stage *stages;
    size_t count;
    json_t *tree = NULL, *texts = json_array();
    int rc = lk_prompt_tree(prompt, part, &tree, err);
    rc = rc ? rc : lk_prompt_schedule(prompt, part, x->steps, 0, x->arena, &stages, &count, err);
    for (size_t i = 0; !rc && i < count; i++)
        rc = explain_text(x, &stages[i], i ? stages[i - 1].until + 1 : 1, option, texts, err);
    json_array_append_new(parts,
                          json_pack("{s:f,s:o*,s:o*}", "weight", lk_prompt_weight(prompt, part),
                                    "tree", tree, "texts", texts));
    return rc;
}

static json_t *loras_json(const lk_prompt *prompt)
{
    const struct lk_prompt_lora *loras;
    const size_t n = lk_prompt_loras(prompt, &loras);
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_pack("{s:s,s:f,s:f}", "name", loras[i].name, "unet",
                                              loras[i].unet_weight, "text", loras[i].text_weight));
    return list;
}

/* Into out, as `key`. */
static int explain_prompt(const struct explaining *x,
                          const char *text,
                          enum lk_prompt_kind kind,
                          const char *option,
                          const char *key,
                          json_t *out,
                          struct lk_error *err)
{
    lk_prompt *prompt = NULL;
    int rc = lk_prompt_parse(text, kind, option, &prompt, err);
    if (rc)
        return rc;
    json_t *parts = json_array();
    for (size_t i = 0; !rc && i < lk_prompt_parts(prompt); i++)
        rc = explain_part(x, prompt, i, option, parts, err);
    json_object_set_new(out, key,
                        json_pack("{s:o,s:o}", "loras", loras_json(prompt), "parts", parts));
    lk_prompt_free(prompt);
    return rc;
}

int lk_explain(const struct lk_request *request, json_t **out, struct lk_error *err)
{
    struct explaining x = {.request = request, .arena = lk_arena_new((size_t)64 << 20)};
    json_t *all = json_object();
    int rc = x.arena && all ? open_model(&x, err) : lk_fail_memory(err, "an explanation", 0);
    if (!rc)
        json_object_set_new(all, "steps", json_integer(x.steps));
    rc = rc ? rc
            : explain_prompt(&x, request->prompt, LK_PROMPT_POSITIVE, "the prompt", "prompt", all,
                             err);
    if (!rc && request->negative)
        rc = explain_prompt(&x, request->negative, LK_PROMPT_NEGATIVE, "--negative", "negative",
                            all, err);
    if (!rc && (request->n_images || request->face_adapter)) {
        json_t *images = json_array();
        rc = lk__image_prompts_explain(x.catalog, request, x.steps, images, err);
        json_object_set_new(all, "images", images);
    }
    lk__inversions_close(&x.inversions);
    lk_tokenizer_free(x.tokenizer);
    lk_checkpoint_free(x.checkpoint);
    lk_catalog_free(x.catalog);
    lk_arena_free(x.arena);
    if (rc)
        json_decref(all);
    else
        *out = all;
    return rc;
}

// SPDX-License-Identifier: Apache-2.0
/* Every part of a prompt is a schedule of texts; each different text is encoded once; shorter ones
 * are filled up with chunks of the empty prompt, so that all rows of a step are of one size. */
#include "pipeline/drawing/conditions.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/drawing/sampling.h"
#include "stages/text/prompt.h"

enum { MAX_CHUNKS = 1024 }; /* of all texts together: 240 MB of SD 1.x */

struct maker {
    const struct lk__painter *painter;
    const struct lk_request *request;
    const char *prompt;
    const struct lk_inversions *inversions;
    const struct lk_watch *watch;
    int steps;
    const char *option;   /* of the prompt that is being encoded, for messages */
    const char **written; /* [room] the texts of out->texts */
    size_t room;
    size_t most_chunks, unreadable;
    struct lk__conditions out;
};

/* ---- texts ---- */

/* The index of text among the encoded ones; it is encoded if it is new. */
static int encode(struct maker *m, const char *text, size_t *index, struct lk_error *err)
{
    struct lk__conditions *out = &m->out;
    struct lk_text_info info = {0};
    for (*index = 0; *index < out->count; ++*index) {
        if (!strcmp(m->written[*index], text))
            return 0;
    }
    if (out->count == m->room) {
        const size_t room = m->room ? 2 * m->room : 16;
        struct lk_text_states *texts = realloc(out->texts, room * sizeof *texts);
        out->texts = texts ? texts : out->texts;
        const char **written = realloc(m->written, room * sizeof *written);
        m->written = written ? written : m->written;
        if (!texts || !written)
            return lk_fail_memory(err, "a prompt's texts", room * sizeof *texts);
        m->room = room;
    }
    int rc = lk_text_encode(m->painter->text, text, m->inversions, m->option, m->request->clip_skip,
                            m->watch, &out->texts[out->count], &info, err);
    if (rc)
        return rc;
    m->written[out->count++] = text;
    m->unreadable = info.unreadable > m->unreadable ? info.unreadable : m->unreadable;
    m->most_chunks = info.chunks > m->most_chunks ? info.chunks : m->most_chunks;
    if (out->count * m->most_chunks > MAX_CHUNKS)
        rc = lk_fail(err, LK_E_INPUT,
                     "%s has %zu different texts of up to %zu chunks in its steps: shorten it, or "
                     "let it change less often",
                     m->option, out->count, m->most_chunks);
    return rc;
}

/* Fills text i up to `tokens` with states of the empty prompt, of one chunk. */
static int fill_up(struct maker *m,
                   struct lk_text_states *text,
                   const struct lk_text_states *empty,
                   int tokens,
                   struct lk_error *err)
{
    const size_t width = (size_t)lk_text_width(m->painter->text);
    float *states = realloc(text->states, (size_t)tokens * width * sizeof *states);
    if (!states)
        return lk_fail_memory(err, "a prompt", (size_t)tokens * width * sizeof *states);
    text->states = states;
    for (; text->tokens < tokens; text->tokens += empty->tokens)
        memcpy(states + (size_t)text->tokens * width, empty->states,
               (size_t)empty->tokens * width * sizeof *states);
    return 0;
}

static int fill_all(struct maker *m, struct lk_error *err)
{
    struct lk__conditions *out = &m->out;
    int most = 0, least = 0;
    for (size_t i = 0; i < out->count; i++) {
        const int tokens = out->texts[i].tokens;
        most = tokens > most ? tokens : most;
        least = i == 0 || tokens < least ? tokens : least;
    }
    out->value.tokens = most;
    if (least == most)
        return 0;
    struct lk_text_states empty;
    struct lk_text_info info;
    int rc = lk_text_encode(m->painter->text, "", NULL, m->option, m->request->clip_skip, m->watch,
                            &empty, &info, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < out->count && !rc; i++)
        rc = fill_up(m, &out->texts[i], &empty, most, err);
    lk_text_states_free(&empty);
    return rc;
}

/* ---- conditions ---- */

struct side {
    struct lk_condition *list; /* [n] */
    size_t *text;              /* [n] index of the states, which are put in when all are there */
    size_t n;
};

static int add_part(
    struct maker *m, const lk_prompt *prompt, size_t part, struct side *side, struct lk_error *err)
{
    const size_t first = side->n;
    struct lk_prompt_stage *stages;
    size_t count;
    int from = 0;
    int rc = lk_prompt_schedule(prompt, part, m->steps, 0, m->out.arena, &stages, &count, err);
    for (size_t i = 0; !rc && i < count; i++) {
        size_t text;
        rc = encode(m, stages[i].text, &text, err);
        if (!rc && side->n > first && side->text[side->n - 1] == text) {
            side->list[side->n - 1].to = stages[i].until;
        } else if (!rc) {
            side->text[side->n] = text;
            side->list[side->n++] = (struct lk_condition){
                .weight = (float)lk_prompt_weight(prompt, part),
                .from = from,
                .to = stages[i].until,
            };
        }
        from = stages[i].until;
    }
    return rc;
}

static int add_prompt(struct maker *m,
                      const lk_prompt *prompt,
                      struct side *side,
                      struct lk_error *err)
{
    const size_t parts = lk_prompt_parts(prompt), most = parts * (size_t)m->steps;
    side->list = lk_arena_alloc(m->out.arena, most, sizeof *side->list);
    side->text = lk_arena_alloc(m->out.arena, most, sizeof *side->text);
    int rc = side->list && side->text ? 0 : lk_fail_memory(err, "a prompt", most * 32);
    for (size_t i = 0; !rc && i < parts; i++)
        rc = add_part(m, prompt, i, side, err);
    return rc;
}

/* SDXL without a negative prompt: zeros in the place of what the empty one becomes. */
static bool is_zero(const struct maker *m)
{
    return !m->request->negative && lk_checkpoint_config(m->painter->checkpoint)->empty_is_zero;
}

static int add_negative(struct maker *m, struct side *side, struct lk_error *err)
{
    const char *text = m->request->negative ? m->request->negative : "";
    lk_prompt *prompt = NULL;
    m->option = "--negative";
    int rc = lk_prompt_parse(text, LK_PROMPT_NEGATIVE, m->option, &prompt, err);
    rc = rc ? rc : add_prompt(m, prompt, side, err);
    lk_prompt_free(prompt);
    return rc;
}

static int silence(struct maker *m, struct lk_condition *condition, struct lk_error *err)
{
    const struct lk_conditioning *c = &m->out.value;
    const size_t n = (size_t)c->tokens * (size_t)c->width, all = n + (size_t)c->pooled_width;
    float *zeros = lk_arena_alloc(m->out.arena, all, sizeof *zeros);
    if (!zeros)
        return lk_fail_memory(err, "a prompt", all * sizeof *zeros);
    condition->states = zeros;
    condition->pooled = zeros + n;
    return 0;
}

/* The negative prompt is left out where guidance has no use for it (guidance.h). */
static int add_prompts(struct maker *m, struct lk_error *err)
{
    struct side positive = {0}, negative = {0};
    lk_prompt *prompt = NULL;
    m->option = "the prompt";
    int rc = lk_prompt_parse(m->prompt, LK_PROMPT_POSITIVE, m->option, &prompt, err);
    rc = rc ? rc : add_prompt(m, prompt, &positive, err);
    if (!rc && (m->request->guidance > 1 || lk_prompt_parts(prompt) > 1))
        rc = add_negative(m, &negative, err);
    lk_prompt_free(prompt);
    rc = rc ? rc : fill_all(m, err);
    if (rc)
        return rc;
    struct side *sides[] = {&positive, &negative};
    for (int s = 0; s < 2; s++) {
        for (size_t i = 0; i < sides[s]->n; i++) {
            sides[s]->list[i].states = m->out.texts[sides[s]->text[i]].states;
            sides[s]->list[i].pooled = m->out.texts[sides[s]->text[i]].pooled;
        }
    }
    m->out.value.width = lk_text_width(m->painter->text);
    m->out.value.pooled_width = lk_text_pooled(m->painter->text);
    if (is_zero(m) && negative.n)
        rc = silence(m, negative.list, err);
    m->out.value.positive = positive.list;
    m->out.value.n_positive = positive.n;
    m->out.value.negative = negative.list;
    m->out.value.n_negative = negative.n;
    return rc;
}

int lk__conditions_make(const struct lk__painter *painter,
                        const struct lk_inversions *inversions,
                        const char *prompt,
                        int steps,
                        const struct lk_watch *watch,
                        lk_result *result,
                        struct lk__conditions *out,
                        struct lk_error *err)
{
    struct maker m = {
        .painter = painter,
        .request = &result->request,
        .prompt = prompt,
        .inversions = inversions,
        .watch = watch,
        .steps = steps,
        .out.arena = lk_arena_new((size_t)64 << 20),
    };
    int rc = m.out.arena ? add_prompts(&m, err) : lk_fail_memory(err, "a prompt", 0);
    free(m.written);
    if (rc) {
        lk__conditions_close(&m.out);
        return rc;
    }
    if (m.unreadable && painter->entry->role == LK_ROLE_CHECKPOINT) /* said once */
        lk__result_remark(result,
                          "the prompt has %zu letters that CLIP cannot read: write it in English",
                          m.unreadable);
    *out = m.out;
    return 0;
}

int lk__request_steps(const struct lk_request *request, const struct lk_model_entry *entry)
{
    static const struct lk_picture some = {0};
    struct lk_draw_options options;
    lk_draw_options_init(&options);
    const int said = lk__sampling_steps(request);
    if (said || (entry && entry->defaults.steps))
        options.steps = said ? said : entry->defaults.steps;
    if (request->init) {
        options.init = &some;
        options.strength = request->strength;
    }
    const int steps = lk_draw_steps(&options);
    return steps > 0 ? steps : 1;
}

void lk__conditions_close(struct lk__conditions *conditions)
{
    for (size_t i = 0; i < conditions->count; i++)
        lk_text_states_free(&conditions->texts[i]);
    free(conditions->texts);
    lk_arena_free(conditions->arena);
    *conditions = (struct lk__conditions){0};
}

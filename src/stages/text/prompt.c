// SPDX-License-Identifier: Apache-2.0
/* A prompt around its trees: <lora:…> out, cut at AND, weights read, texts listed.
 *
 * Unlike the WebUI we read a weight only where AND stands: "a clock at 12:30" has none. */
#include "stages/text/prompt.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stages/text/letters.h"
#include "stages/text/prompt_tree.h"
#include "stages/text/tokenizer.h"

#define ARENA_LIMIT ((size_t)128 << 20)

struct part {
    struct lk__node *tree;
    size_t size; /* of its source: no text of it is longer */
    double weight;
};

struct lk_prompt {
    lk_arena *arena;
    const char *option;
    struct part parts[LK_PROMPT_MAX_PARTS];
    size_t part_count;
    struct lk_prompt_lora loras[LK_PROMPT_MAX_LORAS];
    size_t lora_count;
};

/* ---- <lora:name:weight> ---- */

/* Length of "<kind:anything>" at text, and of its kind; 0: there is none. */
static size_t tag_length(const char *text, size_t *kind)
{
    for (*kind = 0; lk__is_word(text[1 + *kind]);)
        ++*kind;
    const char *close = text[1 + *kind] == ':' && *kind > 0 ? strchr(text, '>') : NULL;
    return close && close > text + 2 + *kind ? (size_t)(close - text) + 1 : 0;
}

static double weight_after(char *text)
{
    char *end, *colon = strchr(text, ':');
    double weight = colon ? strtod(colon + 1, &end) : 1;
    return colon && (end == colon + 1 || (*end && *end != ':')) ? NAN : weight;
}

/* tag: "<kind:name[:weight[:weight]]>" */
static int add_lora(
    lk_prompt *prompt, const char *tag, size_t length, size_t kind, struct lk_error *err)
{
    bool is_lora = kind == 4 && (!memcmp(tag + 1, "lora", 4) || !memcmp(tag + 1, "lyco", 4));
    if (!is_lora)
        return lk_fail(err, LK_E_INPUT,
                       "%s has '%.*s': of such tags only <lora:name:weight> is known: remove it",
                       prompt->option, (int)length, tag);
    if (prompt->lora_count == LK_PROMPT_MAX_LORAS)
        return lk_fail(err, LK_E_INPUT, "%s names more than %d LoRAs: remove some", prompt->option,
                       LK_PROMPT_MAX_LORAS);
    char *name = lk_arena_strndup(prompt->arena, tag + kind + 2, length - kind - 3);
    if (!name)
        return lk_fail_memory(err, "a prompt", length);
    struct lk_prompt_lora lora = {.name = name, .text_weight = 1, .unet_weight = 1};
    char *colon = strchr(name, ':');
    if (colon) {
        char *second = strchr(colon + 1, ':');
        lora.text_weight = weight_after(colon);
        lora.unet_weight = second ? weight_after(second) : lora.text_weight;
        *colon = 0;
    }
    if (!*name || !isfinite(lora.text_weight) || !isfinite(lora.unet_weight))
        return lk_fail(err, LK_E_INPUT, "%s has '%.*s', which is not <lora:name:weight>",
                       prompt->option, (int)length, tag);
    prompt->loras[prompt->lora_count++] = lora;
    return 0;
}

/* Takes the tags out of text, in place. */
static int take_loras(lk_prompt *prompt, char *text, struct lk_error *err)
{
    char *to = text;
    for (const char *from = text; *from;) {
        size_t kind, length = *from == '<' ? tag_length(from, &kind) : 0;
        if (length == 0) {
            *to++ = *from++;
            continue;
        }
        int rc = add_lora(prompt, from, length, kind, err);
        if (rc)
            return rc;
        from += length;
    }
    *to = 0;
    return 0;
}

/* ---- parts ---- */

static size_t without_end_spaces(const char *text, size_t size)
{
    while (size > 0 && lk__is_space(text[size - 1]))
        size--;
    return size;
}

/* "text : 1.2" → the size of "text"; a number is digits with at most one point among them. */
static size_t read_weight(const char *text, size_t size, double *weight)
{
    const size_t end = without_end_spaces(text, size);
    size_t at = end, points = 0;
    while (at > 0 && strchr("0123456789.", text[at - 1]))
        points += text[--at] == '.';
    if (end - at <= points || points > 1)
        return end;
    if (at > 0 && strchr("+-", text[at - 1]))
        at--;
    size_t colon = without_end_spaces(text, at);
    if (colon == 0 || text[colon - 1] != ':')
        return end;
    *weight = strtod(text + at, NULL);
    return without_end_spaces(text, colon - 1);
}

static int add_part(
    lk_prompt *prompt, const char *text, size_t size, double weight, struct lk_error *err)
{
    if (prompt->part_count == LK_PROMPT_MAX_PARTS)
        return lk_fail(err, LK_E_INPUT, "%s has more than %d parts: leave out some AND",
                       prompt->option, LK_PROMPT_MAX_PARTS);
    if (fabs(weight) > LK_PROMPT_MAX_WEIGHT)
        return lk_fail(err, LK_E_INPUT, "%s gives a part the weight %g: at most %g is possible",
                       prompt->option, weight, LK_PROMPT_MAX_WEIGHT);
    struct lk__node *tree = lk__prompt_tree(text, size, prompt->arena);
    if (!tree)
        return lk_fail_memory(err, "a prompt", size);
    prompt->parts[prompt->part_count++] = (struct part){tree, size, weight};
    return 0;
}

/* AND cuts wherever it stands, in brackets too. */
static int cut_parts(lk_prompt *prompt, const char *text, struct lk_error *err)
{
    const char *end = text + strlen(text);
    const char *word = lk__find_word(text, (size_t)(end - text), "AND");
    if (!word)
        return add_part(prompt, text, (size_t)(end - text), 1, err);
    for (;;) {
        double weight = 1;
        size_t size = read_weight(text, (size_t)((word ? word : end) - text), &weight);
        int rc = add_part(prompt, text, size, weight, err);
        if (rc || !word)
            return rc;
        text = word + strlen("AND");
        word = lk__find_word(text, (size_t)(end - text), "AND");
    }
}

int lk_prompt_parse(const char *text,
                    enum lk_prompt_kind kind,
                    const char *option,
                    lk_prompt **out,
                    struct lk_error *err)
{
    const size_t size = strlen(text);
    if (size > LK_PROMPT_MAX_BYTES)
        return lk_fail(err, LK_E_INPUT, "%s is longer than %zu KiB: shorten it", option,
                       LK_PROMPT_MAX_BYTES >> 10);
    lk_prompt *prompt = calloc(1, sizeof *prompt);
    char *copy = NULL;
    if (prompt && (prompt->arena = lk_arena_new(ARENA_LIMIT)))
        copy = lk_arena_strdup(prompt->arena, text);
    int rc = copy ? 0 : lk_fail_memory(err, "a prompt", size);
    if (!rc) {
        prompt->option = option;
        rc = kind == LK_PROMPT_POSITIVE ? take_loras(prompt, copy, err) : 0;
    }
    if (!rc)
        rc = kind == LK_PROMPT_POSITIVE ? cut_parts(prompt, copy, err)
                                        : add_part(prompt, copy, size, 1, err);
    if (rc)
        lk_prompt_free(prompt);
    else
        *out = prompt;
    return rc;
}

void lk_prompt_free(lk_prompt *prompt)
{
    if (!prompt)
        return;
    lk_arena_free(prompt->arena);
    free(prompt);
}

size_t lk_prompt_loras(const lk_prompt *prompt, const struct lk_prompt_lora **out)
{
    *out = prompt->loras;
    return prompt->lora_count;
}

size_t lk_prompt_parts(const lk_prompt *prompt)
{
    return prompt->part_count;
}

double lk_prompt_weight(const lk_prompt *prompt, size_t part)
{
    return prompt->parts[part].weight;
}

/* ---- schedule ---- */

int lk_prompt_schedule(const lk_prompt *prompt,
                       size_t part,
                       int steps,
                       int before,
                       lk_arena *arena,
                       struct lk_prompt_stage **out,
                       size_t *count,
                       struct lk_error *err)
{
    const struct part *p = &prompt->parts[part];
    bool *changes = lk_arena_alloc(arena, (size_t)steps + 1, sizeof *changes);
    char *text = lk_arena_alloc(arena, p->size + 1, 1);
    struct lk_prompt_stage *stages = lk_arena_alloc(arena, (size_t)steps, sizeof *stages);
    size_t n = 0, bytes = 0;
    if (!changes || !text || !stages)
        return lk_fail_memory(err, "a prompt's schedule", p->size);
    lk__node_changes(p->tree, steps, before, changes);
    changes[steps] = true;
    for (int step = 1; step <= steps; step++) {
        if (!changes[step])
            continue;
        *lk__node_text(p->tree, step, steps, before, text) = 0;
        bytes += strlen(text);
        if (bytes > LK_PROMPT_MAX_STAGE_BYTES)
            return lk_fail(err, LK_E_INPUT,
                           "%s has more than %zu KiB of texts in its %d steps: shorten it, or let "
                           "it change less often",
                           prompt->option, LK_PROMPT_MAX_STAGE_BYTES >> 10, steps);
        stages[n] = (struct lk_prompt_stage){step, lk_arena_strdup(arena, text)};
        if (!stages[n++].text)
            return lk_fail_memory(err, "a prompt's schedule", bytes);
    }
    *out = stages;
    *count = n;
    return 0;
}

int lk_prompt_tree(const lk_prompt *prompt, size_t part, json_t **out, struct lk_error *err)
{
    json_t *tree = lk__prompt_tree_json(prompt->parts[part].tree);
    if (!tree)
        return lk_fail(err, LK_E_INPUT, "%s is not UTF-8: type it anew", prompt->option);
    *out = tree;
    return 0;
}

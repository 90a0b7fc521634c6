// SPDX-License-Identifier: Apache-2.0
/* Which weights of a checkpoint a LoRA may change, and what LoRAs call them.
 *
 * All names that a UNet or a text encoder of the family may have are tried, in the order of the
 * modules in diffusers (cloneofsimo's files count them); those that the checkpoint has are targets.
 * Each is known by its diffusers name, its LDM name and, in a text encoder, its name without
 * "text_model.", all with '_' for '.'. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "catalog/lora/internal.h"

#define ARENA_LIMIT ((size_t)64 << 20)

enum { MAX_TARGETS = 16384, MAX_NUMBERS = 3, MAX_DEPTH = 16, ALIASES = 3 };

static const char *const RESNET[] = {"norm1",         "conv1", "time_emb_proj", "norm2", "conv2",
                                     "conv_shortcut", NULL};
static const char *const TRANSFORMER[] = {"norm", "proj_in", "proj_out", NULL};
static const char *const BLOCK[] = {"attn1.to_q",     "attn1.to_k", "attn1.to_v", "attn1.to_out.0",
                                    "ff.net.0.proj",  "attn2.to_q", "attn2.to_k", "attn2.to_v",
                                    "attn2.to_out.0", "ff.net.2",   "norm1",      "norm2",
                                    "norm3",          NULL};
static const char *const CONV[] = {"conv", NULL};
static const char *const ENDS[] = {"conv_in",
                                   "conv_norm_out",
                                   "conv_out",
                                   "time_embedding.linear_1",
                                   "time_embedding.linear_2",
                                   "add_embedding.linear_1",
                                   "add_embedding.linear_2",
                                   NULL};
static const char *const CLIP_LAYER[] = {
    "self_attn.k_proj",   "self_attn.v_proj", "self_attn.q_proj",
    "self_attn.out_proj", "mlp.fc1",          "mlp.fc2",
    "layer_norm1",        "layer_norm2",      NULL};
static const char *const CLIP_ENDS[] = {"text_model.final_layer_norm", "text_projection", NULL};

/* How far a '#' counts. No farther than the topology has levels and layers: LDM numbers its blocks
 * through all levels, so that one layer too many is the next level's first. */
enum bound {
    NO_NUMBER,
    LEVELS,
    LAYERS_DOWN,
    LAYERS_UP,
    LAYERS_MIDDLE,
    DEPTH,
    CLIP_LAYERS,
    CLIP_LAYERS_2
};

/* `probe` is a tail that is there when any is; NULL: there is none. */
static const struct group {
    enum lk_part part;
    const char *stem;
    enum bound bounds[MAX_NUMBERS];
    const char *const *tails;
    const char *probe;
} GROUPS[] = {
    {LK_PART_UNET, "down_blocks.#.resnets.#.", {LEVELS, LAYERS_DOWN}, RESNET, "conv1"},
    {LK_PART_UNET, "down_blocks.#.attentions.#.", {LEVELS, LAYERS_DOWN}, TRANSFORMER, "norm"},
    {LK_PART_UNET,
     "down_blocks.#.attentions.#.transformer_blocks.#.",
     {LEVELS, LAYERS_DOWN, DEPTH},
     BLOCK,
     "norm1"},
    {LK_PART_UNET, "down_blocks.#.downsamplers.0.", {LEVELS}, CONV, NULL},
    {LK_PART_UNET, "up_blocks.#.resnets.#.", {LEVELS, LAYERS_UP}, RESNET, "conv1"},
    {LK_PART_UNET, "up_blocks.#.attentions.#.", {LEVELS, LAYERS_UP}, TRANSFORMER, "norm"},
    {LK_PART_UNET,
     "up_blocks.#.attentions.#.transformer_blocks.#.",
     {LEVELS, LAYERS_UP, DEPTH},
     BLOCK,
     "norm1"},
    {LK_PART_UNET, "up_blocks.#.upsamplers.0.", {LEVELS}, CONV, NULL},
    {LK_PART_UNET, "mid_block.resnets.#.", {LAYERS_MIDDLE}, RESNET, "conv1"},
    {LK_PART_UNET, "mid_block.attentions.0.", {NO_NUMBER}, TRANSFORMER, "norm"},
    {LK_PART_UNET, "mid_block.attentions.0.transformer_blocks.#.", {DEPTH}, BLOCK, "norm1"},
    {LK_PART_UNET, "", {NO_NUMBER}, ENDS, NULL},
    {LK_PART_TEXT, "text_model.encoder.layers.#.", {CLIP_LAYERS}, CLIP_LAYER, "layer_norm1"},
    {LK_PART_TEXT, "", {NO_NUMBER}, CLIP_ENDS, NULL},
    {LK_PART_TEXT_2, "text_model.encoder.layers.#.", {CLIP_LAYERS_2}, CLIP_LAYER, "layer_norm1"},
    {LK_PART_TEXT_2, "", {NO_NUMBER}, CLIP_ENDS, NULL},
};

/* What cloneofsimo's files count: the projections of attention, and a feed-forward's first one
 * where the file says so. */
enum counted { NOT_COUNTED, ATTENTION, FEED_FORWARD };

struct target {
    enum lk_part part;
    const char *name; /* without ".weight" */
    enum counted counted;
};

struct alias {
    enum lk_part part;
    const char *path;
    const struct target *target;
};

struct lk__targets {
    const lk_checkpoint *checkpoint;
    lk_arena *arena;
    struct target *targets;
    struct alias *aliases; /* sorted */
    size_t count, alias_count;
    bool failed;
};

static bool has_weight(const lk__targets *t, enum lk_part part, const char *name)
{
    char full[LK__NAME_MAX];
    int length = snprintf(full, sizeof full, "%s.weight", name);
    return length < (int)sizeof full && lk_checkpoint_tensor(t->checkpoint, part, full);
}

static void add_alias(lk__targets *t, const struct target *target, const char *name)
{
    char *path = lk_arena_strdup(t->arena, name);
    t->failed |= !path;
    for (char *c = path; c && *c; c++)
        if (*c == '.')
            *c = '_';
    if (path)
        t->aliases[t->alias_count++] = (struct alias){target->part, path, target};
}

static enum counted counted_of(const char *name)
{
    static const char feed_forward[] = "ff.net.0.proj";
    size_t length = strlen(name), n = sizeof feed_forward - 1;
    if (strstr(name, "attn"))
        return ATTENTION;
    return length > n && !strcmp(name + length - n, feed_forward) ? FEED_FORWARD : NOT_COUNTED;
}

static void add_target(lk__targets *t, enum lk_part part, const char *name)
{
    static const char inside[] = "text_model.";
    char ldm[LK__NAME_MAX], dotted[LK__NAME_MAX];
    if (t->count == MAX_TARGETS || !has_weight(t, part, name))
        return;
    struct target *target = &t->targets[t->count++];
    *target = (struct target){part, lk_arena_strdup(t->arena, name), counted_of(name)};
    t->failed |= !target->name;
    add_alias(t, target, name);
    if (part == LK_PART_UNET) {
        snprintf(dotted, sizeof dotted, "%s.", name); /* as names of tensors go on */
        lk__ldm_name(part, lk_checkpoint_config(t->checkpoint), dotted, ldm);
        ldm[strlen(ldm) - 1] = 0;
        add_alias(t, target, ldm);
    } else if (!strncmp(name, inside, sizeof inside - 1)) {
        add_alias(t, target, name + sizeof inside - 1);
    }
}

/* The stem with its '#' replaced by numbers, in order. */
static void print_stem(const char *stem, const int *numbers, char out[LK__NAME_MAX])
{
    size_t at = 0;
    for (; *stem && at + 12 < LK__NAME_MAX; stem++) {
        if (*stem == '#')
            at += (size_t)snprintf(out + at, LK__NAME_MAX - at, "%d", *numbers++);
        else
            out[at++] = *stem;
    }
    out[at] = 0;
}

static void add_tails(lk__targets *t, const struct group *group, const int *numbers)
{
    char stem[LK__NAME_MAX], name[2 * LK__NAME_MAX];
    print_stem(group->stem, numbers, stem);
    snprintf(name, sizeof name, "%s%s", stem, group->probe ? group->probe : "");
    if (group->probe && !has_weight(t, group->part, name))
        return;
    for (const char *const *tail = group->tails; *tail; tail++) {
        snprintf(name, sizeof name, "%s%s", stem, *tail);
        add_target(t, group->part, name);
    }
}

/* Levels may differ; what one of them lacks is found out by its probe. */
static int most(const int *counts, int levels)
{
    int found = 0;
    for (int i = 0; i < levels; i++)
        found = counts[i] > found ? counts[i] : found;
    return found;
}

static int count_of(const lk__targets *t, enum bound bound)
{
    const struct lk_checkpoint_config *c = lk_checkpoint_config(t->checkpoint);
    switch (bound) {
    case LEVELS:
        return c->unet.levels;
    case LAYERS_DOWN:
        return most(c->unet.resnets, c->unet.levels);
    case LAYERS_UP:
        return most(c->unet.up_resnets, c->unet.levels);
    case LAYERS_MIDDLE:
        return 2;
    case DEPTH:
        return MAX_DEPTH;
    case CLIP_LAYERS:
        return c->text.layers;
    case CLIP_LAYERS_2:
        return c->text_2.layers;
    case NO_NUMBER:
        break;
    }
    return 0;
}

/* The stem with all numbers from `at` on. */
static void add_group(lk__targets *t, const struct group *group, int numbers[MAX_NUMBERS], int at)
{
    if (at == MAX_NUMBERS || group->bounds[at] == NO_NUMBER) {
        add_tails(t, group, numbers);
        return;
    }
    const int n = count_of(t, group->bounds[at]);
    for (numbers[at] = 0; numbers[at] < n; numbers[at]++)
        add_group(t, group, numbers, at + 1);
}

static int by_path(const void *a, const void *b)
{
    const struct alias *x = a, *y = b;
    if (x->part != y->part)
        return x->part < y->part ? -1 : 1;
    return strcmp(x->path, y->path);
}

int lk__targets_new(const lk_checkpoint *checkpoint, lk__targets **out, struct lk_error *err)
{
    lk__targets *t = calloc(1, sizeof *t);
    const size_t size = MAX_TARGETS * (sizeof *t->targets + ALIASES * sizeof *t->aliases);
    if (t) {
        t->checkpoint = checkpoint;
        t->arena = lk_arena_new(ARENA_LIMIT);
        t->targets = calloc(MAX_TARGETS, sizeof *t->targets);
        t->aliases = calloc(ALIASES * MAX_TARGETS, sizeof *t->aliases);
    }
    const bool ready = t && t->arena && t->targets && t->aliases;
    for (size_t i = 0; ready && i < LK_ARRAY_LENGTH(GROUPS); i++)
        add_group(t, &GROUPS[i], (int[MAX_NUMBERS]){0}, 0);
    if (!ready || t->failed) {
        lk__targets_free(t);
        return lk_fail_memory(err, "a checkpoint's names", size);
    }
    qsort(t->aliases, t->alias_count, sizeof *t->aliases, by_path);
    *out = t;
    return 0;
}

void lk__targets_free(lk__targets *t)
{
    if (!t)
        return;
    lk_arena_free(t->arena);
    free(t->targets);
    free(t->aliases);
    free(t);
}

/* The weight that the file counts as number path. */
static const char *find_counted(const lk__targets *t,
                                const lk_lora *lora,
                                const struct lk__module *m)
{
    const char *classes = json_string_value(json_object_get(lora->metadata, "unet"));
    const bool with_feed_forward = classes && strstr(classes, "GEGLU");
    char *end;
    unsigned long number = strtoul(m->path, &end, 10);
    for (size_t i = 0; !*end && i < t->count; i++) {
        const struct target *target = &t->targets[i];
        const bool counts =
            target->counted == ATTENTION || (target->counted == FEED_FORWARD && with_feed_forward);
        if (target->part == m->part && counts && number-- == 0)
            return target->name;
    }
    return NULL;
}

const char *lk__targets_find(const lk__targets *t, const lk_lora *lora, const struct lk__module *m)
{
    if (m->is_number)
        return find_counted(t, lora, m);
    const struct alias key = {m->part, m->path, NULL};
    const struct alias *found = bsearch(&key, t->aliases, t->alias_count, sizeof key, by_path);
    return found ? found->target->name : NULL;
}

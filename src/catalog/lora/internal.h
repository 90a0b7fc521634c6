// SPDX-License-Identifier: Apache-2.0
/* What the files of this folder share: keys of a LoRA file, gathered to modules; the weights of a
 * checkpoint that modules can name; the merge of one with the other. */
#ifndef LK_CATALOG_LORA_INTERNAL_H
#define LK_CATALOG_LORA_INTERNAL_H

#include <stdbool.h>

#include <jansson.h>

#include "base/arena.h"
#include "catalog/lora.h"
#include "catalog/names.h"

/* keys.c */

/* What a tensor is to its module. */
enum lk__slot {
    LK__UP,
    LK__DOWN,
    LK__MID, /* Tucker's core, between up and down */
    LK__ALPHA,
    LK__HADA_1A,
    LK__HADA_1B,
    LK__HADA_T1,
    LK__HADA_2A,
    LK__HADA_2B,
    LK__HADA_T2,
    LK__KRON_1,
    LK__KRON_1A,
    LK__KRON_1B,
    LK__KRON_2,
    LK__KRON_2A,
    LK__KRON_2B,
    LK__KRON_T2,
    LK__DIFF,
    LK__DIFF_BIAS,
    LK__IA3,
    LK__ON_INPUT,
    LK__DORA,      /* magnitudes per output or per input, as its shape says */
    LK__MAGNITUDE, /* PEFT's: always per output */
    LK__SLOTS
};

struct lk__key {
    enum lk_part part;
    char path[LK__NAME_MAX]; /* the weight's name with '_' for '.': one form for all programs */
    bool is_number;          /* path is cloneofsimo's: which weight of the part, counted */
    enum lk__slot slot;
};

/* false: no form that is read. */
bool lk__key_parse(const char *text, struct lk__key *out);

/* read.c */

/* The tensors that together change one weight, and perhaps its bias. */
struct lk__module {
    enum lk_part part;
    const char *path;
    bool is_number;
    enum lk_lora_kind kind;
    const struct lk_tensor *slot[LK__SLOTS]; /* NULL where the file has none */
    int64_t rank;                            /* of its factors; 0: it has none */
    float scale;                             /* of ΔW: alpha/rank */
};

struct lk_lora {
    lk_arena *arena;
    lk_tensor_file *file;
    const char *path, *name;
    json_t *metadata; /* strings by name; may be empty */
    struct lk__module *modules;
    size_t count;
    size_t unknown;
    const char *first_unknown;
};

/* The family that the file says or seems to be made for: "SDXL"; NULL: it does not tell. */
const char *lk__lora_base(const lk_lora *lora);

/* targets.c */

/* The weights of a checkpoint that LoRAs change. */
typedef struct lk__targets lk__targets;
int lk__targets_new(const lk_checkpoint *checkpoint, lk__targets **out, struct lk_error *err);
void lk__targets_free(lk__targets *targets);
/* The diffusers name, without ".weight", of what the module changes; NULL: nothing. */
const char *lk__targets_find(const lk__targets *targets,
                             const lk_lora *lora,
                             const struct lk__module *module);

/* merge.c */

/* A weight as the merge sees it: [rows, inputs·inner], inner the pixels of a convolution's kernel.
 */
struct lk__merge_into {
    const lk_lora *lora;
    const lk_checkpoint *checkpoint;
    const struct lk_tensor *tensor;
    const char *name; /* diffusers' */
    float weight;
    float *out;        /* in: W; out: W'. NULL: only whether shapes fit is asked */
    lk_arena *scratch; /* reset here */
};
int lk__merge(const struct lk__module *module,
              const struct lk__merge_into *into,
              struct lk_error *err);
int lk__merge_bias(const struct lk__module *module,
                   const struct lk__merge_into *into,
                   struct lk_error *err);

#endif

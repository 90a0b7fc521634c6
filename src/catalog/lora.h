// SPDX-License-Identifier: Apache-2.0
/* Small files that change a checkpoint's weights: LoRA and its kin.
 *
 *     W' = W + weight·scale·ΔW          docs/lora.md has ΔW of each kind
 *
 * Files are kohya's (lora_unet_…), diffusers' old and new (PEFT), LyCORIS' (LoHa, LoKr, full, IA3)
 * and cloneofsimo's; whatever they call a weight is brought to its diffusers name. The merged
 * tensors replace the file's in lk_checkpoint_tensor: networks built afterwards have them. */
#ifndef LK_CATALOG_LORA_H
#define LK_CATALOG_LORA_H

#include "catalog/checkpoint.h"

typedef struct lk_lora lk_lora;

/* LK_E_MISSING when there is no such file; LK_E_INPUT for one that is broken or holds no key of a
 * LoRA. Read-only once open. */
int lk_lora_open(const char *path, lk_lora **out, struct lk_error *err);
void lk_lora_free(lk_lora *lora); /* NULL is fine */

const char *lk_lora_name(const lk_lora *lora); /* the file's, without ending */
/* sha256 of the whole file, and the short hash that the WebUI writes into pictures: 12 digits of
 * the sha256 of what follows a safetensors header, unless the file says its own. */
int lk_lora_hash(const lk_lora *lora, struct lk_sha256 *file, char webui[13], struct lk_error *err);

enum lk_lora_kind {
    LK_LORA_LOW_RANK, /* up·down: LoRA, and LoCon of convolutions */
    LK_LORA_LOHA,
    LK_LORA_LOKR,
    LK_LORA_FULL, /* the difference itself; of norms and biases too */
    LK_LORA_IA3,
    LK_LORA_KINDS
};
const char *lk_lora_kind_name(enum lk_lora_kind kind); /* "LoRA", "LoHa" … */

/* What a file says of itself. Strings belong to it. */
struct lk_lora_info {
    size_t keys;                             /* tensors */
    size_t unknown;                          /* of them, those of no form that is read */
    const char *first_unknown;               /* NULL: none */
    size_t kinds[LK_LORA_KINDS], text, unet; /* weights changed, by kind and by part: both text
                                                encoders together */
    size_t dora, convolutions;               /* of them */
    int64_t low_rank, high_rank;             /* 0: of no rank */
    double low_alpha, high_alpha;            /* NaN: not said */
    const char *base; /* family: as the file says, else by its keys; or NULL */
    char words[256];  /* what it was trained on, most often first; or "" */
};
void lk_lora_describe(const lk_lora *lora, struct lk_lora_info *out);

struct lk_lora_use {
    const lk_lora *lora;
    float text, unet; /* weights; 0: nothing of that part is changed */
};

/* How much of a file belongs to the checkpoint. */
struct lk_lora_account {
    size_t keys, applied;
    const char *first; /* key that belongs to nothing; NULL: all do. Belongs to the lora */
};

/* Holds a LoRA against the checkpoint, reading no numbers: LK_E_INPUT when nothing of it fits, or a
 * shape does not. */
int lk_checkpoint_fits(const lk_checkpoint *checkpoint,
                       const lk_lora *lora,
                       struct lk_lora_account *account,
                       struct lk_error *err);

/* Makes the checkpoint's weights those of its file with n LoRAs merged, in this order; n = 0: the
 * file's again. Networks that were built before keep what they have, so *changed has the
 * bit 1 << part of those that must be built anew (also where the file's weights are to serve
 * again). accounts [n]; a LoRA of weight 0 is held against the checkpoint too, but changes nothing.
 * LK_E_INPUT, and all weights as they were, for a LoRA of which nothing fits or a shape does not,
 * or that holds NaN or overflows. Merged tensors are f32 and live in memory until the next call. */
int lk_checkpoint_merge(lk_checkpoint *checkpoint,
                        const struct lk_lora_use *uses,
                        size_t n,
                        struct lk_lora_account *accounts,
                        unsigned *changed,
                        struct lk_error *err);

#endif

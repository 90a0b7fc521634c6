// SPDX-License-Identifier: Apache-2.0
/* What a LoRA file is, for `likeness models show`: kinds, ranks, family, trained words. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "catalog/lora/internal.h"

enum { WORDS = 8 };

/* By what is in a key's path. */
static const struct {
    const char *part, *family;
} SIGNS[] = {
    {"double_blocks", "FLUX"},
    {"single_transformer_blocks", "FLUX"},
    {"joint_blocks", "SD 3"},
    {"transformer_blocks_1_", "SDXL"}, /* a second block in a transformer */
};

/* By how many numbers a token has that cross attention reads. */
static const struct {
    int64_t width;
    const char *family;
} CONTEXTS[] = {{768, "SD 1.x"}, {1024, "SD 2.x"}, {2048, "SDXL"}};

const char *lk__lora_base(const lk_lora *lora)
{
    static const char *const keys[] = {"modelspec.architecture", "ss_base_model_version"};
    for (size_t i = 0; i < LK_ARRAY_LENGTH(keys); i++) {
        const char *said = json_string_value(json_object_get(lora->metadata, keys[i]));
        if (said && *said)
            return said;
    }
    for (size_t i = 0; i < lora->count; i++) {
        const struct lk__module *m = &lora->modules[i];
        const struct lk_tensor *down = m->slot[LK__DOWN];
        for (size_t k = 0; k < LK_ARRAY_LENGTH(SIGNS); k++)
            if (strstr(m->path, SIGNS[k].part))
                return SIGNS[k].family;
        for (size_t k = 0; k < LK_ARRAY_LENGTH(CONTEXTS); k++)
            if (strstr(m->path, "attn2_to_k") && down && down->rank == 2 &&
                down->shape[1] == CONTEXTS[k].width)
                return CONTEXTS[k].family;
    }
    return NULL;
}

/* {"folder": {"word": count, …}, …} → the words' counts in one object. */
static json_t *count_words(const char *text)
{
    json_t *folders = text ? json_loads(text, 0, NULL) : NULL, *sums = json_object();
    const char *folder, *word;
    json_t *words, *count;
    json_object_foreach(folders, folder, words)
    {
        json_object_foreach(words, word, count)
        {
            json_int_t sum = json_integer_value(json_object_get(sums, word));
            if (json_is_integer(count) && json_integer_value(count) < (1 << 30))
                json_object_set_new(sums, word, json_integer(sum + json_integer_value(count)));
        }
    }
    json_decref(folders);
    return sums;
}

static void add_word(char out[256], const char *word)
{
    size_t used = strlen(out);
    if (used + strlen(word) + 3 < 256)
        snprintf(out + used, 256 - used, "%s%s", used ? ", " : "", word);
}

static void list_words(const lk_lora *lora, char out[256])
{
    const char *trigger =
        json_string_value(json_object_get(lora->metadata, "modelspec.trigger_phrase"));
    json_t *sums =
        count_words(json_string_value(json_object_get(lora->metadata, "ss_tag_frequency")));
    *out = 0;
    if (trigger)
        add_word(out, trigger);
    for (int i = 0; i < WORDS && json_object_size(sums); i++) {
        const char *word, *best = NULL;
        json_int_t most = 0;
        json_t *count;
        json_object_foreach(sums, word, count)
        {
            if (!best || json_integer_value(count) > most) {
                best = word;
                most = json_integer_value(count);
            }
        }
        add_word(out, best);
        json_object_del(sums, best);
    }
    json_decref(sums);
}

static void add_module(const struct lk__module *m, struct lk_lora_info *out)
{
    const int64_t rank = m->rank;
    const struct lk_tensor *down = m->slot[LK__DOWN];
    out->kinds[m->kind]++;
    out->text += m->part != LK_PART_UNET;
    out->unet += m->part == LK_PART_UNET;
    out->dora += m->slot[LK__DORA] || m->slot[LK__MAGNITUDE];
    out->convolutions += m->slot[LK__MID] || m->slot[LK__HADA_T2] || m->slot[LK__KRON_T2] ||
                         (down && down->rank == 4 && down->shape[2] > 1);
    if (!rank)
        return;
    const double alpha = (double)m->scale * (double)rank;
    if (!out->high_rank || rank < out->low_rank)
        out->low_rank = rank;
    if (rank > out->high_rank)
        out->high_rank = rank;
    if (m->slot[LK__ALPHA]) {
        out->low_alpha = fmin(out->low_alpha, alpha); /* NaN gives way */
        out->high_alpha = fmax(out->high_alpha, alpha);
    }
}

void lk_lora_describe(const lk_lora *lora, struct lk_lora_info *out)
{
    *out = (struct lk_lora_info){
        .keys = lk_tensor_file_count(lora->file),
        .unknown = lora->unknown,
        .first_unknown = lora->first_unknown,
        .low_alpha = NAN,
        .high_alpha = NAN,
        .base = lk__lora_base(lora),
    };
    for (size_t i = 0; i < lora->count; i++)
        add_module(&lora->modules[i], out);
    list_words(lora, out->words);
}

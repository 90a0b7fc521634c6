// SPDX-License-Identifier: Apache-2.0
/* Reading a LoRA file: keys are parsed, those of one weight gathered to a module, and each module
 * is of the first kind whose tensors it has. What belongs to no kind is counted, never dropped in
 * silence. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/size.h"
#include "catalog/lora/internal.h"
#include "data/tensor_metadata.h"

#define ARENA_LIMIT ((size_t)256 << 20) /* a path and a row a tensor */

#define BIT(slot) (1U << (slot))
#define KRON_1 (BIT(LK__KRON_1A) | BIT(LK__KRON_1B))
#define KRON_2 (BIT(LK__KRON_2A) | BIT(LK__KRON_2B))
#define ALWAYS (BIT(LK__ALPHA) | BIT(LK__DIFF_BIAS) | BIT(LK__DORA) | BIT(LK__MAGNITUDE))

static const struct {
    enum lk_lora_kind kind;
    unsigned needs, may;
} FORMS[] = {
    {LK_LORA_LOW_RANK, BIT(LK__UP) | BIT(LK__DOWN), BIT(LK__MID) | ALWAYS},
    {LK_LORA_LOHA, BIT(LK__HADA_1A) | BIT(LK__HADA_1B) | BIT(LK__HADA_2A) | BIT(LK__HADA_2B),
     BIT(LK__HADA_T1) | BIT(LK__HADA_T2) | ALWAYS},
    {LK_LORA_LOKR, BIT(LK__KRON_1) | BIT(LK__KRON_2), ALWAYS},
    {LK_LORA_LOKR, BIT(LK__KRON_1) | KRON_2, BIT(LK__KRON_T2) | ALWAYS},
    {LK_LORA_LOKR, KRON_1 | BIT(LK__KRON_2), ALWAYS},
    {LK_LORA_LOKR, KRON_1 | KRON_2, BIT(LK__KRON_T2) | ALWAYS},
    {LK_LORA_FULL, BIT(LK__DIFF), ALWAYS},
    {LK_LORA_FULL, BIT(LK__DIFF_BIAS), BIT(LK__ALPHA)},
    {LK_LORA_IA3, BIT(LK__IA3) | BIT(LK__ON_INPUT), 0},
};

static const char *const KIND_NAMES[LK_LORA_KINDS] = {
    [LK_LORA_LOW_RANK] = "LoRA", [LK_LORA_LOHA] = "LoHa", [LK_LORA_LOKR] = "LoKr",
    [LK_LORA_FULL] = "full",     [LK_LORA_IA3] = "IA3",
};

const char *lk_lora_kind_name(enum lk_lora_kind kind)
{
    return KIND_NAMES[kind];
}

/* One tensor of the file, with its key understood. */
struct entry {
    enum lk_part part;
    const char *path;
    bool is_number;
    enum lk__slot slot;
    const struct lk_tensor *tensor;
};

static int by_module(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->part != y->part)
        return x->part < y->part ? -1 : 1;
    return strcmp(x->path, y->path);
}

static void leave_out(lk_lora *lora, const struct lk_tensor *tensor)
{
    if (!lora->unknown++)
        lora->first_unknown = tensor->name;
}

static int64_t first_side(const struct lk_tensor *tensor)
{
    return tensor && tensor->rank ? tensor->shape[0] : 0;
}

/* Of the factors; 0 when there are none. */
static int64_t rank_of(const struct lk__module *m)
{
    static const enum lk__slot inner[] = {LK__DOWN, LK__HADA_1B, LK__KRON_1B, LK__KRON_2B};
    for (size_t i = 0; i < LK_ARRAY_LENGTH(inner); i++)
        if (m->slot[inner[i]])
            return first_side(m->slot[inner[i]]);
    return 0;
}

static int read_alpha(const lk_lora *lora,
                      const struct lk_tensor *tensor,
                      double *out,
                      struct lk_error *err)
{
    float value = 0;
    int64_t whole = 0;
    int code = 0;
    if (tensor->size != lk_dtype_size(tensor->dtype))
        code = LK_E_INPUT;
    else if (tensor->dtype == LK_I64)
        memcpy(&whole, tensor->data, sizeof whole);
    else
        code = lk_tensor_to_f32(tensor, 0, 1, &value, NULL);
    *out = tensor->dtype == LK_I64 ? (double)whole : (double)value;
    if (!code && isfinite(*out))
        return 0;
    return lk_fail(err, LK_E_INPUT, "lora '%s': '%s' is not one finite number: the file is broken",
                   lora->name, tensor->name);
}

/* PEFT keeps alpha in the file's metadata: {"unet.lora_alpha": 8, "unet.use_rslora": false}. */
static double peft_scale(const json_t *peft, enum lk_part part, int64_t rank)
{
    static const char *const prefixes[LK_PART_COUNT] = {[LK_PART_TEXT] = "text_encoder",
                                                        [LK_PART_TEXT_2] = "text_encoder_2",
                                                        [LK_PART_UNET] = "unet"};
    char key[40];
    const char *prefix = prefixes[part];
    snprintf(key, sizeof key, "%s.lora_alpha", prefix);
    const json_t *alpha = json_object_get(peft, key);
    snprintf(key, sizeof key, "%s.use_rslora", prefix);
    const bool stable = json_is_true(json_object_get(peft, key));
    return json_is_number(alpha)
               ? json_number_value(alpha) / (stable ? sqrt((double)rank) : (double)rank)
               : 1;
}

static int read_scale(const lk_lora *lora,
                      const json_t *peft,
                      struct lk__module *m,
                      struct lk_error *err)
{
    double alpha = 0;
    m->rank = rank_of(m);
    m->scale = 1;
    if (!m->rank)
        return 0;
    if (!m->slot[LK__ALPHA]) {
        m->scale = (float)peft_scale(peft, m->part, m->rank);
        return 0;
    }
    int code = read_alpha(lora, m->slot[LK__ALPHA], &alpha, err);
    m->scale = (float)(alpha / (double)m->rank);
    return code;
}

/* Takes the module's kind from what it has; false when it is of none. */
static bool read_kind(lk_lora *lora, struct lk__module *m)
{
    unsigned has = 0;
    size_t form = 0;
    for (int slot = 0; slot < LK__SLOTS; slot++)
        has |= m->slot[slot] ? BIT(slot) : 0;
    while (form < LK_ARRAY_LENGTH(FORMS) && (has & FORMS[form].needs) != FORMS[form].needs)
        form++;
    const bool is_known = form < LK_ARRAY_LENGTH(FORMS);
    const unsigned used = is_known ? FORMS[form].needs | FORMS[form].may : 0;
    for (int slot = 0; slot < LK__SLOTS; slot++) {
        if (m->slot[slot] && !(used & BIT(slot))) {
            leave_out(lora, m->slot[slot]);
            m->slot[slot] = NULL;
        }
    }
    if (is_known)
        m->kind = FORMS[form].kind;
    return is_known;
}

/* entries [n] are those of one module. */
static int add_module(
    lk_lora *lora, const json_t *peft, const struct entry *entries, size_t n, struct lk_error *err)
{
    struct lk__module m = {
        .part = entries->part, .path = entries->path, .is_number = entries->is_number};
    for (size_t i = 0; i < n; i++) {
        if (m.slot[entries[i].slot])
            leave_out(lora, entries[i].tensor);
        else
            m.slot[entries[i].slot] = entries[i].tensor;
    }
    if (!read_kind(lora, &m))
        return 0;
    int code = read_scale(lora, peft, &m, err);
    if (!code)
        lora->modules[lora->count++] = m;
    return code;
}

static int gather(lk_lora *lora, struct entry *entries, size_t n, struct lk_error *err)
{
    const char *text = json_string_value(json_object_get(lora->metadata, "lora_adapter_metadata"));
    json_t *peft = text ? json_loads(text, 0, NULL) : NULL;
    int code = 0;
    if (n)
        qsort(entries, n, sizeof *entries, by_module);
    for (size_t from = 0, to; !code && from < n; from = to) {
        for (to = from + 1; to < n && !by_module(&entries[from], &entries[to]); to++)
            ;
        code = add_module(lora, peft, entries + from, to - from, err);
    }
    json_decref(peft);
    return code;
}

static int read_keys(lk_lora *lora, struct lk_error *err)
{
    const size_t count = lk_tensor_file_count(lora->file);
    struct entry *entries = lk_arena_alloc(lora->arena, count, sizeof *entries);
    lora->modules = lk_arena_alloc(lora->arena, count, sizeof *lora->modules);
    size_t n = 0;
    if (count && (!entries || !lora->modules))
        return lk_fail_memory(err, "a LoRA", count * sizeof *lora->modules);
    for (size_t i = 0; i < count; i++) {
        const struct lk_tensor *tensor = lk_tensor_file_at(lora->file, i);
        struct lk__key key;
        if (!lk__key_parse(tensor->name, &key)) {
            leave_out(lora, tensor);
            continue;
        }
        const char *path = lk_arena_strdup(lora->arena, key.path);
        if (!path)
            return lk_fail_memory(err, "a LoRA", count * sizeof *lora->modules);
        entries[n++] = (struct entry){key.part, path, key.is_number, key.slot, tensor};
    }
    int code = gather(lora, entries, n, err);
    if (!code && !lora->count)
        code =
            lk_fail(err, LK_E_INPUT, "'%s' is no LoRA: none of its %zu tensors is named as one's",
                    lora->path, count);
    return code;
}

/* NAME of /folder/NAME.safetensors, without what the WebUI's texts separate by. */
static const char *label(lk_lora *lora)
{
    const char *base = lk_file_name(lora->path), *dot = strrchr(base, '.');
    char *name = lk_arena_strndup(lora->arena, base,
                                  dot && dot > base ? (size_t)(dot - base) : strlen(base));
    size_t n = 0;
    for (const char *c = name; c && *c; c++)
        if (!strchr(":,<>", *c))
            name[n++] = *c;
    if (name)
        name[n] = 0;
    return name;
}

int lk_lora_open(const char *path, lk_lora **out, struct lk_error *err)
{
    lk_lora *lora = calloc(1, sizeof *lora);
    size_t data;
    int code = LK_E_FAILED;
    if (!lora || !(lora->arena = lk_arena_new(ARENA_LIMIT)) ||
        !(lora->path = lk_arena_strdup(lora->arena, path)) || !(lora->name = label(lora)))
        lk_fail_memory(err, "a LoRA", sizeof *lora);
    else
        code = lk_tensor_file_open(path, &lora->file, err);
    if (!code)
        code = lk_tensor_metadata(path, &lora->metadata, &data, err);
    if (!code)
        code = read_keys(lora, err);
    if (code)
        lk_lora_free(lora);
    else
        *out = lora;
    return code;
}

void lk_lora_free(lk_lora *lora)
{
    if (!lora)
        return;
    json_decref(lora->metadata);
    lk_tensor_file_free(lora->file);
    lk_arena_free(lora->arena);
    free(lora);
}

const char *lk_lora_name(const lk_lora *lora)
{
    return lora->name;
}

/* Of everything behind the header: training notes in it may be edited without another hash. */
static int hash_of_data(const char *path, struct lk_sha256 *out, struct lk_error *err)
{
    struct lk_file file;
    json_t *metadata = NULL;
    size_t data = 0;
    int code = lk_tensor_metadata(path, &metadata, &data, err);
    json_decref(metadata);
    if (!code)
        code = lk_file_map(path, &file, err);
    if (code)
        return code;
    lk_sha256_bytes(file.bytes + data, file.size - data, out);
    lk_file_unmap(&file);
    return 0;
}

int lk_lora_hash(const lk_lora *lora, struct lk_sha256 *file, char webui[13], struct lk_error *err)
{
    struct lk_sha256 data = {""};
    const char *own = json_string_value(json_object_get(lora->metadata, "sshs_model_hash"));
    int code = lk_sha256_file(lora->path, file, err);
    if (!code && own && strlen(own) == 64 && strspn(own, "0123456789abcdef") == 64)
        memcpy(data.hex, own, sizeof data.hex);
    else if (!code)
        code = hash_of_data(lora->path, &data, err);
    if (!code)
        snprintf(webui, 13, "%.12s", data.hex);
    return code;
}

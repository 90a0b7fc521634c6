// SPDX-License-Identifier: Apache-2.0
/* What kind of IP-Adapter a file is, told by the tensors of its projection, and which layers it
 * serves. Both versions of FaceID Plus have the same tensors: the second is told by "plusv2" in the
 * file's name, as all who use them do. */
#include "catalog/adapter.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/size.h"

enum { MOST_TOKENS = 4096 };

#define FACE_RESAMPLER "image_proj.perceiver_resampler."

struct lk_adapter {
    char *path, *name;
    lk_tensor_file *file;
    struct lk_adapter_info info;
};

static const struct kind {
    const char *name;
    const char *probe;     /* a tensor that only this kind has, of those further down */
    const char *reads;     /* whose last side is what it reads */
    const char *resampler; /* what its names begin with; NULL: there is none */
    bool face;
} KINDS[LK_ADAPTER_KINDS] = {
    [LK_ADAPTER_PLAIN] = {.name = "IP-Adapter",
                          .probe = "image_proj.proj.weight",
                          .reads = "image_proj.proj.weight"},
    [LK_ADAPTER_PLUS] = {.name = "IP-Adapter Plus",
                         .probe = "image_proj.latents",
                         .reads = "image_proj.proj_in.weight",
                         .resampler = "image_proj."},
    [LK_ADAPTER_FULL] = {.name = "IP-Adapter Full",
                         .probe = "image_proj.proj.3.weight",
                         .reads = "image_proj.proj.0.weight"},
    [LK_ADAPTER_FACE_PLUS] = {.name = "IP-Adapter FaceID Plus",
                              .probe = FACE_RESAMPLER "proj_in.weight",
                              .reads = "image_proj.proj.0.weight",
                              .resampler = FACE_RESAMPLER,
                              .face = true},
    [LK_ADAPTER_FACE_PLUS_V2] = {.name = "IP-Adapter FaceID PlusV2",
                                 .probe = FACE_RESAMPLER "proj_in.weight",
                                 .reads = "image_proj.proj.0.weight",
                                 .resampler = FACE_RESAMPLER,
                                 .face = true},
    [LK_ADAPTER_FACE] = {.name = "IP-Adapter FaceID",
                         .probe = "image_proj.norm.weight",
                         .reads = "image_proj.proj.0.weight",
                         .face = true},
};

static const struct {
    int context;
    const char *family;
} FAMILIES[] = {{768, "SD 1.x"}, {1024, "SD 2.x"}, {2048, "SDXL"}};

const char *lk_adapter_kind_name(enum lk_adapter_kind kind)
{
    return KINDS[kind].name;
}

bool lk_adapter_reads_face(enum lk_adapter_kind kind)
{
    return KINDS[kind].face;
}

const char *lk_adapter_family(const struct lk_adapter_info *info)
{
    for (size_t i = 0; i < LK_ARRAY_LENGTH(FAMILIES); i++)
        if (FAMILIES[i].context == info->context)
            return FAMILIES[i].family;
    return "another family";
}

const struct lk_tensor *lk_adapter_tensor(const lk_adapter *adapter, const char *name)
{
    return lk_tensor_file_find(adapter->file, name);
}

/* That side of a tensor, a number that an int holds; 0 when there is none. */
static int side_of(const lk_adapter *a, const char *name, int axis)
{
    const struct lk_tensor *tensor = lk_adapter_tensor(a, name);
    const bool is_there = tensor && axis >= 0 && axis < tensor->rank;
    return is_there && tensor->shape[axis] > 0 && tensor->shape[axis] < INT_MAX / 8
               ? (int)tensor->shape[axis]
               : 0;
}

static int broken(const lk_adapter *a, const char *what, struct lk_error *err)
{
    return lk_fail(err, LK_E_INPUT, "ip-adapter '%s' is broken: its '%s' is missing or misshapen",
                   a->path, what);
}

static int read_kind(lk_adapter *a, struct lk_error *err)
{
    int kind = 0;
    while (kind < LK_ADAPTER_KINDS && !lk_adapter_tensor(a, KINDS[kind].probe))
        kind++;
    if (kind == LK_ADAPTER_KINDS || !lk_adapter_tensor(a, "ip_adapter.1.to_k_ip.weight"))
        return lk_fail(err, LK_E_INPUT,
                       "'%s' is no IP-Adapter: it has no image_proj and ip_adapter that belong "
                       "together",
                       a->path);
    if (kind == LK_ADAPTER_FACE_PLUS && strcasestr(a->name, "plusv2"))
        kind = LK_ADAPTER_FACE_PLUS_V2;
    a->info.kind = (enum lk_adapter_kind)kind;
    a->info.reads = side_of(a, KINDS[kind].reads, 1);
    if (!a->info.reads)
        return broken(a, KINDS[kind].reads, err);
    const bool looks = KINDS[kind].face && KINDS[kind].resampler;
    a->info.sees = looks ? side_of(a, KINDS[kind].probe, 1) : 0;
    return a->info.sees || !looks ? 0 : broken(a, KINDS[kind].probe, err);
}

static void count_blocks(lk_adapter *a)
{
    const char *resampler = KINDS[a->info.kind].resampler;
    char block[80];
    do
        snprintf(block, sizeof block, "%slayers.%d.0.to_q.weight", resampler, a->info.blocks);
    while (lk_adapter_tensor(a, block) && ++a->info.blocks);
}

static int read_tokens(lk_adapter *a, struct lk_error *err)
{
    static const char *const made_by[LK_ADAPTER_KINDS] = {
        [LK_ADAPTER_PLAIN] = "image_proj.proj.weight",
        [LK_ADAPTER_PLUS] = "image_proj.latents",
        [LK_ADAPTER_FACE_PLUS] = "image_proj.proj.2.weight",
        [LK_ADAPTER_FACE_PLUS_V2] = "image_proj.proj.2.weight",
        [LK_ADAPTER_FACE] = "image_proj.proj.2.weight"};
    struct lk_adapter_info *info = &a->info;
    const char *name = made_by[info->kind];
    if (KINDS[info->kind].resampler)
        count_blocks(a);
    if (!name)
        return 0;
    const int numbers = side_of(a, name, 0);
    const int each = info->sees ? side_of(a, FACE_RESAMPLER "proj_in.weight", 0) : info->context;
    if (info->kind == LK_ADAPTER_PLUS)
        info->tokens = side_of(a, name, 1);
    else
        info->tokens = each && numbers % each == 0 ? numbers / each : 0;
    return info->tokens && info->tokens <= MOST_TOKENS ? 0 : broken(a, name, err);
}

/* Layer i: keys and values of the same shape [width, context]. */
static int read_layer(lk_adapter *a, int i, struct lk_error *err)
{
    struct lk_adapter_info *info = &a->info;
    char k[64], v[64];
    snprintf(k, sizeof k, "ip_adapter.%d.to_k_ip.weight", 2 * i + 1);
    snprintf(v, sizeof v, "ip_adapter.%d.to_v_ip.weight", 2 * i + 1);
    info->width[i] = side_of(a, k, 0);
    if (!info->width[i] || side_of(a, k, 1) != info->context)
        return broken(a, k, err);
    if (side_of(a, v, 0) != info->width[i] || side_of(a, v, 1) != info->context)
        return broken(a, v, err);
    return 0;
}

static int read_layers(lk_adapter *a, struct lk_error *err)
{
    struct lk_adapter_info *info = &a->info;
    info->context = side_of(a, "ip_adapter.1.to_k_ip.weight", 1);
    if (!info->context)
        return broken(a, "ip_adapter.1.to_k_ip.weight", err);
    for (size_t i = 0; i < lk_tensor_file_count(a->file); i++) {
        const struct lk_tensor *t = lk_tensor_file_at(a->file, i);
        info->layers += strstr(t->name, ".to_k_ip.weight") != NULL;
        info->loras += strstr(t->name, "_lora.") != NULL;
        info->numbers += t->size / lk_dtype_size(t->dtype);
    }
    if (info->layers > LK_ADAPTER_LAYERS)
        return lk_fail(err, LK_E_INPUT, "ip-adapter '%s' serves %d layers, more than %d", a->path,
                       info->layers, LK_ADAPTER_LAYERS);
    int code = 0;
    for (int i = 0; i < info->layers && !code; i++)
        code = read_layer(a, i, err);
    return code;
}

/* NAME of /folder/NAME.bin */
static char *label(const char *path)
{
    const char *base = lk_file_name(path), *dot = strrchr(base, '.');
    return strndup(base, dot && dot > base ? (size_t)(dot - base) : strlen(base));
}

int lk_adapter_open(const char *path, lk_adapter **out, struct lk_error *err)
{
    lk_adapter *a = calloc(1, sizeof *a);
    if (!a || !(a->path = strdup(path)) || !(a->name = label(path))) {
        lk_adapter_free(a);
        return lk_fail_memory(err, "an IP-Adapter", sizeof *a);
    }
    int code = lk_tensor_file_open(path, &a->file, err);
    code = code ? code : read_kind(a, err);
    code = code ? code : read_layers(a, err);
    code = code ? code : read_tokens(a, err);
    if (code)
        lk_adapter_free(a);
    else
        *out = a;
    return code;
}

void lk_adapter_free(lk_adapter *a)
{
    if (!a)
        return;
    lk_tensor_file_free(a->file);
    free(a->path);
    free(a->name);
    free(a);
}

const char *lk_adapter_name(const lk_adapter *a)
{
    return a->name;
}

const char *lk_adapter_path(const lk_adapter *a)
{
    return a->path;
}

const struct lk_adapter_info *lk_adapter_info(const lk_adapter *a)
{
    return &a->info;
}

// SPDX-License-Identifier: Apache-2.0
#include "support/checkpoint.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/temp.h"

enum { PARTS = 4 };

static const char *const PART_FOLDER[PARTS] = {"text_encoder", "unet", "vae", "text_encoder_2"};
static const char *const PART_FILE[PARTS] = {"model", "diffusion_pytorch_model",
                                             "diffusion_pytorch_model", "model"};

#define TEXT(act) "{\"num_attention_heads\": 2, \"hidden_act\": \"" act "\"}"
#define UNET(heads, more) "{\"attention_head_dim\": " heads ", \"norm_num_groups\": 8" more "}"
#define VAE(scale) "{\"norm_num_groups\": 8, \"scaling_factor\": " scale "}"
#define ADDED ", \"addition_embed_type\": \"text_time\""

/* The fields that shapes cannot tell; the same members serve folder and sidecar. */
static const struct family {
    const char *name, *pipeline, *config[PARTS];
} FAMILIES[] = {
    {"sd", "", {TEXT("quick_gelu"), UNET("2", ""), VAE("0.18215"), NULL}},
    {"sd2", "", {TEXT("gelu"), UNET("[1, 2, 4, 4]", ""), VAE("0.18215"), NULL}},
    {"sdxl", "XL", {TEXT("quick_gelu"), UNET("[1, 2, 4]", ADDED), VAE("0.13025"), TEXT("gelu")}},
    {"refiner", "XLImg2Img", {NULL, UNET("[1, 2, 4, 4]", ADDED), VAE("0.13025"), TEXT("gelu")}},
    {"distilled",
     "XL",
     {TEXT("quick_gelu"), UNET("[1, 2, 4]", ADDED), VAE("0.13025"), TEXT("gelu")}},
    {"small", "", {TEXT("quick_gelu"), UNET("2", ""), VAE("0.18215"), NULL}},
    {"inpaint", "Inpaint", {TEXT("quick_gelu"), UNET("2", ""), VAE("0.18215"), NULL}},
};

static const struct family *family_of(const struct test_checkpoint *options)
{
    const struct family *family = FAMILIES;
    while (options->family && strcmp(family->name, options->family))
        family++;
    return family;
}

static void must(bool holds, const char *what)
{
    if (!holds) {
        perror(what);
        abort();
    }
}

static size_t elements(int rank, const int64_t *shape)
{
    size_t n = 1;
    for (int i = 0; i < rank; i++)
        n *= (size_t)shape[i];
    return n;
}

static uint64_t fnv1a64(const char *text)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (; *text; text++)
        h = (h ^ (uint8_t)*text) * 0x100000001b3u;
    return h;
}

/* splitmix64 (Steele, Lea, Flood 2014), its state started from the name. */
static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void test_checkpoint_values(const char *name, int rank, const int64_t *shape, float *out)
{
    size_t n = elements(rank, shape), length = strlen(name);
    bool is_weight = length > 6 && !strcmp(name + length - 6, "weight");
    double base = rank == 1 && is_weight ? 1.0 : 0.0;
    float scale = is_weight ? 0.1f : 0.05f;
    if (rank > 1)
        scale = (float)sqrt(3.0 / (double)elements(rank - 1, shape + 1));
    uint64_t state = fnv1a64(name);
    for (size_t i = 0; i < n; i++) {
        double u = (double)(mix(state + (i + 1) * 0x9e3779b97f4a7c15u) >> 40) / 8388608.0 - 1.0;
        out[i] = (float)(base + (double)scale * u);
    }
}

static uint16_t to_bf16(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, 4);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/* |x| < 65504 only, which all weights here are. */
static uint16_t to_f16(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, 4);
    uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    bits &= 0x7fffffff;
    if (fabsf(x) < 0x1p-14f)
        return sign | (uint16_t)lrintf(fabsf(x) * 0x1p24f);
    bits += 0xfff + (bits >> 13 & 1);
    return sign | (uint16_t)((bits >> 13) - (112 << 10));
}

/* |x| within the type's range, which all weights here are. bits: of the mantissa; low: exponent of
 * the smallest normal number. */
static uint8_t to_f8(float x, int bits, int low)
{
    int exponent;
    frexpf(x, &exponent); /* |x| in [2^(e−1), 2^e) */
    exponent = exponent - 1 < low || x == 0 ? low : exponent - 1;
    long units = lrintf(ldexpf(fabsf(x), bits - exponent));
    /* a subnormal has fewer than 2^bits units and no implicit one; carries run on by themselves */
    long body = ((long)(exponent - low) << bits) + units;
    return (uint8_t)(body | (signbit(x) ? 0x80 : 0));
}

static int parse_shape(const char *text, int64_t shape[4])
{
    int rank = 0;
    for (char *end; rank < 4; text = end + 1) {
        shape[rank++] = strtoll(text, &end, 10);
        if (*end != ',')
            break;
    }
    return rank;
}

/* Adds the lines of a file; only: -1, or the part that is taken. */
static struct test_tensor *read_list(const char *name,
                                     int only,
                                     struct test_tensor *list,
                                     size_t *count)
{
    char *path = test_format("%s/tests/golden/%s_tiny.tsv", getenv("LIKENESS_SOURCE"), name);
    FILE *file = fopen(path, "r");
    must(file != NULL, path);
    free(path);
    char line[512], part[16], shape[64], ldm_shape[64];
    while (fgets(line, sizeof line, file)) {
        list = realloc(list, (*count + 1) * sizeof *list);
        must(list != NULL, name);
        struct test_tensor *t = &list[*count];
        must(sscanf(line, "%15s %127s %159s %63s %63s %x", part, t->name, t->ldm, shape, ldm_shape,
                    &t->crc) == 6,
             line);
        int which = 0;
        while (strcmp(part, PART_FOLDER[which]))
            which++;
        if (only >= 0 && which != only)
            continue;
        t->part = which;
        t->rank = parse_shape(shape, t->shape);
        t->ldm_rank = parse_shape(ldm_shape, t->ldm_shape);
        ++*count;
    }
    fclose(file);
    return list;
}

static int by_part(const void *a, const void *b)
{
    return (int)((const struct test_tensor *)a)->part - (int)((const struct test_tensor *)b)->part;
}

struct test_tensor *test_checkpoint_list(const char *family, size_t *count)
{
    *count = 0;
    struct test_tensor *list = read_list(family ? family : "sd", -1, NULL, count);
    if (family) {
        list = read_list("sd", TEST_VAE, list, count);
        qsort(list, *count, sizeof *list, by_part);
    }
    return list;
}

/* Replaces the first `from` in name by `to`. */
static void rename_part(char name[160], const char *from, const char *to)
{
    char *at = strstr(name, from);
    if (!at)
        return;
    char *tail = test_format("%s%s", to, at + strlen(from));
    snprintf(at, (size_t)(name + 160 - at), "%s", tail);
    free(tail);
}

static void name_in_file(const struct test_tensor *t,
                         const struct test_checkpoint *options,
                         char out[160])
{
    snprintf(out, 160, "%s", options->layout == TEST_SINGLE ? t->ldm : t->name);
    if (!options->old_vae_names || t->part != TEST_VAE)
        return;
    rename_part(out, ".to_q.", ".query.");
    rename_part(out, ".to_k.", ".key.");
    rename_part(out, ".to_v.", ".value.");
    rename_part(out, ".to_out.0.", ".proj_attn.");
}

/* How many of the list from i on are one tensor in the file: OpenCLIP's q, k, v are. */
static size_t fused_count(const struct test_tensor *const *list,
                          size_t i,
                          size_t count,
                          const struct test_checkpoint *options)
{
    size_t n = 1;
    while (options->layout == TEST_SINGLE && i + n < count &&
           !strcmp(list[i]->ldm, list[i + n]->ldm))
        n++;
    return n;
}

static void write_header(FILE *file,
                         const struct test_tensor *const *list,
                         size_t count,
                         const struct test_checkpoint *options)
{
    char *text = NULL;
    size_t size = 0, at = 0;
    FILE *json = open_memstream(&text, &size);
    const char *dtype = lk_dtype_name(options->dtype);
    fprintf(json, "{\"__metadata__\":{\"format\":\"pt\"}");
    for (size_t i = 0, n; i < count; i += n) {
        const struct test_tensor *t = list[i];
        bool single = options->layout == TEST_SINGLE;
        int rank = single ? t->ldm_rank : t->rank;
        const int64_t *shape = single ? t->ldm_shape : t->shape;
        char name[160];
        n = fused_count(list, i, count, options);
        name_in_file(t, options, name);
        fprintf(json, ",\"%s\":{\"dtype\":\"%s\",\"shape\":[", name, dtype);
        for (int d = 0; d < rank; d++)
            fprintf(json, "%s%lld", d ? "," : "", (long long)shape[d] * (d ? 1 : (long long)n));
        size_t bytes = elements(rank, shape) * lk_dtype_size(options->dtype) * n;
        fprintf(json, "],\"data_offsets\":[%zu,%zu]}", at, at + bytes);
        at += bytes;
    }
    fprintf(json, "}");
    fclose(json);
    uint64_t length = size;
    must(fwrite(&length, 8, 1, file) == 1 && fwrite(text, size, 1, file) == 1, "header");
    free(text);
}

static void round_to(enum lk_dtype dtype, float x, void *out)
{
    uint16_t half = dtype == LK_F16 ? to_f16(x) : to_bf16(x);
    uint8_t byte = dtype == LK_F8_E4M3 ? to_f8(x, 3, -6) : to_f8(x, 2, -14);
    memcpy(out, lk_dtype_size(dtype) == 2 ? (void *)&half : &byte, lk_dtype_size(dtype));
}

/* OpenCLIP keeps its projection the other way round. */
static void transpose(float *values, const int64_t shape[2])
{
    const size_t rows = (size_t)shape[0], columns = (size_t)shape[1];
    float *other = malloc(rows * columns * sizeof *other);
    must(other != NULL, "a matrix");
    for (size_t k = 0; k < rows * columns; k++)
        other[k % columns * rows + k / columns] = values[k];
    memcpy(values, other, rows * columns * sizeof *other);
    free(other);
}

static void write_data(FILE *file,
                       const struct test_tensor *t,
                       const struct test_checkpoint *options)
{
    const size_t n = elements(t->rank, t->shape), size = lk_dtype_size(options->dtype);
    const char *ending = strrchr(t->ldm, '.');
    float *values = malloc(n * sizeof *values);
    char *name = test_format("%s%s", t->part == TEST_TEXT_2 ? "2." : "", t->name);
    must(values != NULL, t->name);
    test_checkpoint_values(name, t->rank, t->shape, values);
    if (options->layout == TEST_SINGLE && !strcmp(ending, ".text_projection"))
        transpose(values, t->shape);
    for (size_t i = 0; options->dtype != LK_F32 && i < n; i++) /* in place: read before written */
        round_to(options->dtype, values[i], (char *)values + size * i);
    must(fwrite(values, size, n, file) == n, t->name);
    free(values);
    free(name);
}

static void write_tensors(const char *path,
                          const struct test_tensor *const *list,
                          size_t count,
                          const struct test_checkpoint *options)
{
    FILE *file = fopen(path, "wb");
    must(file != NULL, path);
    write_header(file, list, count, options);
    for (size_t i = 0; i < count; i++)
        write_data(file, list[i], options);
    must(fclose(file) == 0, path);
}

static void write_sharded(const char *stem,
                          const struct test_tensor *const *list,
                          size_t count,
                          const struct test_checkpoint *options)
{
    const char *base = strrchr(stem, '/') + 1;
    char *index = test_format("%s.safetensors.index.json", stem);
    FILE *json = fopen(index, "w");
    must(json != NULL, index);
    fprintf(json, "{\"metadata\": {}, \"weight_map\": {");
    for (size_t i = 0; i < count; i++) {
        char name[160];
        name_in_file(list[i], options, name);
        int shard = i < count / 2 ? 1 : 2;
        fprintf(json, "%s\"%s\": \"%s-%05d-of-00002.safetensors\"", i ? ", " : "", name, base,
                shard);
    }
    fprintf(json, "}}");
    must(fclose(json) == 0, index);
    free(index);
    for (int shard = 0; shard < 2; shard++) {
        char *path = test_format("%s-%05d-of-00002.safetensors", stem, shard + 1);
        size_t from = shard ? count / 2 : 0, to = shard ? count : count / 2;
        write_tensors(path, list + from, to - from, options);
        free(path);
    }
}

static void write_part(const char *path,
                       int part,
                       const struct test_tensor *const *list,
                       size_t count,
                       const struct test_checkpoint *options)
{
    char *folder = test_format("%s/%s", path, PART_FOLDER[part]);
    char *stem = test_format("%s/%s", folder, PART_FILE[part]);
    char *file = test_format("%s%s.safetensors", stem, options->fp16_names ? ".fp16" : "");
    char *config = test_format("%s/config.json", folder);
    test_make_dir(folder);
    if (options->shards && part == TEST_UNET)
        write_sharded(stem, list, count, options);
    else
        write_tensors(file, list, count, options);
    if (!options->without_config)
        test_write_text(config, family_of(options)->config[part]);
    free(folder);
    free(stem);
    free(file);
    free(config);
}

static char *scheduler_text(const struct test_checkpoint *options)
{
    return test_format("{\"prediction_type\": \"%s\", \"rescale_betas_zero_snr\": %s, "
                       "\"timestep_spacing\": %s%s%s}",
                       options->v_prediction ? "v_prediction" : "epsilon",
                       options->zero_snr ? "true" : "false", options->spacing ? "\"" : "",
                       options->spacing ? options->spacing : "null", options->spacing ? "\"" : "");
}

static void write_scheduler(const char *path, const struct test_checkpoint *options)
{
    char *folder = test_format("%s/scheduler", path);
    char *config = test_format("%s/scheduler_config.json", folder);
    char *text = scheduler_text(options);
    test_make_dir(folder);
    test_write_text(config, text);
    free(folder);
    free(config);
    free(text);
}

static void write_folder(const char *path,
                         const struct test_tensor *const *list,
                         size_t count,
                         const struct test_checkpoint *options)
{
    test_make_dir(path);
    char *index = test_format("%s/model_index.json", path);
    char *text = test_format("{\"_class_name\": \"StableDiffusion%sPipeline\"}",
                             family_of(options)->pipeline);
    test_write_text(index, text);
    free(index);
    free(text);
    write_scheduler(path, options);
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from; to < count && list[to]->part == list[from]->part; to++)
            ;
        write_part(path, (int)list[from]->part, list + from, to - from, options);
    }
}

static void write_sidecar(const char *path, const struct test_checkpoint *options)
{
    char *sidecar = test_format("%.*s.json", (int)(strrchr(path, '.') - path), path);
    char *scheduler = scheduler_text(options);
    FILE *json = fopen(sidecar, "w");
    must(json != NULL, sidecar);
    fprintf(json, "{\"scheduler\": %s", scheduler);
    for (int part = 0; part < PARTS; part++)
        if (family_of(options)->config[part])
            fprintf(json, ", \"%s\": %s", PART_FOLDER[part], family_of(options)->config[part]);
    fprintf(json, "}");
    must(fclose(json) == 0, sidecar);
    free(sidecar);
    free(scheduler);
}

/* By LDM's names, of equal ones q, k, v. */
static int by_ldm(const void *a, const void *b)
{
    const struct test_tensor *x = *(const struct test_tensor *const *)a;
    const struct test_tensor *y = *(const struct test_tensor *const *)b;
    int order = strcmp(x->ldm, y->ldm);
    return order ? order
                 : strchr("qkv", strstr(x->name, "_proj")[-1]) -
                       strchr("qkv", strstr(y->name, "_proj")[-1]);
}

static void write_single(const char *path,
                         const struct test_tensor **list,
                         size_t count,
                         const struct test_checkpoint *options)
{
    qsort(list, count, sizeof *list, by_ldm);
    write_tensors(path, list, count, options);
    if (!options->without_config)
        write_sidecar(path, options);
}

void test_control_write(const char *path, const struct test_checkpoint *options)
{
    size_t count = 0;
    char *name =
        options->family ? test_format("control_%s", options->family) : test_format("control");
    struct test_tensor *tensors = read_list(name, -1, NULL, &count);
    const struct test_tensor **list = calloc(count, sizeof *list);
    must(list != NULL, path);
    for (size_t i = 0; i < count; i++)
        list[i] = &tensors[i];
    if (options->layout == TEST_SINGLE) {
        write_single(path, list, count, options);
    } else {
        char *file = test_format("%s/diffusion_pytorch_model.safetensors", path);
        char *config = test_format("%s/config.json", path);
        test_make_dir(path);
        write_tensors(file, list, count, options);
        test_write_text(config, family_of(options)->config[TEST_UNET]);
        free(file);
        free(config);
    }
    free(list);
    free(tensors);
    free(name);
}

void test_tensors_write(const char *path, const char *name, enum lk_dtype dtype)
{
    const struct test_checkpoint options = {.layout = TEST_FOLDER, .dtype = dtype};
    size_t count = 0;
    struct test_tensor *tensors = read_list(name, -1, NULL, &count);
    const struct test_tensor **list = calloc(count, sizeof *list);
    must(list != NULL, path);
    for (size_t i = 0; i < count; i++)
        list[i] = &tensors[i];
    write_tensors(path, list, count, &options);
    free(list);
    free(tensors);
}

void test_checkpoint_write(const char *path, const struct test_checkpoint *options)
{
    size_t all, count = 0;
    struct test_tensor *tensors = test_checkpoint_list(options->family, &all);
    const struct test_tensor **list = calloc(all, sizeof *list);
    must(list != NULL, path);
    for (size_t i = 0; i < all; i++)
        if (!options->without_vae || tensors[i].part != TEST_VAE)
            list[count++] = &tensors[i];
    for (size_t i = 0; options->inpaint && i < all; i++)
        if (!strcmp(tensors[i].name, "conv_in.weight"))
            tensors[i].shape[1] = tensors[i].ldm_shape[1] = 9;
    if (options->layout == TEST_SINGLE)
        write_single(path, list, count, options);
    else
        write_folder(path, list, count, options);
    free(list);
    free(tensors);
}

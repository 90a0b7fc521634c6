// SPDX-License-Identifier: Apache-2.0
#include "support/checkpoint.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/temp.h"

static const char *const PART_FOLDER[] = {"text_encoder", "unet", "vae"};
static const char *const PART_FILE[] = {"model", "diffusion_pytorch_model",
                                        "diffusion_pytorch_model"};

/* The fields that shapes cannot tell; the same members serve folder and sidecar. */
static const char *const PART_CONFIG[] = {
    "{\"num_attention_heads\": 2, \"hidden_act\": \"quick_gelu\"}",
    "{\"attention_head_dim\": 2, \"norm_num_groups\": 8}",
    "{\"norm_num_groups\": 8, \"scaling_factor\": 0.18215}",
};

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

struct test_tensor *test_checkpoint_list(size_t *count)
{
    char *path = test_format("%s/tests/golden/sd_tiny.tsv", getenv("LIKENESS_SOURCE"));
    FILE *file = fopen(path, "r");
    must(file != NULL, path);
    free(path);
    struct test_tensor *list = NULL;
    char line[512], part[16], shape[64], ldm_shape[64];
    for (*count = 0; fgets(line, sizeof line, file); ++*count) {
        list = realloc(list, (*count + 1) * sizeof *list);
        must(list != NULL, "sd_tiny.tsv");
        struct test_tensor *t = &list[*count];
        must(sscanf(line, "%15s %127s %159s %63s %63s %x", part, t->name, t->ldm, shape, ldm_shape,
                    &t->crc) == 6,
             line);
        t->part = part[0] == 't' ? TEST_TEXT : part[0] == 'u' ? TEST_UNET : TEST_VAE;
        t->rank = parse_shape(shape, t->shape);
        t->ldm_rank = parse_shape(ldm_shape, t->ldm_shape);
    }
    fclose(file);
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
    for (size_t i = 0; i < count; i++) {
        const struct test_tensor *t = list[i];
        bool single = options->layout == TEST_SINGLE;
        int rank = single ? t->ldm_rank : t->rank;
        const int64_t *shape = single ? t->ldm_shape : t->shape;
        char name[160];
        name_in_file(t, options, name);
        fprintf(json, ",\"%s\":{\"dtype\":\"%s\",\"shape\":[", name, dtype);
        for (int d = 0; d < rank; d++)
            fprintf(json, "%s%lld", d ? "," : "", (long long)shape[d]);
        size_t bytes = elements(rank, shape) * lk_dtype_size(options->dtype);
        fprintf(json, "],\"data_offsets\":[%zu,%zu]}", at, at + bytes);
        at += bytes;
    }
    fprintf(json, "}");
    fclose(json);
    uint64_t length = size;
    must(fwrite(&length, 8, 1, file) == 1 && fwrite(text, size, 1, file) == 1, "header");
    free(text);
}

static void write_data(FILE *file, const struct test_tensor *t, enum lk_dtype dtype)
{
    size_t n = elements(t->rank, t->shape);
    float *values = malloc(n * sizeof *values);
    must(values != NULL, t->name);
    test_checkpoint_values(t->name, t->rank, t->shape, values);
    for (size_t i = 0; dtype != LK_F32 && i < n;
         i++) { /* in place: i is read before 2i is written */
        uint16_t half = dtype == LK_F16 ? to_f16(values[i]) : to_bf16(values[i]);
        memcpy((char *)values + 2 * i, &half, 2);
    }
    must(fwrite(values, lk_dtype_size(dtype), n, file) == n, t->name);
    free(values);
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
        write_data(file, list[i], options->dtype);
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
        test_write_text(config, PART_CONFIG[part]);
    free(folder);
    free(stem);
    free(file);
    free(config);
}

static void write_scheduler(const char *path, const char *spacing)
{
    char *folder = test_format("%s/scheduler", path);
    char *config = test_format("%s/scheduler_config.json", folder);
    char *text = test_format("{\"timestep_spacing\": \"%s\"}", spacing);
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
    test_write_text(index, "{\"_class_name\": \"StableDiffusionPipeline\"}");
    free(index);
    if (options->spacing)
        write_scheduler(path, options->spacing);
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from; to < count && list[to]->part == list[from]->part; to++)
            ;
        write_part(path, (int)list[from]->part, list + from, to - from, options);
    }
}

static void write_single(const char *path,
                         const struct test_tensor *const *list,
                         size_t count,
                         const struct test_checkpoint *options)
{
    write_tensors(path, list, count, options);
    if (options->without_config)
        return;
    int stem = (int)(strrchr(path, '.') - path);
    char *sidecar = test_format("%.*s.json", stem, path);
    char *text = test_format("{\"text_encoder\": %s, \"unet\": %s, \"vae\": %s}",
                             PART_CONFIG[TEST_TEXT], PART_CONFIG[TEST_UNET], PART_CONFIG[TEST_VAE]);
    test_write_text(sidecar, text);
    free(sidecar);
    free(text);
}

void test_checkpoint_write(const char *path, const struct test_checkpoint *options)
{
    size_t all, count = 0;
    struct test_tensor *tensors = test_checkpoint_list(&all);
    const struct test_tensor **list = calloc(all, sizeof *list);
    must(list != NULL, path);
    for (size_t i = 0; i < all; i++)
        if (!options->without_vae || tensors[i].part != TEST_VAE)
            list[count++] = &tensors[i];
    (options->layout == TEST_SINGLE ? write_single : write_folder)(path, list, count, options);
    free(list);
    free(tensors);
}

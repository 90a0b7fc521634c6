// SPDX-License-Identifier: Apache-2.0
#include "support/adapter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stages/diffuse/adapter/crossings.h"
#include "support/checkpoint.h"
#include "support/temp.h"

enum { TOKENS = 4, FACE = 512, VECTOR = 24, STATES = 32, HEAD = 64, RANK = 4 };
enum { MAX_TENSORS = 2 * LK_ADAPTER_LAYERS + 32 };

struct writing {
    struct tensor {
        char name[64];
        int rank;
        int64_t shape[2];
    } list[MAX_TENSORS];
    int n;
};

static void add(struct writing *w, const char *name, int rows, int columns)
{
    struct tensor *t = &w->list[w->n++];
    *t = (struct tensor){.rank = columns ? 2 : 1, .shape = {rows, columns}};
    snprintf(t->name, sizeof t->name, "%s", name);
}

static size_t count(const struct tensor *t)
{
    return (size_t)t->shape[0] * (size_t)(t->rank > 1 ? t->shape[1] : 1);
}

static void write_all(const char *path, const struct writing *w)
{
    char *text = NULL;
    size_t size = 0, at = 0;
    FILE *json = open_memstream(&text, &size), *file = fopen(path, "wb");
    if (!json || !file)
        abort();
    for (int i = 0; i < w->n; i++) {
        const struct tensor *t = &w->list[i];
        const size_t bytes = count(t) * sizeof(float);
        fprintf(json, "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[%d", i ? "," : "{", t->name,
                (int)t->shape[0]);
        if (t->rank > 1)
            fprintf(json, ",%d", (int)t->shape[1]);
        fprintf(json, "],\"data_offsets\":[%zu,%zu]}", at, at + bytes);
        at += bytes;
    }
    fputc('}', json);
    fclose(json);
    fwrite(&(uint64_t){size}, 8, 1, file);
    fwrite(text, 1, size, file);
    for (int i = 0; i < w->n; i++) {
        float *values = malloc(count(&w->list[i]) * sizeof *values);
        if (!values)
            abort();
        test_checkpoint_values(w->list[i].name, w->list[i].rank, w->list[i].shape, values);
        fwrite(values, sizeof *values, count(&w->list[i]), file);
        free(values);
    }
    if (fclose(file))
        abort();
    free(text);
}

static void add_layer(struct writing *w, const char *name, int rows, int columns)
{
    char full[64];
    snprintf(full, sizeof full, "%s.weight", name);
    add(w, full, rows, columns);
    snprintf(full, sizeof full, "%s.bias", name);
    add(w, full, rows, 0);
}

/* Of one block and one head. */
static void add_resampler(struct writing *w, int width)
{
#define AT "image_proj.perceiver_resampler."
    add_layer(w, AT "proj_in", width, STATES);
    add_layer(w, AT "proj_out", width, width);
    add_layer(w, AT "norm_out", width, 0);
    add_layer(w, AT "layers.0.0.norm1", width, 0);
    add_layer(w, AT "layers.0.0.norm2", width, 0);
    add_layer(w, AT "layers.0.1.0", width, 0);
    add(w, AT "layers.0.0.to_q.weight", HEAD, width);
    add(w, AT "layers.0.0.to_kv.weight", 2 * HEAD, width);
    add(w, AT "layers.0.0.to_out.weight", width, HEAD);
    add(w, AT "layers.0.1.1.weight", 4 * width, width);
    add(w, AT "layers.0.1.3.weight", width, 4 * width);
#undef AT
}

void test_adapter_write(const char *path, const lk_checkpoint *checkpoint, enum test_adapter kind)
{
    const int context = lk_checkpoint_config(checkpoint)->unet.context;
    struct lk__crossings crossings;
    struct writing w = {.n = 0};
    char name[64];
    lk__crossings_read(checkpoint, &crossings);
    if (kind == TEST_PLAIN_ADAPTER) {
        add_layer(&w, "image_proj.proj", TOKENS * context, VECTOR);
    } else {
        add_layer(&w, "image_proj.proj.0", FACE, FACE);
        add_layer(&w, "image_proj.proj.2", TOKENS * context, FACE);
        add(&w, "ip_adapter.0.to_q_lora.down.weight", RANK, crossings.width[0]);
        add(&w, "ip_adapter.0.to_q_lora.up.weight", crossings.width[0], RANK);
    }
    add_layer(&w, "image_proj.norm", context, 0);
    if (kind == TEST_FACE_ID_PLUS)
        add_resampler(&w, context);
    for (int i = 0; i < 2 * crossings.n; i++) {
        snprintf(name, sizeof name, "ip_adapter.%d.to_%c_ip.weight", i / 2 * 2 + 1, "kv"[i % 2]);
        add(&w, name, crossings.width[i / 2], context);
    }
    write_all(path, &w);
}

void test_vision_write(const char *folder)
{
    char *file = test_format("%s/model.safetensors", folder);
    char *config = test_format("%s/config.json", folder);
    test_make_dir(folder);
    test_tensors_write(file, "vision", LK_F32);
    test_write_text(config, "{\"num_attention_heads\": 2, \"hidden_act\": \"gelu\"}");
    free(file);
    free(config);
}

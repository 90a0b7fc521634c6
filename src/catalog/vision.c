// SPDX-License-Identifier: Apache-2.0
#include "catalog/vision.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/size.h"
#include "catalog/topology.h"

struct lk_vision_file {
    char *path; /* as given, for messages */
    lk_tensor_file *file;
    struct lk_vision_config config;
};

/* CLIP's own ViT-B and ViT-L, LAION's ViT-H and ViT-bigG. */
static const struct {
    int width, heads, quick_gelu;
} KNOWN[] = {{768, 12, 1}, {1024, 16, 1}, {1280, 16, 0}, {1664, 16, 0}};

static const char *const FILES[] = {"model.safetensors", "model.fp16.safetensors",
                                    "pytorch_model.bin"};

static char *join(const char *folder, const char *name)
{
    char *path = NULL;
    return asprintf(&path, "%s/%s", folder, name) < 0 ? NULL : path;
}

static bool is_folder(const char *path)
{
    struct stat st;
    return !stat(path, &st) && S_ISDIR(st.st_mode);
}

/* The file with the weights: path itself, or that of the folder. *out malloc'd */
static int find_weights(const char *path, char **out, struct lk_error *err)
{
    char *found = is_folder(path) ? NULL : strdup(path);
    for (size_t i = 0; !found && i < LK_ARRAY_LENGTH(FILES); i++) {
        found = join(path, FILES[i]);
        if (found && access(found, F_OK)) {
            free(found);
            found = NULL;
        }
    }
    if (!found)
        return lk_fail(err, LK_E_MISSING, "--image-encoder: no %s is in the folder '%s'", FILES[0],
                       path);
    *out = found;
    return 0;
}

const struct lk_tensor *lk_vision_file_tensor(const lk_vision_file *file, const char *name)
{
    return lk_tensor_file_find(file->file, name);
}

static int side_of(const lk_vision_file *f, const char *name, int rank, int axis)
{
    const struct lk_tensor *t = lk_vision_file_tensor(f, name);
    return t && t->rank == rank && t->shape[axis] > 0 && t->shape[axis] < INT_MAX / 8
               ? (int)t->shape[axis]
               : 0;
}

#define EMBEDDINGS "vision_model.embeddings."
#define LAYER "vision_model.encoder.layers."

static int read_shapes(lk_vision_file *f, struct lk_error *err)
{
    struct lk_vision_config *c = &f->config;
    char name[96];
    c->width = side_of(f, EMBEDDINGS "patch_embedding.weight", 4, 0);
    c->patch = side_of(f, EMBEDDINGS "patch_embedding.weight", 4, 2);
    c->intermediate = side_of(f, LAYER "0.mlp.fc1.weight", 2, 0);
    c->projection = side_of(f, "visual_projection.weight", 2, 0);
    const int patches = side_of(f, EMBEDDINGS "position_embedding.weight", 2, 0) - 1;
    int across = 1;
    while (across < 256 && across * across < patches)
        across++;
    do
        snprintf(name, sizeof name, LAYER "%d.layer_norm1.weight", c->layers);
    while (lk_vision_file_tensor(f, name) && ++c->layers);
    c->side = across * c->patch;
    if (c->width && c->intermediate && c->projection && c->layers > 1 && c->side <= 4096 &&
        across * across == patches)
        return 0;
    return lk_fail(err, LK_E_INPUT,
                   "'%s' is no image encoder of CLIP's: give transformers' "
                   "CLIPVisionModelWithProjection by --image-encoder, a file or folder",
                   f->path);
}

static void read_config(struct lk_vision_config *c, const json_t *config)
{
    const char *activation = json_string_value(json_object_get(config, "hidden_act"));
    const json_int_t heads = json_integer_value(json_object_get(config, "num_attention_heads"));
    for (size_t i = 0; i < LK_ARRAY_LENGTH(KNOWN); i++) {
        if (KNOWN[i].width == c->width) {
            c->heads = KNOWN[i].heads;
            c->quick_gelu = KNOWN[i].quick_gelu;
        }
    }
    if (heads > 0 && heads <= c->width)
        c->heads = (int)heads;
    if (activation)
        c->quick_gelu = !strcmp(activation, "quick_gelu");
}

/* config.json of the folder, or beside the file. */
static int apply_config(lk_vision_file *f, struct lk_error *err)
{
    const char *slash = strrchr(f->path, '/');
    char *folder = is_folder(f->path) ? strdup(f->path)
                   : slash            ? strndup(f->path, (size_t)(slash - f->path))
                                      : strdup(".");
    char *path = folder ? join(folder, "config.json") : NULL;
    json_t *config = NULL;
    int code = path ? lk__json_load(path, &config, err) : lk_fail_memory(err, "a path", 0);
    free(folder);
    free(path);
    if (code && code != LK_E_MISSING)
        return code;
    const json_t *inner = json_object_get(config, "vision_config"); /* of a whole CLIP */
    read_config(&f->config, inner ? inner : config);
    json_decref(config);
    const struct lk_vision_config *c = &f->config;
    if (c->heads && c->width % c->heads == 0)
        return 0;
    return lk_fail(err, LK_E_INPUT,
                   "image encoder '%s': how many heads its %d numbers fall into is not said: put "
                   "its config.json beside it",
                   f->path, c->width);
}

int lk_vision_file_open(const char *path, lk_vision_file **out, struct lk_error *err)
{
    lk_vision_file *f = calloc(1, sizeof *f);
    char *weights = NULL;
    if (!f || !(f->path = strdup(path))) {
        free(f);
        return lk_fail_memory(err, "an image encoder", sizeof *f);
    }
    int code = find_weights(path, &weights, err);
    code = code ? code : lk_tensor_file_open(weights, &f->file, err);
    code = code ? code : read_shapes(f, err);
    code = code ? code : apply_config(f, err);
    free(weights);
    if (code)
        lk_vision_file_free(f);
    else
        *out = f;
    return code;
}

void lk_vision_file_free(lk_vision_file *f)
{
    if (!f)
        return;
    lk_tensor_file_free(f->file);
    free(f->path);
    free(f);
}

const char *lk_vision_file_path(const lk_vision_file *f)
{
    return f->path;
}

const struct lk_vision_config *lk_vision_file_config(const lk_vision_file *f)
{
    return &f->config;
}

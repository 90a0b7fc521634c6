// SPDX-License-Identifier: Apache-2.0
/* What a checkpoint says of itself beside its tensors: JSON of diffusers or beside a single file,
 * the WebUI's YAML, and tensors that are marks. */
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/size.h"
#include "catalog/catalog.h"
#include "catalog/checkpoint/internal.h"

/* A pipeline that draws otherwise is refused by its name. */
static int read_pipeline(lk_checkpoint *c, struct lk_error *err)
{
    static const char *const FINE[] = {
        "StableDiffusionPipeline",          "StableDiffusionImg2ImgPipeline",
        "StableDiffusionInpaintPipeline",   "StableDiffusionXLPipeline",
        "StableDiffusionXLImg2ImgPipeline", "StableDiffusionXLInpaintPipeline",
    };
    json_t *root = NULL;
    const char *path = lk__text(c, "%s/model_index.json", c->path);
    int code =
        path ? lk__json_load(path, &root, err) : lk_fail_memory(err, "a checkpoint's paths", 4096);
    if (code)
        return code == LK_E_MISSING ? 0 : code;
    const char *name = json_string_value(json_object_get(root, "_class_name"));
    bool fine = !name;
    for (size_t i = 0; !fine && i < LK_ARRAY_LENGTH(FINE); i++)
        fine = !strcmp(name, FINE[i]);
    const json_t *zeros = json_object_get(root, "force_zeros_for_empty_prompt");
    if (json_is_boolean(zeros))
        c->config.empty_is_zero = json_is_true(zeros);
    if (!fine)
        code = lk_fail(err, LK_E_INPUT,
                       "'%s' is of the pipeline %s: only Stable Diffusion 1.x, 2.x and XL are "
                       "supported",
                       c->path, name);
    json_decref(root);
    return code;
}

int lk__read_config(lk_checkpoint *c, enum lk_part part, struct lk_error *err)
{
    const struct lk__source *source = &c->sources[part];
    json_t *root = NULL;
    if (!c->parts[part].naming)
        return 0;
    int code = lk__json_load(source->config, &root, err);
    if (code)
        return code == LK_E_MISSING ? 0 : code;
    const json_t *object =
        source->sidecar ? json_object_get(root, lk__part_words[part].folder) : root;
    if (object)
        code = lk__config_apply(object, part, source->config, &c->config, err);
    json_decref(root);
    return code;
}

/* Tensors that trainers put into a single file to say what it predicts. */
static void read_markers(lk_checkpoint *c)
{
    const lk_tensor_file *file = c->parts[LK_PART_UNET].file;
    if (lk_tensor_file_find(file, "v_pred"))
        c->config.prediction = LK_PREDICTION_V;
    if (lk_tensor_file_find(file, "ztsnr"))
        c->config.zero_snr = 1;
}

/* The WebUI's NAME.yaml beside a single file: `parameterization: "v"`, without which it is ε. */
static int read_yaml(lk_checkpoint *c, struct lk_error *err)
{
    const char *path = lk__sidecar_of(c, c->path, "yaml");
    struct lk_file file;
    if (!path)
        return lk_fail_memory(err, "a checkpoint's paths", 4096);
    if (access(path, F_OK))
        return 0;
    int code = lk_file_map(path, &file, err);
    if (code)
        return code;
    static const char KEY[] = "parameterization:";
    const char *at = memmem(file.bytes, file.size, KEY, sizeof KEY - 1);
    const char *end = (const char *)file.bytes + file.size;
    for (at = at ? at + sizeof KEY - 1 : end; at < end && strchr(" \"'", *at); at++)
        ;
    c->config.prediction = at < end && *at == 'v' ? LK_PREDICTION_V : LK_PREDICTION_EPSILON;
    lk_file_unmap(&file);
    return 0;
}

static int read_scheduler(lk_checkpoint *c, bool folder, struct lk_error *err)
{
    json_t *root = NULL;
    const char *path = folder ? lk__text(c, "%s/scheduler/scheduler_config.json", c->path)
                              : lk__sidecar_of(c, c->path, "json");
    if (!path)
        return lk_fail_memory(err, "a checkpoint's paths", 4096);
    int code = lk__json_load(path, &root, err);
    if (code)
        return code == LK_E_MISSING ? 0 : code;
    const json_t *object = folder ? root : json_object_get(root, "scheduler");
    if (object)
        code = lk__scheduler_apply(object, path, &c->config, err);
    json_decref(root);
    return code;
}

int lk__read_drawing(lk_checkpoint *c, bool folder, struct lk_error *err)
{
    int code = 0;
    read_markers(c);
    if (folder)
        code = read_pipeline(c, err);
    else
        code = read_yaml(c, err);
    return code ? code : read_scheduler(c, folder, err);
}

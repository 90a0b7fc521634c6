// SPDX-License-Identifier: Apache-2.0
/* Opening a checkpoint: finds the file of each part, its naming and its JSON, reads the topology
 * and refuses by name what is no checkpoint of Stable Diffusion.
 *
 *   FOLDER/{text_encoder,text_encoder_2,unet,vae}/…safetensors, config.json   diffusers
 *   NAME.safetensors, NAME.json (optional, see config.c)                     LDM, all parts in one
 */
#include "catalog/checkpoint.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "catalog/checkpoint/internal.h"

enum { SAMPLE = 256 };

static int check_numbers(const struct lk_tensor *tensor,
                         size_t first,
                         size_t n,
                         struct lk_error *err)
{
    float sample[SAMPLE];
    int code = lk_tensor_to_f32(tensor, first, n, sample, err);
    for (size_t i = 0; !code && i < n; i++)
        if (!isfinite(sample[i]))
            code = lk_fail(err, LK_E_INPUT,
                           "tensor '%s' of '%s' holds NaN or infinity: the checkpoint is broken",
                           tensor->name, tensor->path);
    return code;
}

/* Both ends of every tensor: what a broken merge leaves is NaN throughout. The latents are checked
 * while drawing. */
static int check_weights(const struct lk__part *part, struct lk_error *err)
{
    size_t prefix = part->naming ? strlen(part->naming->prefix) : 0;
    int code = 0;
    if (!part->naming)
        return 0;
    for (size_t i = 0; !code && i < lk_tensor_file_count(part->file); i++) {
        const struct lk_tensor *tensor = lk_tensor_file_at(part->file, i);
        if (!lk_dtype_is_weight(tensor->dtype) ||
            strncmp(tensor->name, part->naming->prefix, prefix))
            continue;
        size_t count = tensor->size / lk_dtype_size(tensor->dtype);
        size_t n = count < SAMPLE ? count : SAMPLE;
        code = check_numbers(tensor, 0, n, err);
        if (!code)
            code = check_numbers(tensor, count - n, n, err);
    }
    return code;
}

static int open_all(lk_checkpoint *c, const char *vae, const char *unet, struct lk_error *err)
{
    bool folder = lk__is_folder(c->path);
    int code = folder ? lk__open_folder(c, vae != NULL, err) : lk__open_file(c, err);
    if (!code && vae)
        code = lk__open_part(c, LK_PART_VAE, "--vae", vae, err);
    if (!code && unet)
        code = lk__open_part(c, LK_PART_UNET, "the UNet", unet, err);
    if (!code)
        code = lk__check_parts(c, err);
    for (int part = 0; !code && part < PARTS; part++)
        if (c->parts[part].naming)
            code = lk__cut_fused(&c->parts[part], c->arena, err);
    if (!code)
        code = lk__topology_read(c->parts, &c->config, err);
    if (!code)
        code = lk__read_drawing(c, folder, err);
    for (int part = 0; !code && part < PARTS; part++)
        code = lk__read_config(c, part, err);
    if (!code)
        code = lk__topology_check(c->parts, &c->config, err);
    for (int part = 0; !code && part < PARTS; part++)
        code = check_weights(&c->parts[part], err);
    if (!code)
        code = lk__find_tokenizer(c, folder, LK_PART_TEXT, err);
    if (!code)
        code = lk__find_tokenizer(c, folder, LK_PART_TEXT_2, err);
    return code;
}

/* A checkpoint of which nothing is open. named: file or folder after which it is called;
 * NULL: path. */
static int make(const char *path, const char *named, lk_checkpoint **out, struct lk_error *err)
{
    if (access(path, F_OK))
        return lk_fail(err, LK_E_MISSING, "model '%s' is not there: check the path", path);
    lk_checkpoint *c = calloc(1, sizeof *c);
    if (!c || !(c->arena = lk_arena_new((size_t)1 << 20)) ||
        !(c->path = lk__snapshot_of(c, path)) ||
        !(c->name = lk__label_of(c, named ? named : c->path))) {
        lk_checkpoint_free(c);
        return lk_fail_memory(err, "a checkpoint", sizeof *c);
    }
    *out = c;
    return 0;
}

/* Fills config.family from what is there. */
static int peek(lk_checkpoint *c, struct lk_error *err)
{
    int code = lk__is_folder(c->path) ? lk__open_folder(c, false, err) : lk__open_file(c, err);
    const bool text = c->parts[LK_PART_TEXT].naming || c->parts[LK_PART_TEXT_2].naming;
    if (code || (!c->parts[LK_PART_UNET].naming && c->parts[LK_PART_VAE].naming))
        return code;
    if (!c->parts[LK_PART_UNET].naming || !text)
        return lk_fail(err, LK_E_INPUT,
                       "'%s' holds no UNet with its text encoder: it is no checkpoint of Stable "
                       "Diffusion",
                       c->path);
    for (int part = 0; !code && part < PARTS; part++)
        if (c->parts[part].naming)
            code = lk__cut_fused(&c->parts[part], c->arena, err);
    return code ? code : lk__topology_read(c->parts, &c->config, err);
}

int lk_checkpoint_peek(const char *path,
                       enum lk_family *family,
                       bool *has_unet,
                       struct lk_error *err)
{
    lk_checkpoint *c = NULL;
    int code = make(path, NULL, &c, err);
    code = code ? code : peek(c, err);
    if (!code) {
        *family = c->config.family;
        *has_unet = c->parts[LK_PART_UNET].naming != NULL;
    }
    lk_checkpoint_free(c);
    return code;
}

int lk_checkpoint_open(const char *path, const char *vae, lk_checkpoint **out, struct lk_error *err)
{
    return lk_checkpoint_open_unet(path, vae, NULL, out, err);
}

int lk_checkpoint_open_unet(
    const char *path, const char *vae, const char *unet, lk_checkpoint **out, struct lk_error *err)
{
    lk_checkpoint *c = NULL;
    int code = make(path, unet, &c, err);
    code = code ? code : open_all(c, vae, unet, err);
    if (code)
        lk_checkpoint_free(c);
    else
        *out = c;
    return code;
}

static int open_control(lk_checkpoint *c, struct lk_error *err)
{
    struct lk__part *part = &c->parts[LK_PART_UNET];
    int code = lk__open_control(c, err);
    if (code)
        return code;
    part->naming = lk__naming_of_control(part->file);
    const char *what = lk__recognise(part->file);
    if (!part->naming)
        return lk_fail(err, LK_E_INPUT, "'%s' is %s, not a ControlNet: give one by --control-model",
                       c->path, what ? what : "something else");
    code = lk__topology_read_control(part, &c->config, err);
    code = code ? code : lk__read_config(c, LK_PART_UNET, err);
    code = code ? code : lk__topology_check_unet(part, &c->config.unet, err);
    return code ? code : check_weights(part, err);
}

int lk_checkpoint_open_control(const char *path, lk_checkpoint **out, struct lk_error *err)
{
    lk_checkpoint *c = NULL;
    int code = make(path, NULL, &c, err);
    code = code ? code : open_control(c, err);
    if (code)
        lk_checkpoint_free(c);
    else
        *out = c;
    return code;
}

void lk_checkpoint_free(lk_checkpoint *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->file_count; i++)
        lk_tensor_file_free(c->files[i]);
    lk__stand_ins_free(c->stand_ins);
    lk_hashing_free(c->hashing);
    lk_arena_free(c->arena);
    free(c);
}

const struct lk_checkpoint_config *lk_checkpoint_config(const lk_checkpoint *c)
{
    return &c->config;
}

const struct lk_tensor *lk_checkpoint_tensor(const lk_checkpoint *c,
                                             enum lk_part part,
                                             const char *diffusers_name)
{
    const struct lk_tensor *other = lk__stand_ins_find(c->stand_ins, part, diffusers_name);
    return other ? other : lk__checkpoint_own(c, part, diffusers_name);
}

unsigned lk__checkpoint_set_stand_ins(lk_checkpoint *c, lk__stand_ins *stand_ins)
{
    const unsigned before = lk__stand_ins_parts(c->stand_ins);
    lk__stand_ins_free(c->stand_ins);
    c->stand_ins = stand_ins;
    return before;
}

const struct lk_tensor *lk__checkpoint_own(const lk_checkpoint *c,
                                           enum lk_part part,
                                           const char *diffusers_name)
{
    const struct lk__part *from = &c->parts[part];
    return from->naming ? lk__find(from, &c->config, diffusers_name) : NULL;
}

int lk_checkpoint_side(const lk_checkpoint *c)
{
    const struct lk_checkpoint_config *config = &c->config;
    if (config->unet.sample_size)
        return config->unet.sample_size << (config->vae.levels - 1);
    return config->text_2.layers                                                      ? 1024
           : config->family == LK_FAMILY_SD2 && config->prediction == LK_PREDICTION_V ? 768
                                                                                      : 512;
}

const lk_tensor_file *lk_checkpoint_file(const lk_checkpoint *c, enum lk_part part)
{
    return c->parts[part].naming ? c->parts[part].file : NULL;
}

int lk_checkpoint_is_ldm(const lk_checkpoint *c)
{
    return c->parts[LK_PART_UNET].naming->ldm;
}

const char *lk_checkpoint_name(const lk_checkpoint *c)
{
    return c->name;
}

/* Of the file that is hashed, as it was opened; NULL where that is a folder of shards. */
static const char *stamp_of_hashed(const lk_checkpoint *c)
{
    const lk_tensor_file *file = c->parts[LK_PART_UNET].file;
    return file && lk_tensor_file_count(file) && !lk__is_folder(c->hashed)
               ? lk_tensor_file_at(file, 0)->stamp
               : NULL;
}

int lk_checkpoint_hash_ahead(lk_checkpoint *c, const char *folder, struct lk_error *err)
{
    return c->hashing
               ? 0
               : lk_hashing_begin(c->name, c->hashed, stamp_of_hashed(c), folder, &c->hashing, err);
}

int lk_checkpoint_sha256(lk_checkpoint *c, struct lk_sha256 *out, struct lk_error *err)
{
    const int code = lk_checkpoint_hash_ahead(c, NULL, err);
    return code ? code : lk_hashing_end(c->hashing, out, err);
}

int lk_checkpoint_hash(lk_checkpoint *c, char out[11], struct lk_error *err)
{
    struct lk_sha256 sha;
    int code = lk_checkpoint_sha256(c, &sha, err);
    if (!code)
        snprintf(out, 11, "%.10s", sha.hex);
    return code;
}

const char *lk_checkpoint_tokenizer(const lk_checkpoint *c, enum lk_part text)
{
    return c->tokenizer[text];
}

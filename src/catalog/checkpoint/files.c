// SPDX-License-Identifier: Apache-2.0
/* Which file of tensors holds each part. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/size.h"
#include "catalog/checkpoint/internal.h"

const struct lk__part_words lk__part_words[PARTS] = {
    [LK_PART_TEXT] = {"text_encoder", "text encoder"},
    [LK_PART_UNET] = {"unet", "UNet"},
    [LK_PART_VAE] = {"vae", "VAE"},
    [LK_PART_TEXT_2] = {"text_encoder_2", "second text encoder"},
};

/* Opens a file of tensors and keeps it until the checkpoint is freed. */
static int open_tensors(lk_checkpoint *c,
                        const char *path,
                        lk_tensor_file **out,
                        struct lk_error *err)
{
    int code = lk_tensor_file_open(path, out, err);
    if (!code)
        c->files[c->file_count++] = *out;
    return code;
}

static void take_part(lk_checkpoint *c,
                      enum lk_part part,
                      const lk_tensor_file *file,
                      const char *path,
                      struct lk__source source)
{
    c->parts[part] =
        (struct lk__part){.file = file, .naming = lk__naming_of(file, part), .path = path};
    c->sources[part] = source;
}

/* A list of shards, as lk_tensor_file_open takes it. */
static bool is_index(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot && !strcmp(dot, ".json");
}

/* The file of tensors in a part's folder, in the order in which diffusers prefers them: safetensors
 * before pickles, the plain file before its variants. */
static int find_part_file(lk_checkpoint *c,
                          const char *folder,
                          const char **out,
                          struct lk_error *err)
{
    static const char *const STEMS[] = {"diffusion_pytorch_model", "model", "pytorch_model"};
    static const char *const VARIANTS[] = {"", ".fp16", ".fp32", ".bf16", ".ema_only", ".non_ema"};
    static const char *const FORMS[] = {
        "%s/%s%s.safetensors",
        "%s/%s%s.safetensors.index.json",
        "%s/%s.safetensors.index%s.json",
        "%s/%s%s.bin",
    };
    char path[PATH_MAX];
    for (size_t form = 0; form < LK_ARRAY_LENGTH(FORMS); form++)
        for (size_t variant = 0; variant < LK_ARRAY_LENGTH(VARIANTS); variant++)
            for (size_t stem = 0; stem < LK_ARRAY_LENGTH(STEMS); stem++) {
                snprintf(path, sizeof path, FORMS[form], folder, STEMS[stem], VARIANTS[variant]);
                if (access(path, F_OK))
                    continue;
                *out = lk__text(c, "%s", path);
                return *out ? 0 : lk_fail_memory(err, "a checkpoint's paths", sizeof path);
            }
    return lk_fail(err, LK_E_INPUT,
                   "'%s' holds no %s.safetensors or %s.safetensors: it is no complete diffusers "
                   "folder",
                   folder, STEMS[0], STEMS[1]);
}

/* folder: in the arena for the UNet, whose hash may be asked for later. */
static int open_part_folder(lk_checkpoint *c,
                            enum lk_part part,
                            const char *folder,
                            struct lk_error *err)
{
    const char *path = NULL;
    int code = find_part_file(c, folder, &path, err);
    if (code)
        return code;
    lk_tensor_file *file;
    code = open_tensors(c, path, &file, err);
    if (code)
        return code;
    const char *config = lk__text(c, "%s/config.json", folder);
    if (!config)
        return lk_fail_memory(err, "a checkpoint's paths", 4096);
    take_part(c, part, file, path, (struct lk__source){config, false});
    if (part == LK_PART_UNET)
        c->hashed = is_index(path) ? folder : path;
    return 0;
}

int lk__open_folder(lk_checkpoint *c, bool own_vae, struct lk_error *err)
{
    int code = 0;
    for (int part = 0; !code && part < PARTS; part++) {
        const char *folder = lk__text(c, "%s/%s", c->path, lk__part_words[part].folder);
        if (!folder)
            return lk_fail_memory(err, "a checkpoint's paths", 4096);
        if (lk__is_folder(folder) && !(part == LK_PART_VAE && own_vae))
            code = open_part_folder(c, part, folder, err);
        else if (part == LK_PART_UNET)
            code = lk_fail(err, LK_E_INPUT,
                           "'%s' has no folder %s: it is no diffusers folder of Stable Diffusion",
                           c->path, lk__part_words[part].folder);
    }
    return code;
}

int lk__open_file(lk_checkpoint *c, struct lk_error *err)
{
    lk_tensor_file *file;
    int code = open_tensors(c, c->path, &file, err);
    if (code)
        return code;
    const char *what = lk__recognise(file);
    if (what)
        return lk_fail(err, LK_E_INPUT,
                       "'%s' is %s: give a checkpoint of Stable Diffusion 1.x, 2.x or XL", c->path,
                       what);
    const char *sidecar = lk__sidecar_of(c, c->path, "json");
    if (!sidecar)
        return lk_fail_memory(err, "a checkpoint's paths", 4096);
    for (int part = 0; part < PARTS; part++)
        take_part(c, part, file, c->path, (struct lk__source){sidecar, true});
    c->hashed = c->path;
    return 0;
}

int lk__open_part(
    lk_checkpoint *c, enum lk_part part, const char *option, const char *path, struct lk_error *err)
{
    if (access(path, F_OK))
        return lk_fail(err, LK_E_MISSING, "%s '%s' is not there: check the path", option, path);
    const char *inner = lk__text(c, "%s/%s", path, lk__part_words[part].folder);
    const char *kept = lk__text(c, "%s", path), *sidecar = lk__sidecar_of(c, path, "json");
    if (!inner || !kept || !sidecar)
        return lk_fail_memory(err, "a checkpoint's paths", 4096);
    if (lk__is_folder(path))
        return open_part_folder(c, part, lk__is_folder(inner) ? inner : kept, err);
    lk_tensor_file *file;
    int code = open_tensors(c, path, &file, err);
    if (code)
        return code;
    take_part(c, part, file, kept, (struct lk__source){sidecar, true});
    if (!c->parts[part].naming)
        return lk_fail(err, LK_E_INPUT, "%s '%s' holds no %s of Stable Diffusion", option, path,
                       lk__part_words[part].what);
    if (part == LK_PART_UNET)
        c->hashed = kept;
    return 0;
}

int lk__open_control(lk_checkpoint *c, struct lk_error *err)
{
    const char *sidecar = lk__sidecar_of(c, c->path, "json");
    lk_tensor_file *file;
    if (!sidecar)
        return lk_fail_memory(err, "a checkpoint's paths", 4096);
    if (lk__is_folder(c->path))
        return open_part_folder(c, LK_PART_UNET, c->path, err);
    int code = open_tensors(c, c->path, &file, err);
    if (code)
        return code;
    take_part(c, LK_PART_UNET, file, c->path, (struct lk__source){sidecar, true});
    c->hashed = c->path;
    return 0;
}

int lk__check_parts(const lk_checkpoint *c, struct lk_error *err)
{
    const struct lk__part *parts = c->parts;
    if (!parts[LK_PART_VAE].naming && parts[LK_PART_UNET].naming)
        return lk_fail(err, LK_E_INPUT,
                       "'%s' holds no VAE (a \"noVAE\" checkpoint): give one with --vae", c->path);
    for (int part = 0; part < PARTS; part++) {
        const bool text = part == LK_PART_TEXT || part == LK_PART_TEXT_2;
        const bool other = parts[LK_PART_TEXT].naming || parts[LK_PART_TEXT_2].naming;
        if (!parts[part].naming && !(text && other))
            return lk_fail(
                err, LK_E_INPUT, "'%s' holds no %s: it is no checkpoint of Stable Diffusion",
                parts[part].path ? parts[part].path : c->path, lk__part_words[part].what);
    }
    return 0;
}

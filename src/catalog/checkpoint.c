// SPDX-License-Identifier: Apache-2.0
/* Opening a checkpoint: finds the file of each part, its naming and its JSON, reads the topology
 * and refuses by name what is no checkpoint of Stable Diffusion.
 *
 *   FOLDER/{text_encoder,text_encoder_2,unet,vae}/…safetensors, config.json   diffusers
 *   NAME.safetensors, NAME.json (optional, see config.c)                     LDM, all parts in one
 */
#include "catalog/checkpoint.h"

#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/size.h"
#include "catalog/catalog.h"
#include "catalog/hashing.h"
#include "catalog/stand_ins.h"
#include "catalog/topology.h"

enum { PARTS = LK_PART_COUNT, SAMPLE = 256 };

struct source {
    const char *config; /* path of the JSON */
    bool sidecar;       /* the part is a member of it, else the whole of it */
};

struct lk_checkpoint {
    lk_arena *arena; /* every string */
    const char *path, *name;
    const char *tokenizer[PARTS]; /* of text encoders, where there is one of its own */
    const char *hashed;           /* file or folder whose sha256 labels pictures */
    lk_tensor_file *files[PARTS + 2];
    size_t file_count;
    struct lk__part parts[PARTS];
    struct source sources[PARTS];
    struct lk_checkpoint_config config;
    lk_hashing *hashing;      /* of it; NULL until it is asked for */
    lk__stand_ins *stand_ins; /* or NULL */
};

static const struct {
    const char *folder, *what; /* the folder's name is also that of the sidecar's member */
} PART[PARTS] = {
    [LK_PART_TEXT] = {"text_encoder", "text encoder"},
    [LK_PART_UNET] = {"unet", "UNet"},
    [LK_PART_VAE] = {"vae", "VAE"},
    [LK_PART_TEXT_2] = {"text_encoder_2", "second text encoder"},
};

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* printf into the checkpoint's arena; NULL when memory is out. */
static LK_PRINTF(2, 3) const char *text(lk_checkpoint *c, const char *format, ...)
{
    va_list list;
    char *line = NULL;
    va_start(list, format);
    int length = vasprintf(&line, format, list);
    va_end(list);
    if (length < 0)
        return NULL;
    const char *kept = lk_arena_strdup(c->arena, line);
    free(line);
    return kept;
}

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
                      struct source source)
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
                *out = text(c, "%s", path);
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
    const char *config = text(c, "%s/config.json", folder);
    if (!config)
        return lk_fail_memory(err, "a checkpoint's paths", 4096);
    take_part(c, part, file, path, (struct source){config, false});
    if (part == LK_PART_UNET)
        c->hashed = is_index(path) ? folder : path;
    return 0;
}

/* A pipeline that draws otherwise is refused by its name. */
static int read_pipeline(lk_checkpoint *c, struct lk_error *err)
{
    static const char *const FINE[] = {
        "StableDiffusionPipeline",          "StableDiffusionImg2ImgPipeline",
        "StableDiffusionInpaintPipeline",   "StableDiffusionXLPipeline",
        "StableDiffusionXLImg2ImgPipeline", "StableDiffusionXLInpaintPipeline",
    };
    json_t *root = NULL;
    const char *path = text(c, "%s/model_index.json", c->path);
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

static int open_folder(lk_checkpoint *c, bool own_vae, struct lk_error *err)
{
    int code = 0;
    for (int part = 0; !code && part < PARTS; part++) {
        const char *folder = text(c, "%s/%s", c->path, PART[part].folder);
        if (!folder)
            return lk_fail_memory(err, "a checkpoint's paths", 4096);
        if (is_folder(folder) && !(part == LK_PART_VAE && own_vae))
            code = open_part_folder(c, part, folder, err);
        else if (part == LK_PART_UNET)
            code = lk_fail(err, LK_E_INPUT,
                           "'%s' has no folder %s: it is no diffusers folder of Stable Diffusion",
                           c->path, PART[part].folder);
    }
    return code;
}

/* "NAME.json" for NAME.safetensors; ending: "json". */
static const char *sidecar_of(lk_checkpoint *c, const char *path, const char *ending)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
    int stem = (int)(dot && (!slash || dot > slash) ? (size_t)(dot - path) : strlen(path));
    return text(c, "%.*s.%s", stem, path, ending);
}

static int open_file(lk_checkpoint *c, struct lk_error *err)
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
    const char *sidecar = sidecar_of(c, c->path, "json");
    if (!sidecar)
        return lk_fail_memory(err, "a checkpoint's paths", 4096);
    for (int part = 0; part < PARTS; part++)
        take_part(c, part, file, c->path, (struct source){sidecar, true});
    c->hashed = c->path;
    return 0;
}

/* A part of another place: a file, the folder of the part, or a whole diffusers folder. */
static int open_part(
    lk_checkpoint *c, enum lk_part part, const char *option, const char *path, struct lk_error *err)
{
    if (access(path, F_OK))
        return lk_fail(err, LK_E_MISSING, "%s '%s' is not there: check the path", option, path);
    const char *inner = text(c, "%s/%s", path, PART[part].folder);
    const char *kept = text(c, "%s", path), *sidecar = sidecar_of(c, path, "json");
    if (!inner || !kept || !sidecar)
        return lk_fail_memory(err, "a checkpoint's paths", 4096);
    if (is_folder(path))
        return open_part_folder(c, part, is_folder(inner) ? inner : kept, err);
    lk_tensor_file *file;
    int code = open_tensors(c, path, &file, err);
    if (code)
        return code;
    take_part(c, part, file, kept, (struct source){sidecar, true});
    if (!c->parts[part].naming)
        return lk_fail(err, LK_E_INPUT, "%s '%s' holds no %s of Stable Diffusion", option, path,
                       PART[part].what);
    if (part == LK_PART_UNET)
        c->hashed = kept;
    return 0;
}

static int check_parts(const lk_checkpoint *c, struct lk_error *err)
{
    const struct lk__part *parts = c->parts;
    if (!parts[LK_PART_VAE].naming && parts[LK_PART_UNET].naming)
        return lk_fail(err, LK_E_INPUT,
                       "'%s' holds no VAE (a \"noVAE\" checkpoint): give one with --vae", c->path);
    for (int part = 0; part < PARTS; part++) {
        const bool text = part == LK_PART_TEXT || part == LK_PART_TEXT_2;
        const bool other = parts[LK_PART_TEXT].naming || parts[LK_PART_TEXT_2].naming;
        if (!parts[part].naming && !(text && other))
            return lk_fail(err, LK_E_INPUT,
                           "'%s' holds no %s: it is no checkpoint of Stable Diffusion",
                           parts[part].path ? parts[part].path : c->path, PART[part].what);
    }
    return 0;
}

static int read_config(lk_checkpoint *c, enum lk_part part, struct lk_error *err)
{
    const struct source *source = &c->sources[part];
    json_t *root = NULL;
    if (!c->parts[part].naming)
        return 0;
    int code = lk__json_load(source->config, &root, err);
    if (code)
        return code == LK_E_MISSING ? 0 : code;
    const json_t *object = source->sidecar ? json_object_get(root, PART[part].folder) : root;
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
    const char *path = sidecar_of(c, c->path, "yaml");
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
    const char *path = folder ? text(c, "%s/scheduler/scheduler_config.json", c->path)
                              : sidecar_of(c, c->path, "json");
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

/* What is said of the drawing, the surest word last. */
static int read_drawing(lk_checkpoint *c, bool folder, struct lk_error *err)
{
    int code = 0;
    read_markers(c);
    if (folder)
        code = read_pipeline(c, err);
    else
        code = read_yaml(c, err);
    return code ? code : read_scheduler(c, folder, err);
}

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

/* Of Hugging Face's cache, /…/models--OWNER--NAME/snapshots/HASH, the NAME; else NULL. */
static const char *cached_name(lk_checkpoint *c, const char *path)
{
    const char *folder = strstr(path, "models--"), *end = strstr(path, "/snapshots/");
    if (!folder || !end || folder > end)
        return NULL;
    const char *name = folder;
    for (const char *at = folder; at + 1 < end; at++)
        if (at[0] == '-' && at[1] == '-')
            name = at + 2;
    return text(c, "%.*s", (int)(end - name), name);
}

/* NAME of /folder/NAME.safetensors or /folder/NAME/ */
static const char *label(lk_checkpoint *c, const char *path)
{
    static const char *const ENDINGS[] = {".safetensors", ".ckpt", ".pt", ".pth", ".bin"};
    const char *cached = cached_name(c, path);
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && path[start - 1] != '/')
        start--;
    for (size_t i = 0; i < LK_ARRAY_LENGTH(ENDINGS); i++) {
        size_t ending = strlen(ENDINGS[i]);
        if (end - start > ending && !strncasecmp(path + end - ending, ENDINGS[i], ending)) {
            end -= ending;
            break;
        }
    }
    return cached ? cached : text(c, "%.*s", (int)(end - start), path + start);
}

/* A folder of Hugging Face's cache stands for its snapshot that refs/main names. */
static const char *snapshot_of(lk_checkpoint *c, const char *path)
{
    enum { HASH = 40 };
    const char *ref = text(c, "%s/refs/main", path), *found = NULL;
    struct lk_file file = {0};
    if (ref && !access(ref, F_OK) && !lk_file_map(ref, &file, NULL) && file.size >= HASH)
        found = text(c, "%s/snapshots/%.*s", path, HASH, (const char *)file.bytes);
    lk_file_unmap(&file);
    return found && is_folder(found) ? found : text(c, "%s", path);
}

static int find_tokenizer(lk_checkpoint *c, bool folder, enum lk_part part, struct lk_error *err)
{
    const char *inner = part == LK_PART_TEXT_2 ? "tokenizer_2" : "tokenizer";
    const char *slash = strrchr(c->path, '/');
    int length = (int)(folder ? strlen(c->path) : slash ? (size_t)(slash - c->path) : 0);
    const char *path = length || slash ? text(c, "%.*s/%s", length, c->path, inner) : inner;
    const char *vocabulary = path ? text(c, "%s/vocab.json", path) : NULL;
    const char *merges = path ? text(c, "%s/merges.txt", path) : NULL;
    if (!vocabulary || !merges)
        return lk_fail_memory(err, "a checkpoint's paths", 4096);
    if (!access(vocabulary, F_OK) && !access(merges, F_OK))
        c->tokenizer[part] = path;
    return 0;
}

static int open_all(lk_checkpoint *c, const char *vae, const char *unet, struct lk_error *err)
{
    bool folder = is_folder(c->path);
    int code = folder ? open_folder(c, vae != NULL, err) : open_file(c, err);
    if (!code && vae)
        code = open_part(c, LK_PART_VAE, "--vae", vae, err);
    if (!code && unet)
        code = open_part(c, LK_PART_UNET, "the UNet", unet, err);
    if (!code)
        code = check_parts(c, err);
    for (int part = 0; !code && part < PARTS; part++)
        if (c->parts[part].naming)
            code = lk__cut_fused(&c->parts[part], c->arena, err);
    if (!code)
        code = lk__topology_read(c->parts, &c->config, err);
    if (!code)
        code = read_drawing(c, folder, err);
    for (int part = 0; !code && part < PARTS; part++)
        code = read_config(c, part, err);
    if (!code)
        code = lk__topology_check(c->parts, &c->config, err);
    for (int part = 0; !code && part < PARTS; part++)
        code = check_weights(&c->parts[part], err);
    if (!code)
        code = find_tokenizer(c, folder, LK_PART_TEXT, err);
    if (!code)
        code = find_tokenizer(c, folder, LK_PART_TEXT_2, err);
    return code;
}

/* A checkpoint of which nothing is open. named: file or folder after which it is called;
 * NULL: path. */
static int make(const char *path, const char *named, lk_checkpoint **out, struct lk_error *err)
{
    if (access(path, F_OK))
        return lk_fail(err, LK_E_MISSING, "model '%s' is not there: check the path", path);
    lk_checkpoint *c = calloc(1, sizeof *c);
    if (!c || !(c->arena = lk_arena_new((size_t)1 << 20)) || !(c->path = snapshot_of(c, path)) ||
        !(c->name = label(c, named ? named : c->path))) {
        lk_checkpoint_free(c);
        return lk_fail_memory(err, "a checkpoint", sizeof *c);
    }
    *out = c;
    return 0;
}

/* Fills config.family from what is there. */
static int peek(lk_checkpoint *c, struct lk_error *err)
{
    int code = is_folder(c->path) ? open_folder(c, false, err) : open_file(c, err);
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
    lk_tensor_file *file = NULL;
    const char *sidecar = sidecar_of(c, c->path, "json");
    int code = 0;
    if (!sidecar)
        return lk_fail_memory(err, "a checkpoint's paths", 4096);
    if (is_folder(c->path)) {
        code = open_part_folder(c, LK_PART_UNET, c->path, err);
    } else if (!(code = open_tensors(c, c->path, &file, err))) {
        take_part(c, LK_PART_UNET, file, c->path, (struct source){sidecar, true});
        c->hashed = c->path;
    }
    if (code)
        return code;
    part->naming = lk__naming_of_control(part->file);
    const char *what = lk__recognise(part->file);
    if (!part->naming)
        return lk_fail(err, LK_E_INPUT, "'%s' is %s, not a ControlNet: give one by --control-model",
                       c->path, what ? what : "something else");
    code = lk__topology_read_control(part, &c->config, err);
    code = code ? code : read_config(c, LK_PART_UNET, err);
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
    return file && lk_tensor_file_count(file) && !is_folder(c->hashed)
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

// SPDX-License-Identifier: Apache-2.0
/* Opening a checkpoint: finds the file of each part, its naming and its JSON, reads the topology
 * and refuses by name what is no SD 1.x checkpoint.
 *
 *   FOLDER/{text_encoder,unet,vae}/…safetensors, config.json      diffusers
 *   NAME.safetensors, NAME.json (optional, see config.c)          LDM, all parts in one
 */
#include "catalog/checkpoint.h"

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
#include "base/size.h"
#include "catalog/catalog.h"
#include "catalog/stand_ins.h"
#include "catalog/topology.h"

enum { PARTS = 3, SAMPLE = 256 };

struct source {
    const char *config; /* path of the JSON */
    bool sidecar;       /* the part is a member of it, else the whole of it */
};

struct lk_checkpoint {
    lk_arena *arena; /* every string */
    const char *path, *name, *tokenizer;
    const char *hashed; /* file or folder whose sha256 labels pictures */
    lk_tensor_file *files[PARTS + 1];
    size_t file_count;
    struct lk__part parts[PARTS];
    struct source sources[PARTS];
    struct lk_checkpoint_config config;
    struct lk_sha256 sha256;  /* of it; empty until it is asked for */
    lk__stand_ins *stand_ins; /* or NULL */
};

static const struct {
    const char *folder, *member, *what;
} PART[PARTS] = {
    [LK_PART_TEXT] = {"text_encoder", "text_encoder", "text encoder"},
    [LK_PART_UNET] = {"unet", "unet", "UNet"},
    [LK_PART_VAE] = {"vae", "vae", "VAE"},
};

/* In the order in which diffusers prefers them; full precision before fp16. */
static const char *const PART_FILES[] = {
    "diffusion_pytorch_model.safetensors",
    "model.safetensors",
    "diffusion_pytorch_model.safetensors.index.json",
    "model.safetensors.index.json",
    "diffusion_pytorch_model.fp16.safetensors",
    "model.fp16.safetensors",
};
static const char *const PICKLES[] = {"diffusion_pytorch_model.bin", "pytorch_model.bin",
                                      "diffusion_pytorch_model.fp16.bin"};

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

static int refuse_pickle(const char *path, struct lk_error *err)
{
    return lk_fail(err, LK_E_INPUT,
                   "'%s' is a pickle (.ckpt, .bin), which is not supported yet: convert it to "
                   ".safetensors, as the WebUI and diffusers do",
                   path);
}

/* A pickle begins with protocol 2's mark, or is a zip made by torch.save. */
static bool is_pickle(const char *path)
{
    unsigned char head[4] = {0};
    struct stat info;
    if (stat(path, &info) || !S_ISREG(info.st_mode)) /* opening a pipe would wait */
        return false;
    FILE *file = fopen(path, "rb");
    size_t n = file ? fread(head, 1, 4, file) : 0;
    if (file)
        fclose(file);
    return n == 4 && (!memcmp(head, "PK\3\4", 4) || (head[0] == 0x80 && head[1] <= 5));
}

/* Opens a file of tensors and keeps it until the checkpoint is freed. */
static int open_tensors(lk_checkpoint *c,
                        const char *path,
                        lk_tensor_file **out,
                        struct lk_error *err)
{
    if (is_pickle(path))
        return refuse_pickle(path, err);
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
    c->parts[part] = (struct lk__part){file, lk__naming_of(file, part), path};
    c->sources[part] = source;
}

/* A list of shards, as lk_tensor_file_open takes it. */
static bool is_index(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot && !strcmp(dot, ".json");
}

/* The file of tensors in a part's folder. */
static int find_part_file(lk_checkpoint *c,
                          const char *folder,
                          const char **out,
                          struct lk_error *err)
{
    for (size_t i = 0; i < LK_ARRAY_LENGTH(PART_FILES); i++) {
        const char *path = text(c, "%s/%s", folder, PART_FILES[i]);
        if (!path)
            return lk_fail_memory(err, "a checkpoint's paths", 4096);
        if (access(path, F_OK))
            continue;
        *out = path;
        return 0;
    }
    for (size_t i = 0; i < LK_ARRAY_LENGTH(PICKLES); i++) {
        const char *path = text(c, "%s/%s", folder, PICKLES[i]);
        if (path && !access(path, F_OK))
            return refuse_pickle(path, err);
    }
    return lk_fail(err, LK_E_INPUT, "'%s' holds no %s or %s: it is no complete diffusers folder",
                   folder, PART_FILES[0], PART_FILES[1]);
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

/* model_index.json and the scheduler tell families apart that shapes do not. */
static int check_folder(lk_checkpoint *c, struct lk_error *err)
{
    static const struct {
        const char *file, *key, *fine, *what;
    } CLUES[] = {
        {"model_index.json", "_class_name", "StableDiffusionPipeline", "pipeline"},
        {"scheduler/scheduler_config.json", "prediction_type", "epsilon", "prediction"},
        {"scheduler/scheduler_config.json", "beta_schedule", "scaled_linear", "beta schedule"},
    };
    for (size_t i = 0; i < LK_ARRAY_LENGTH(CLUES); i++) {
        json_t *root = NULL;
        const char *path = text(c, "%s/%s", c->path, CLUES[i].file);
        if (!path)
            return lk_fail_memory(err, "a checkpoint's paths", 4096);
        int code = lk__json_load(path, &root, err);
        if (code == LK_E_MISSING)
            continue;
        if (code)
            return code;
        const char *value = json_string_value(json_object_get(root, CLUES[i].key));
        if (value && strcmp(value, CLUES[i].fine))
            code =
                lk_fail(err, LK_E_INPUT, "'%s' is of the %s %s: only SD 1.x (%s) is supported yet",
                        c->path, CLUES[i].what, value, CLUES[i].fine);
        json_decref(root);
        if (code)
            return code;
    }
    return 0;
}

static int read_spacing(lk_checkpoint *c, struct lk_error *err)
{
    static const char *const NAMES[] = {
        [LK_SPACING_LINSPACE] = "linspace",
        [LK_SPACING_LEADING] = "leading",
        [LK_SPACING_TRAILING] = "trailing",
    };
    json_t *root = NULL;
    const char *path = text(c, "%s/scheduler/scheduler_config.json", c->path);
    if (!path)
        return lk_fail_memory(err, "a checkpoint's paths", 4096);
    int code = lk__json_load(path, &root, err);
    if (code)
        return code == LK_E_MISSING ? 0 : code;
    const char *value = json_string_value(json_object_get(root, "timestep_spacing"));
    if (value) {
        code = LK_E_INPUT;
        for (size_t i = LK_SPACING_LINSPACE; i < LK_ARRAY_LENGTH(NAMES); i++) {
            if (!strcmp(value, NAMES[i])) {
                c->config.spacing = (enum lk_spacing)i;
                code = 0;
            }
        }
    }
    if (code)
        lk_fail(err, code,
                "'%s': timestep_spacing '%s' is none of linspace, leading, trailing: correct it",
                path, value);
    json_decref(root);
    return code;
}

static int open_folder(lk_checkpoint *c, bool own_vae, struct lk_error *err)
{
    int code = check_folder(c, err);
    for (int part = 0; !code && part < PARTS; part++) {
        const char *folder = text(c, "%s/%s", c->path, PART[part].folder);
        if (!folder)
            return lk_fail_memory(err, "a checkpoint's paths", 4096);
        if (part == LK_PART_VAE && (own_vae || !is_folder(folder)))
            continue;
        if (!is_folder(folder))
            return lk_fail(err, LK_E_INPUT,
                           "'%s' has no folder %s: it is no diffusers folder of SD 1.x", c->path,
                           PART[part].folder);
        code = open_part_folder(c, part, folder, err);
    }
    return code;
}

/* "NAME.json" for NAME.safetensors. */
static const char *sidecar_of(lk_checkpoint *c, const char *path)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
    int stem = (int)(dot && (!slash || dot > slash) ? (size_t)(dot - path) : strlen(path));
    return text(c, "%.*s.json", stem, path);
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
                       "'%s' is %s: give an SD 1.x checkpoint, the family that is supported yet",
                       c->path, what);
    const char *sidecar = sidecar_of(c, c->path);
    if (!sidecar)
        return lk_fail_memory(err, "a checkpoint's paths", 4096);
    for (int part = 0; part < PARTS; part++)
        take_part(c, part, file, c->path, (struct source){sidecar, true});
    c->hashed = c->path;
    return 0;
}

/* --vae: a file, the folder of a VAE, or a whole diffusers folder. */
static int open_vae(lk_checkpoint *c, const char *path, struct lk_error *err)
{
    if (access(path, F_OK))
        return lk_fail(err, LK_E_MISSING, "--vae '%s' is not there: check the path", path);
    const char *inner = text(c, "%s/vae", path);
    const char *kept = text(c, "%s", path), *sidecar = sidecar_of(c, path);
    if (!inner || !kept || !sidecar)
        return lk_fail_memory(err, "a checkpoint's paths", 4096);
    if (is_folder(path))
        return open_part_folder(c, LK_PART_VAE, is_folder(inner) ? inner : kept, err);
    lk_tensor_file *file;
    int code = open_tensors(c, path, &file, err);
    if (code)
        return code;
    take_part(c, LK_PART_VAE, file, kept, (struct source){sidecar, true});
    if (!c->parts[LK_PART_VAE].naming)
        return lk_fail(err, LK_E_INPUT, "--vae '%s' holds no VAE of Stable Diffusion", path);
    return 0;
}

static int check_parts(const lk_checkpoint *c, struct lk_error *err)
{
    if (!c->parts[LK_PART_VAE].naming && c->parts[LK_PART_UNET].naming)
        return lk_fail(err, LK_E_INPUT,
                       "'%s' holds no VAE (a \"noVAE\" checkpoint): give one with --vae", c->path);
    for (int part = 0; part < PARTS; part++)
        if (!c->parts[part].naming)
            return lk_fail(err, LK_E_INPUT, "'%s' holds no %s: it is no SD 1.x checkpoint",
                           c->parts[part].path ? c->parts[part].path : c->path, PART[part].what);
    return 0;
}

static int read_config(lk_checkpoint *c, enum lk_part part, struct lk_error *err)
{
    const struct source *source = &c->sources[part];
    json_t *root = NULL;
    int code = lk__json_load(source->config, &root, err);
    if (code == LK_E_MISSING)
        return 0;
    if (code)
        return code;
    const json_t *object = source->sidecar ? json_object_get(root, PART[part].member) : root;
    if (object)
        code = lk__config_apply(object, part, source->config, &c->config, err);
    json_decref(root);
    return code;
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
    size_t prefix = strlen(part->naming->prefix);
    int code = 0;
    for (size_t i = 0; !code && i < lk_tensor_file_count(part->file); i++) {
        const struct lk_tensor *tensor = lk_tensor_file_at(part->file, i);
        bool number =
            tensor->dtype == LK_F32 || tensor->dtype == LK_F16 || tensor->dtype == LK_BF16;
        if (!number || strncmp(tensor->name, part->naming->prefix, prefix))
            continue;
        size_t count = tensor->size / lk_dtype_size(tensor->dtype);
        size_t n = count < SAMPLE ? count : SAMPLE;
        code = check_numbers(tensor, 0, n, err);
        if (!code)
            code = check_numbers(tensor, count - n, n, err);
    }
    return code;
}

/* NAME of /folder/NAME.safetensors or /folder/NAME/ */
static const char *label(lk_checkpoint *c)
{
    size_t end = strlen(c->path);
    while (end > 1 && c->path[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && c->path[start - 1] != '/')
        start--;
    static const char ENDING[] = ".safetensors";
    size_t ending = sizeof ENDING - 1;
    if (end - start > ending && !strncasecmp(c->path + end - ending, ENDING, ending))
        end -= ending;
    return text(c, "%.*s", (int)(end - start), c->path + start);
}

static int find_tokenizer(lk_checkpoint *c, bool folder, struct lk_error *err)
{
    const char *slash = strrchr(c->path, '/');
    int length = (int)(folder ? strlen(c->path) : slash ? (size_t)(slash - c->path) : 0);
    const char *path = length || slash ? text(c, "%.*s/tokenizer", length, c->path) : "tokenizer";
    const char *vocabulary = path ? text(c, "%s/vocab.json", path) : NULL;
    const char *merges = path ? text(c, "%s/merges.txt", path) : NULL;
    if (!vocabulary || !merges)
        return lk_fail_memory(err, "a checkpoint's paths", 4096);
    if (!access(vocabulary, F_OK) && !access(merges, F_OK))
        c->tokenizer = path;
    return 0;
}

static int open_all(lk_checkpoint *c, const char *vae, struct lk_error *err)
{
    bool folder = is_folder(c->path);
    int code = folder ? open_folder(c, vae != NULL, err) : open_file(c, err);
    if (!code && vae)
        code = open_vae(c, vae, err);
    if (!code)
        code = check_parts(c, err);
    if (!code)
        code = lk__topology_read(c->parts, &c->config, err);
    if (!code && folder)
        code = read_spacing(c, err);
    for (int part = 0; !code && part < PARTS; part++)
        code = read_config(c, part, err);
    if (!code)
        code = lk__topology_check(c->parts, &c->config, err);
    for (int part = 0; !code && part < PARTS; part++)
        code = check_weights(&c->parts[part], err);
    if (!code)
        code = find_tokenizer(c, folder, err);
    return code;
}

int lk_checkpoint_open(const char *path, const char *vae, lk_checkpoint **out, struct lk_error *err)
{
    if (access(path, F_OK))
        return lk_fail(err, LK_E_MISSING, "model '%s' is not there: check the path", path);
    lk_checkpoint *c = calloc(1, sizeof *c);
    int code = LK_E_FAILED;
    if (!c || !(c->arena = lk_arena_new((size_t)1 << 20)) || !(c->path = text(c, "%s", path)) ||
        !(c->name = label(c)))
        lk_fail_memory(err, "a checkpoint", sizeof *c);
    else
        code = open_all(c, vae, err);
    if (code) {
        lk_checkpoint_free(c);
        return code;
    }
    *out = c;
    return 0;
}

void lk_checkpoint_free(lk_checkpoint *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->file_count; i++)
        lk_tensor_file_free(c->files[i]);
    lk__stand_ins_free(c->stand_ins);
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
    return lk__find(c->parts[part].file, c->parts[part].naming, &c->config, diffusers_name);
}

const char *lk_checkpoint_name(const lk_checkpoint *c)
{
    return c->name;
}

int lk_checkpoint_sha256(lk_checkpoint *c, struct lk_sha256 *out, struct lk_error *err)
{
    const struct lk_model_entry entry = {.name = c->name, .path = c->hashed};
    int code = c->sha256.hex[0] ? 0 : lk_model_sha256(&entry, &c->sha256, err);
    if (!code)
        *out = c->sha256;
    return code;
}

int lk_checkpoint_hash(lk_checkpoint *c, char out[11], struct lk_error *err)
{
    struct lk_sha256 sha;
    int code = lk_checkpoint_sha256(c, &sha, err);
    if (!code)
        snprintf(out, 11, "%.10s", sha.hex);
    return code;
}

const char *lk_checkpoint_tokenizer(const lk_checkpoint *c)
{
    return c->tokenizer;
}

// SPDX-License-Identifier: Apache-2.0
/* config.json of a diffusers folder, and the sidecar NAME.json of a single file, which holds the
 * same members per part:
 *
 *   {"text_encoder": {"num_attention_heads": 2, "hidden_act": "quick_gelu"},
 *    "unet": {"attention_head_dim": 2, "norm_num_groups": 8},
 *    "vae": {"norm_num_groups": 8, "scaling_factor": 0.18215},
 *    "scheduler": {"prediction_type": "v_prediction", "rescale_betas_zero_snr": true}}
 *
 * Shapes tell the rest. `attention_head_dim` of a UNet is the number of heads, whatever its name
 * says (diffusers kept the mistake). */
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/size.h"
#include "catalog/topology.h"

enum kind { INTEGER, REAL, ACTIVATION, HEADS, SIDE };

#define MAX_CONFIG ((size_t)1 << 20)
#define AT(member) offsetof(struct lk_checkpoint_config, member)

/* What is read. Later rows win: diffusers prefers num_attention_heads where it is set. */
static const struct {
    enum lk_part part;
    const char *key;
    enum kind kind;
    size_t at;
} FIELDS[] = {
    {LK_PART_TEXT, "num_attention_heads", INTEGER, AT(text.heads)},
    {LK_PART_TEXT, "hidden_act", ACTIVATION, AT(text.quick_gelu)},
    {LK_PART_TEXT_2, "num_attention_heads", INTEGER, AT(text_2.heads)},
    {LK_PART_TEXT_2, "hidden_act", ACTIVATION, AT(text_2.quick_gelu)},
    {LK_PART_UNET, "norm_num_groups", INTEGER, AT(unet.groups)},
    {LK_PART_UNET, "sample_size", SIDE, AT(unet.sample_size)},
    {LK_PART_UNET, "attention_head_dim", HEADS, AT(unet.heads)},
    {LK_PART_UNET, "num_attention_heads", HEADS, AT(unet.heads)},
    {LK_PART_VAE, "norm_num_groups", INTEGER, AT(vae.groups)},
    {LK_PART_VAE, "scaling_factor", REAL, AT(vae.scale)},
};

/* What changes the network's equations: refused unless it is null or as in Stable Diffusion. */
static const struct {
    enum lk_part part;
    const char *key, *word; /* the text that is fine; NULL: only null or false */
} PLAIN[] = {
    {LK_PART_UNET, "act_fn", "silu"},
    {LK_PART_UNET, "time_embedding_type", "positional"},
    {LK_PART_UNET, "time_cond_proj_dim", NULL},
    {LK_PART_UNET, "resnet_time_scale_shift", "default"},
    {LK_PART_UNET, "addition_embed_type", "text_time"},
    {LK_PART_UNET, "class_embed_type", NULL},
    {LK_PART_UNET, "encoder_hid_dim", NULL},
    {LK_PART_UNET, "dual_cross_attention", NULL},
    {LK_PART_UNET, "center_input_sample", NULL},
    {LK_PART_UNET, "controlnet_conditioning_channel_order", "rgb"},
    {LK_PART_UNET, "global_pool_conditions", NULL},
    {LK_PART_VAE, "act_fn", "silu"},
    {LK_PART_VAE, "shift_factor", NULL},
    {LK_PART_VAE, "latents_mean", NULL},
};

static int wrong(struct lk_error *err, const char *key, const char *path, const char *wanted)
{
    return lk_fail(err, LK_E_INPUT, "'%s' in '%s' must be %s", key, path, wanted);
}

static int read_integer(
    const json_t *value, const char *key, const char *path, int *out, struct lk_error *err)
{
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < 1 || number > 4096)
        return wrong(err, key, path, "an integer from 1 to 4096");
    *out = (int)number;
    return 0;
}

static int read_heads(const json_t *value,
                      const char *key,
                      const char *path,
                      struct lk_unet_config *unet,
                      struct lk_error *err)
{
    int heads[LK_MAX_LEVELS];
    for (int i = 0; i < unet->levels; i++) {
        const json_t *one = json_is_array(value) ? json_array_get(value, (size_t)i) : value;
        if (read_integer(one, key, path, &heads[i], err))
            return wrong(err, key, path,
                         "an integer from 1 to 4096, or a list with one for each level");
    }
    memcpy(unet->heads, heads, sizeof(int) * (size_t)unet->levels);
    return 0;
}

static int read_field(const json_t *value,
                      size_t row,
                      const char *path,
                      struct lk_checkpoint_config *config,
                      struct lk_error *err)
{
    const char *key = FIELDS[row].key;
    void *at = (char *)config + FIELDS[row].at;
    switch (FIELDS[row].kind) {
    case INTEGER:
        return read_integer(value, key, path, at, err);
    case HEADS:
        return read_heads(value, key, path, &config->unet, err);
    case SIDE: { /* only a custom: what is no side of a latent says nothing */
        json_int_t side = json_integer_value(value);
        *(int *)at = side >= 8 && side <= 256 ? (int)side : 0;
        return 0;
    }
    case REAL: {
        double number = json_number_value(value);
        if (!json_is_number(value) || !(fabs(number) > 1e-6 && fabs(number) < 1e6))
            return wrong(err, key, path, "a number other than 0");
        *(float *)at = (float)number;
        return 0;
    }
    case ACTIVATION: {
        const char *word = json_is_string(value) ? json_string_value(value) : "";
        int quick = !strcmp(word, "quick_gelu");
        if (!quick && strcmp(word, "gelu"))
            return wrong(err, key, path, "quick_gelu or gelu");
        *(int *)at = quick;
        return 0;
    }
    }
    return 0;
}

int lk__config_apply(const json_t *object,
                     enum lk_part part,
                     const char *path,
                     struct lk_checkpoint_config *config,
                     struct lk_error *err)
{
    if (!json_is_object(object))
        return lk_fail(err, LK_E_INPUT, "'%s' must hold a JSON object", path);
    int code = 0;
    for (size_t i = 0; !code && i < LK_ARRAY_LENGTH(FIELDS); i++) {
        const json_t *value = json_object_get(object, FIELDS[i].key);
        if (FIELDS[i].part == part && value && !json_is_null(value))
            code = read_field(value, i, path, config, err);
    }
    for (size_t i = 0; !code && i < LK_ARRAY_LENGTH(PLAIN); i++) {
        const json_t *value = json_object_get(object, PLAIN[i].key);
        if (PLAIN[i].part != part || !value || json_is_null(value) || json_is_false(value))
            continue;
        const char *word = PLAIN[i].word;
        if (word && !strcmp(word, "text_time") && !config->unet.added)
            word = NULL; /* it speaks of tensors that are not there */
        if (!word || !json_is_string(value) || strcmp(json_string_value(value), word))
            code = lk_fail(err, LK_E_INPUT,
                           "'%s' sets '%s' as no Stable Diffusion checkpoint does, which is not "
                           "supported",
                           path, PLAIN[i].key);
    }
    return code;
}

/* A word of a scheduler: its place among `words` goes to *out; absent or null leaves it. */
static int read_word(const json_t *object,
                     const char *key,
                     const char *const *words,
                     size_t n,
                     const char *path,
                     int *out,
                     struct lk_error *err)
{
    const json_t *value = json_object_get(object, key);
    if (!value || json_is_null(value))
        return 0;
    const char *word = json_is_string(value) ? json_string_value(value) : "";
    for (size_t i = 0; i < n; i++) {
        if (words[i] && !strcmp(word, words[i])) {
            *out = (int)i;
            return 0;
        }
    }
    return lk_fail(err, LK_E_INPUT,
                   "'%s': %s '%s' is not supported: Stable Diffusion has %s%s%s%s%s", path, key,
                   word, words[n - 1], n > 2 ? ", " : "", n > 2 ? words[n - 2] : "",
                   n > 3 ? ", " : "", n > 3 ? words[n - 3] : "");
}

static int check_beta(
    const json_t *object, const char *key, double usual, const char *path, struct lk_error *err)
{
    const json_t *value = json_object_get(object, key);
    if (!value || (json_is_number(value) && fabs(json_number_value(value) - usual) < 1e-7))
        return 0;
    return lk_fail(err, LK_E_INPUT, "'%s': %s is not %g: another noise schedule is not supported",
                   path, key, usual);
}

int lk__scheduler_apply(const json_t *object,
                        const char *path,
                        struct lk_checkpoint_config *config,
                        struct lk_error *err)
{
    static const char *const BETAS[] = {NULL, "scaled_linear"};
    static const char *const PREDICTIONS[] = {
        [LK_PREDICTION_EPSILON] = "epsilon", [LK_PREDICTION_V] = "v_prediction"};
    static const char *const SPACINGS[] = {[LK_SPACING_LINSPACE] = "linspace",
                                           [LK_SPACING_LEADING] = "leading",
                                           [LK_SPACING_TRAILING] = "trailing"};
    int betas = 0, prediction = (int)config->prediction, spacing = (int)config->spacing;
    if (!json_is_object(object))
        return lk_fail(err, LK_E_INPUT, "'%s' must hold a JSON object", path);
    int code = read_word(object, "beta_schedule", BETAS, 2, path, &betas, err);
    code = code ? code : check_beta(object, "beta_start", 0.00085, path, err);
    code = code ? code : check_beta(object, "beta_end", 0.012, path, err);
    code =
        code ? code : read_word(object, "prediction_type", PREDICTIONS, 3, path, &prediction, err);
    code = code ? code : read_word(object, "timestep_spacing", SPACINGS, 4, path, &spacing, err);
    if (code)
        return code;
    config->prediction = (enum lk_prediction)prediction;
    config->spacing = (enum lk_spacing)spacing;
    if (json_is_true(json_object_get(object, "rescale_betas_zero_snr")))
        config->zero_snr = 1;
    return 0;
}

int lk__json_load(const char *path, json_t **out, struct lk_error *err)
{
    if (access(path, F_OK))
        return LK_E_MISSING;
    struct lk_file file;
    int code = lk_file_map(path, &file, err);
    if (code)
        return code;
    json_error_t at = {.line = 1, .text = "it is larger than 1 MiB"};
    json_t *root = NULL;
    if (file.size <= MAX_CONFIG)
        root = json_loadb((const char *)file.bytes, file.size, JSON_REJECT_DUPLICATES, &at);
    lk_file_unmap(&file);
    if (!root)
        return lk_fail(err, LK_E_INPUT, "'%s' is no JSON that can be read: line %d: %s", path,
                       at.line, at.text);
    if (!json_is_object(root)) {
        json_decref(root);
        return lk_fail(err, LK_E_INPUT, "'%s' must hold a JSON object", path);
    }
    *out = root;
    return 0;
}

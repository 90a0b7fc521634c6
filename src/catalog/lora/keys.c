// SPDX-License-Identifier: Apache-2.0
/* The names that programs give to a LoRA's tensors: part, weight, and what the tensor is to it.
 *
 *     lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight                   kohya
 *     lora_unet_input_blocks_1_1_proj_in.lora_down.weight                             kohya, SDXL
 *     unet.down_blocks.0.attentions.0.proj_in.lora_A.weight                           PEFT
 *     unet.down_blocks.0.….attn1.processor.to_q_lora.down.weight                      diffusers,
 * old text_encoder.text_model.….q_proj.lora_linear_layer.down.weight                  diffusers,
 * old lora_te_text_model_encoder_layers_0_mlp_fc1.hada_w1_a                           LyCORIS
 *     unet:12:down                                                                    cloneofsimo
 *     ip_adapter.3.to_q_lora.down.weight                                              IP-Adapter
 * FaceID
 *
 * Since kohya has lost which '_' was a '.', paths are compared with '_' for both. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "catalog/lora/internal.h"

enum { MAX_ATTENTIONS = 1024 };

/* The first that fits; longer ones before those that they begin with. */
static const struct {
    const char *text;
    enum lk_part part;
    bool is_number;
} PREFIXES[] = {
    {"lora_unet_", LK_PART_UNET, false},
    {"lora_te_", LK_PART_TEXT, false},
    {"lora_te1_", LK_PART_TEXT, false},
    {"lora_te2_", LK_PART_TEXT_2, false},
    {"unet.", LK_PART_UNET, false},
    {"text_encoder.", LK_PART_TEXT, false},
    {"text_encoder_2.", LK_PART_TEXT_2, false},
    {"model.diffusion_model.", LK_PART_UNET, false},
    {"diffusion_model.", LK_PART_UNET, false},
    {"lycoris_", LK_PART_UNET, false},
    {"unet:", LK_PART_UNET, true},
    {"text_encoder:", LK_PART_TEXT, true},
    {"", LK_PART_UNET, false},
};

static const struct {
    const char *text;
    enum lk__slot slot;
} ENDINGS[] = {
    {".lora_up.weight", LK__UP},
    {".lora_down.weight", LK__DOWN},
    {".lora_mid.weight", LK__MID},
    {".alpha", LK__ALPHA},
    {".lora_B.weight", LK__UP},
    {".lora_A.weight", LK__DOWN},
    {".lora_B.default.weight", LK__UP},
    {".lora_A.default.weight", LK__DOWN},
    {".lora_magnitude_vector", LK__MAGNITUDE},
    {".lora_magnitude_vector.weight", LK__MAGNITUDE},
    {".lora_magnitude_vector.default.weight", LK__MAGNITUDE},
    {"_lora.up.weight", LK__UP},
    {"_lora.down.weight", LK__DOWN},
    {".lora.up.weight", LK__UP},
    {".lora.down.weight", LK__DOWN},
    {".lora_linear_layer.up.weight", LK__UP},
    {".lora_linear_layer.down.weight", LK__DOWN},
    {".hada_w1_a", LK__HADA_1A},
    {".hada_w1_b", LK__HADA_1B},
    {".hada_w2_a", LK__HADA_2A},
    {".hada_w2_b", LK__HADA_2B},
    {".hada_t1", LK__HADA_T1},
    {".hada_t2", LK__HADA_T2},
    {".lokr_w1", LK__KRON_1},
    {".lokr_w1_a", LK__KRON_1A},
    {".lokr_w1_b", LK__KRON_1B},
    {".lokr_w2", LK__KRON_2},
    {".lokr_w2_a", LK__KRON_2A},
    {".lokr_w2_b", LK__KRON_2B},
    {".lokr_t2", LK__KRON_T2},
    {".diff", LK__DIFF},
    {".diff_b", LK__DIFF_BIAS},
    {".w_norm", LK__DIFF},
    {".b_norm", LK__DIFF_BIAS},
    {".dora_scale", LK__DORA},
    {".on_input", LK__ON_INPUT},
    {":up", LK__UP},
    {":down", LK__DOWN},
    {".weight", LK__IA3}, /* last: others end so */
};

/* Old diffusers calls a text encoder's projections as a UNet's. */
static const struct {
    const char *from, *to;
} TEXT_NAMES[] = {
    {"_to_q", "_q_proj"}, {"_to_k", "_k_proj"}, {"_to_v", "_v_proj"}, {"_to_out", "_out_proj"}};

static bool ends_with(const char *text, size_t length, const char *ending)
{
    size_t n = strlen(ending);
    return length > n && !strncmp(text + length - n, ending, n);
}

/* Replaces the ending of path, if it has it. */
static bool replace_ending(char path[LK__NAME_MAX], const char *from, const char *to)
{
    size_t length = strlen(path), cut = length - strlen(from);
    if (!ends_with(path, length, from) || cut + strlen(to) >= LK__NAME_MAX)
        return false;
    memcpy(path + cut, to, strlen(to) + 1);
    return true;
}

static void simplify(struct lk__key *key)
{
    static const char processor[] = "_processor_";
    for (char *c = key->path; *c; c++)
        if (*c == '.')
            *c = '_';
    char *at = strstr(key->path, processor);
    if (at)
        memmove(at + 1, at + sizeof processor - 1, strlen(at + sizeof processor - 1) + 1);
    if (key->part == LK_PART_UNET) {
        replace_ending(key->path, "_to_out", "_to_out_0");
        return;
    }
    for (size_t i = 0; i < LK_ARRAY_LENGTH(TEXT_NAMES); i++)
        if (replace_ending(key->path, TEXT_NAMES[i].from, TEXT_NAMES[i].to))
            return;
}

/* ip_adapter.N.to_q_lora.down.weight: N counts attentions, of which each has four projections in
 * cloneofsimo's count. */
static bool parse_face_id(const char *text, struct lk__key *out)
{
    static const char prefix[] = "ip_adapter.";
    static const char *const projections[] = {"q", "k", "v", "out"};
    static const char *const directions[] = {"up", "down"};
    if (strncmp(text, prefix, sizeof prefix - 1))
        return false;
    char *tail;
    const unsigned long attention = strtoul(text + sizeof prefix - 1, &tail, 10);
    for (int i = 0; i < 8; i++) {
        char known[32];
        snprintf(known, sizeof known, ".to_%s_lora.%s.weight", projections[i / 2],
                 directions[i % 2]);
        if (strcmp(tail, known) || attention >= MAX_ATTENTIONS)
            continue;
        *out = (struct lk__key){LK_PART_UNET, "", true, i % 2 ? LK__DOWN : LK__UP};
        snprintf(out->path, sizeof out->path, "%lu", 4 * attention + (unsigned long)(i / 2));
        return true;
    }
    return false;
}

/* cloneofsimo's .pt is a list without names: up, down, up, down … */
static bool parse_place(const char *text, struct lk__key *out)
{
    const size_t digits = strspn(text, "0123456789");
    if (!digits || digits > 6 || text[digits])
        return false;
    const long place = strtol(text, NULL, 10);
    *out = (struct lk__key){LK_PART_UNET, "", true, place % 2 ? LK__DOWN : LK__UP};
    snprintf(out->path, sizeof out->path, "%ld", place / 2);
    return true;
}

bool lk__key_parse(const char *text, struct lk__key *out)
{
    static const char wrapper[] = "base_model.model.";
    if (parse_face_id(text, out) || parse_place(text, out))
        return true;
    if (!strncmp(text, wrapper, sizeof wrapper - 1))
        text += sizeof wrapper - 1;
    size_t i = 0, length = strlen(text), ending = 0;
    while (ending < LK_ARRAY_LENGTH(ENDINGS) && !ends_with(text, length, ENDINGS[ending].text))
        ending++;
    if (ending == LK_ARRAY_LENGTH(ENDINGS))
        return false;
    while (strncmp(text, PREFIXES[i].text, strlen(PREFIXES[i].text)))
        i++;
    const char *path = text + strlen(PREFIXES[i].text);
    const char *end = text + length - strlen(ENDINGS[ending].text);
    if (end <= path || end - path >= LK__NAME_MAX)
        return false;
    *out = (struct lk__key){PREFIXES[i].part, "", PREFIXES[i].is_number, ENDINGS[ending].slot};
    snprintf(out->path, sizeof out->path, "%.*s", (int)(end - path), path);
    simplify(out);
    return true;
}

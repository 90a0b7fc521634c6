// SPDX-License-Identifier: Apache-2.0
/* `likeness models show NAME`: what a model is. Of a checkpoint, its networks are built (not run)
 * and compared with its file: what they lack is missing, what none of them reads is unknown. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/size.h"
#include "catalog/adapter.h"
#include "catalog/lora.h"
#include "catalog/vision.h"
#include "models.h"
#include "stages/diffuse/networks.h"
#include "stages/text/text.h"

static int text_graph(const lk_checkpoint *checkpoint, lk_graph **out, struct lk_error *err)
{
    return lk_text_graph(checkpoint, LK_PART_TEXT, 0, out, err);
}

static int text_2_graph(const lk_checkpoint *checkpoint, lk_graph **out, struct lk_error *err)
{
    return lk_text_graph(checkpoint, LK_PART_TEXT_2, 0, out, err);
}

const struct network networks[] = {
    {"text", LK_PART_TEXT, text_graph},
    {"text-2", LK_PART_TEXT_2, text_2_graph},
    {"unet", LK_PART_UNET, lk_unet_graph},
    {"vae-decoder", LK_PART_VAE, lk_vae_decoder_graph},
    {"vae-encoder", LK_PART_VAE, lk_vae_encoder_graph},
};
const size_t network_count = LK_ARRAY_LENGTH(networks);

enum { SHOWN = 5 }; /* unknown keys by name */

/* Of the tensors of one file: those that a network reads. */
struct survey {
    const lk_tensor_file *file;
    bool *used; /* [its tensors] */
};

static void mark(struct survey *s, const struct lk_tensor *weight)
{
    for (size_t i = 0; weight && i < lk_tensor_file_count(s->file); i++) {
        const struct lk_tensor *t = lk_tensor_file_at(s->file, i);
        const char *begin = t->data, *at = weight->data;
        s->used[i] |= at >= begin && at < begin + t->size;
    }
}

/* What a file may hold beside the networks: schedules, averages of training, markers. */
static bool is_customary(const char *name)
{
    static const char *const PREFIXES[] = {"model_ema.", "first_stage_model.loss.",
                                           "alphas_",    "betas",
                                           "sqrt_",      "log_one_",
                                           "posterior_", "denoiser.",
                                           "logvar",     "lvlb_",
                                           "v_pred",     "ztsnr"};
    for (size_t i = 0; i < LK_ARRAY_LENGTH(PREFIXES); i++)
        if (!strncmp(name, PREFIXES[i], strlen(PREFIXES[i])))
            return true;
    return strstr(name, "position_ids") || strstr(name, "logit_scale");
}

/* What is left out on purpose: the layers of a text encoder behind the last one that is read. */
static bool is_behind(const lk_checkpoint *checkpoint, const char *name)
{
    static const char *const LAYERS[] = {"encoder.layers.", "resblocks."};
    const struct lk_text_config *c = &lk_checkpoint_config(checkpoint)->text;
    const bool first = c->layers && strstr(name, "embedders.1.") == NULL;
    if (first && c->penultimate && strstr(name, "final_layer_norm."))
        return true;
    for (size_t i = 0; first && i < LK_ARRAY_LENGTH(LAYERS); i++) {
        const char *at = strstr(name, LAYERS[i]);
        if (at && strtol(at + strlen(LAYERS[i]), NULL, 10) >= c->layers - c->penultimate)
            return true;
    }
    return false;
}

static void print_unknown(const lk_checkpoint *checkpoint, const struct survey *s)
{
    size_t unknown = 0;
    for (size_t i = 0; i < lk_tensor_file_count(s->file); i++) {
        const char *name = lk_tensor_file_at(s->file, i)->name;
        if (s->used[i] || is_customary(name) || is_behind(checkpoint, name))
            continue;
        if (unknown++ < SHOWN)
            printf("unknown      %s\n", name);
    }
    if (unknown > SHOWN)
        printf("unknown      … %zu keys in all\n", unknown);
}

static void print_part(const char *name, const lk_graph *graph, const struct lk_tensor *table)
{
    uint64_t numbers = table ? table->size / lk_dtype_size(table->dtype) : 0;
    unsigned seen = 0;
    size_t cursor = 0;
    for (const struct lk_tensor *t; (t = lk_graph_next_weight(graph, &cursor));) {
        numbers += t->size / lk_dtype_size(t->dtype);
        seen |= 1u << t->dtype;
    }
    printf("%-12s %.1f M parameters in", name, (double)numbers / 1e6);
    const char *before = " ";
    for (int dtype = 0; seen >> dtype; dtype++) {
        if (!(seen >> dtype & 1))
            continue;
        printf("%s%s", before, lk_dtype_name((enum lk_dtype)dtype));
        before = ", ";
    }
    putchar('\n');
}

/* Prints each network of the file's parts and notes which tensors it reads. A network that cannot
 * be built says what is missing. */
static void survey_networks(const lk_checkpoint *checkpoint, struct survey *s, bool *missing)
{
    for (size_t i = 0; i < network_count; i++) {
        struct lk_error err;
        lk_graph *graph = NULL;
        if (lk_checkpoint_file(checkpoint, networks[i].part) != s->file)
            continue;
        if (networks[i].graph(checkpoint, &graph, &err)) {
            printf("broken       %s\n", err.message);
            *missing = true;
            continue;
        }
        const struct lk_tensor *table = lk_checkpoint_tensor(
            checkpoint, networks[i].part, "text_model.embeddings.token_embedding.weight");
        print_part(networks[i].name, graph, table);
        mark(s, table);
        size_t cursor = 0;
        for (const struct lk_tensor *t; (t = lk_graph_next_weight(graph, &cursor));)
            mark(s, t);
        lk_graph_free(graph);
    }
    mark(s, lk_checkpoint_tensor(checkpoint, LK_PART_TEXT_2, "text_projection.weight"));
}

static int survey_files(const lk_checkpoint *checkpoint, struct lk_error *err)
{
    const lk_tensor_file *done[LK_PART_COUNT] = {0};
    bool missing = false;
    for (int part = 0; part < LK_PART_COUNT; part++) {
        struct survey s = {.file = lk_checkpoint_file(checkpoint, (enum lk_part)part)};
        bool again = !s.file;
        for (int i = 0; i < part; i++)
            again |= done[i] == s.file;
        done[part] = s.file;
        if (again)
            continue;
        s.used = calloc(lk_tensor_file_count(s.file), sizeof *s.used);
        if (!s.used)
            return lk_fail_memory(err, "a list of tensors", lk_tensor_file_count(s.file));
        survey_networks(checkpoint, &s, &missing);
        if (!missing)
            print_unknown(checkpoint, &s);
        free(s.used);
    }
    return missing ? lk_fail(err, LK_E_INPUT, "checkpoint '%s' is not complete",
                             lk_checkpoint_name(checkpoint))
                   : 0;
}

static void print_config(const lk_checkpoint *checkpoint)
{
    const struct lk_checkpoint_config *c = lk_checkpoint_config(checkpoint);
    printf("family       %s%s\n", lk_family_name(c->family),
           c->unet.in_channels > c->vae.latent_channels ? ", inpainting" : "");
    printf("layout       %s\n",
           lk_checkpoint_is_ldm(checkpoint) ? "LDM, single file" : "diffusers");
    printf("prediction   %s%s\n", c->prediction == LK_PREDICTION_V ? "v" : "epsilon",
           c->zero_snr ? ", zero terminal SNR" : "");
    printf("widths       UNet");
    for (int i = 0; i < c->unet.levels; i++)
        printf("%s%d", i ? "/" : " ", c->unet.width[i]);
    printf(", VAE");
    for (int i = 0; i < c->vae.levels; i++)
        printf("%s%d", i ? "/" : " ", c->vae.width[i]);
    printf(", text %d (%d layers)", c->text.layers ? c->text.width : c->text_2.width,
           c->text.layers ? c->text.layers : c->text_2.layers);
    if (c->text.layers && c->text_2.layers)
        printf(" and %d (%d layers)", c->text_2.width, c->text_2.layers);
    putchar('\n');
}

static int show_checkpoint(struct cli *cli,
                           const struct lk_model_entry *entry,
                           struct lk_error *err)
{
    lk_checkpoint *checkpoint;
    char hash[11];
    int rc = lk_checkpoint_open(entry->path, cli->with.request.vae, &checkpoint, err);
    if (rc)
        return rc;
    rc = lk_checkpoint_hash(checkpoint, hash, err);
    if (!rc) {
        printf("hash         %s\n", hash);
        print_config(checkpoint);
        rc = survey_files(checkpoint, err);
    }
    lk_checkpoint_free(checkpoint);
    return rc;
}

static void print_range(const char *label, double low, double high)
{
    if (low < high)
        printf("%-12s %g to %g\n", label, low, high);
    else if (high > 0)
        printf("%-12s %g\n", label, high);
}

static int show_lora(const struct lk_model_entry *entry, struct lk_error *err)
{
    lk_lora *lora;
    struct lk_lora_info info;
    struct lk_sha256 sha;
    char hash[13];
    int rc = lk_lora_open(entry->path, &lora, err);
    if (rc)
        return rc;
    rc = lk_lora_hash(lora, &sha, hash, err);
    if (!rc) {
        lk_lora_describe(lora, &info);
        printf("hash         %s\nkind        ", hash);
        for (int kind = 0; kind < LK_LORA_KINDS; kind++)
            if (info.kinds[kind])
                printf(" %s of %zu", lk_lora_kind_name((enum lk_lora_kind)kind), info.kinds[kind]);
        printf("%s\n", info.dora ? ", DoRA" : "");
        print_range("rank", (double)info.low_rank, (double)info.high_rank);
        print_range("alpha", info.low_alpha, info.high_alpha);
        printf("changes      %zu of the UNet, %zu of the text encoder, %zu of them convolutions\n",
               info.unet, info.text, info.convolutions);
        printf("base         %s\n", info.base ? info.base : "not said");
        if (*info.words)
            printf("words        %s\n", info.words);
        if (info.unknown)
            printf("unknown      %zu of %zu keys: first %s\n", info.unknown, info.keys,
                   info.first_unknown);
    }
    lk_lora_free(lora);
    return rc;
}

static int show_adapter(const struct lk_model_entry *entry, struct lk_error *err)
{
    lk_adapter *adapter;
    int rc = lk_adapter_open(entry->path, &adapter, err);
    if (rc)
        return rc;
    const struct lk_adapter_info *info = lk_adapter_info(adapter);
    printf("kind         %s, %.1f M parameters\nbase         %s: %d layers, %d numbers a token\n",
           lk_adapter_kind_name(info->kind), (double)info->numbers / 1e6, lk_adapter_family(info),
           info->layers, info->context);
    printf("reads        %d numbers of a %s\n", info->reads,
           lk_adapter_reads_face(info->kind) ? "face"
           : info->kind == LK_ADAPTER_PLAIN  ? "picture"
                                             : "token");
    if (info->sees)
        printf("sees         %d numbers of a token\n", info->sees);
    if (info->tokens)
        printf("tokens       %d\n", info->tokens);
    if (info->loras)
        printf("lora         %zu tensors, merged at weight 1\n", info->loras);
    lk_adapter_free(adapter);
    return 0;
}

static int show_vision(const struct lk_model_entry *entry, struct lk_error *err)
{
    lk_vision_file *file;
    int rc = lk_vision_file_open(entry->path, &file, err);
    if (rc)
        return rc;
    const struct lk_vision_config *c = lk_vision_file_config(file);
    printf("widths       %d (%d layers, %d heads)\nlooks at     %dx%d in patches of %d\n"
           "gives        %d numbers of a picture, %d of a token\n",
           c->width, c->layers, c->heads, c->side, c->side, c->patch, c->projection, c->width);
    lk_vision_file_free(file);
    return 0;
}

int models_show(struct cli *cli, const struct lk_model_entry *entry, struct lk_error *err)
{
    struct lk_sha256 sha;
    int rc = lk_model_sha256(entry, &sha, err);
    if (rc)
        return rc;
    printf("name         %s\nrole         %s\npath         %s\nlicence      %s\nsha256       %s\n",
           entry->name, lk_role_name(entry->role), entry->path,
           entry->licence ? entry->licence : "not said", sha.hex);
    if (entry->role == LK_ROLE_CHECKPOINT)
        return show_checkpoint(cli, entry, err);
    printf("family       %s\n", entry->family);
    return entry->role == LK_ROLE_LORA      ? show_lora(entry, err)
           : entry->role == LK_ROLE_ADAPTER ? show_adapter(entry, err)
           : entry->role == LK_ROLE_VISION  ? show_vision(entry, err)
                                            : 0;
}

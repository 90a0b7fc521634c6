// SPDX-License-Identifier: Apache-2.0
/* Checkpoints in every layout they are kept in, and files that are none. The LDM names and the crc
 * of each tensor come from diffusers (tools/golden/checkpoint.py), so the name rules are compared
 * with a translation that somebody else wrote. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>

#include "base/size.h"
#include "catalog/checkpoint.h"
#include "support/checkpoint.h"
#include "support/temp.h"

static char *folder; /* a new one for each test */

static int make_folder(void **state)
{
    (void)state;
    folder = test_temp_dir();
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    test_temp_remove(folder);
    return 0;
}

static lk_checkpoint *open_ok(const char *path, const char *vae)
{
    struct lk_error err = {0};
    lk_checkpoint *checkpoint = NULL;
    if (lk_checkpoint_open(path, vae, &checkpoint, &err))
        fail_msg("%s", err.message);
    return checkpoint;
}

static void assert_refused(const char *path, const char *vae, int code, const char *says)
{
    struct lk_error err = {0};
    lk_checkpoint *checkpoint = NULL;
    assert_int_equal(lk_checkpoint_open(path, vae, &checkpoint, &err), code);
    assert_null(checkpoint);
    if (!strstr(err.message, says))
        fail_msg("'%s' does not say '%s'", err.message, says);
    assert_null(strchr(err.message, '\n'));
}

static void assert_tiny_topology(const struct lk_checkpoint_config *config)
{
    static const struct lk_checkpoint_config TINY = {
        .text = {49408, 32, 3, 2, 128, 77, .quick_gelu = 1},
        .unet = {.in_channels = 4,
                 .out_channels = 4,
                 .levels = 4,
                 .width = {16, 32, 32, 32},
                 .resnets = {2, 2, 2, 2},
                 .up_resnets = {3, 3, 3, 3},
                 .attention = {1, 1, 1, 1},
                 .heads = {2, 2, 2, 2},
                 .groups = 8,
                 .context = 32},
        .vae = {4, {16, 16, 32, 32}, 2, 8, 4, 0.18215f},
        .prediction = LK_PREDICTION_EPSILON,
    };
    assert_memory_equal(config, &TINY, sizeof TINY);
}

/* Every tensor of the list is found by its diffusers name, and is f32 with the crc of Python's; but
 * the projection, which OpenCLIP keeps the other way round. */
static void assert_family(const lk_checkpoint *checkpoint, const char *family)
{
    size_t count;
    struct test_tensor *list = test_checkpoint_list(family, &count);
    for (size_t i = 0; i < count; i++) {
        const struct lk_tensor *tensor =
            lk_checkpoint_tensor(checkpoint, (enum lk_part)list[i].part, list[i].name);
        if (!tensor)
            fail_msg("no tensor '%s' (%s)", list[i].name, list[i].ldm);
        bool turned = !strcmp(list[i].name, "text_projection.weight") &&
                      lk_checkpoint_config(checkpoint)->text_2.projection_transposed;
        if (!turned && crc32(0, tensor->data, (uInt)tensor->size) != list[i].crc)
            fail_msg("'%s' is another tensor: '%s'", list[i].name, tensor->name);
    }
    assert_true(count > 400);
    free(list);
}

static void assert_tensors(const lk_checkpoint *checkpoint)
{
    assert_family(checkpoint, NULL);
}

static void every_family_gives_its_tensors_in_both_layouts(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum lk_family family;
        int channels, sizes;
    } FAMILIES[] = {
        {"sd2", LK_FAMILY_SD2, 4, 0},         {"sdxl", LK_FAMILY_SDXL, 4, 6},
        {"refiner", LK_FAMILY_REFINER, 4, 5}, {"distilled", LK_FAMILY_SDXL, 4, 6},
        {"small", LK_FAMILY_SD1, 4, 0},       {"inpaint", LK_FAMILY_SD1, 9, 0},
    };
    for (size_t i = 0; i < 2 * LK_ARRAY_LENGTH(FAMILIES); i++) {
        char *path = test_format("%s/family%zu.safetensors", folder, i);
        const char *name = FAMILIES[i / 2].name;
        test_checkpoint_write(
            path,
            &(struct test_checkpoint){.layout = i % 2 ? TEST_SINGLE : TEST_FOLDER, .family = name});
        lk_checkpoint *checkpoint = open_ok(path, NULL);
        const struct lk_checkpoint_config *config = lk_checkpoint_config(checkpoint);
        assert_int_equal(config->family, FAMILIES[i / 2].family);
        assert_int_equal(config->unet.in_channels, FAMILIES[i / 2].channels);
        assert_int_equal(config->unet.sizes, FAMILIES[i / 2].sizes);
        assert_family(checkpoint, name);
        lk_checkpoint_free(checkpoint);
        free(path);
    }
}

static enum lk_prediction prediction_of(const char *path)
{
    lk_checkpoint *checkpoint = open_ok(path, NULL);
    enum lk_prediction prediction = lk_checkpoint_config(checkpoint)->prediction;
    lk_checkpoint_free(checkpoint);
    return prediction;
}

static void the_prediction_is_told_by_scheduler_sidecar_or_yaml(void **state)
{
    (void)state;
    char *path = test_format("%s/v.safetensors", folder), *yaml = test_format("%s/v.yaml", folder);
    char *json = test_format("%s/v.json", folder), *tree = test_format("%s/v", folder);
    test_checkpoint_write(path, &(struct test_checkpoint){TEST_SINGLE, .family = "sd2"});
    test_checkpoint_write(
        tree, &(struct test_checkpoint){TEST_FOLDER, .family = "sd2", .v_prediction = 1});
    assert_int_equal(prediction_of(tree), LK_PREDICTION_V);
    assert_int_equal(prediction_of(path), LK_PREDICTION_EPSILON);
    test_write_text(yaml, "model:\n  params:\n    parameterization: \"v\"\n");
    assert_int_equal(prediction_of(path), LK_PREDICTION_EPSILON); /* the sidecar is surer */
    test_write_text(json, "{\"unet\": {\"attention_head_dim\": [1, 2, 4, 4], "
                          "\"norm_num_groups\": 8}, \"vae\": {\"norm_num_groups\": 8}}");
    assert_int_equal(prediction_of(path), LK_PREDICTION_V);
    test_write_text(yaml, "model:\n  params:\n");
    assert_int_equal(prediction_of(path), LK_PREDICTION_EPSILON);
    free(path), free(yaml), free(json), free(tree);
}

/* Writes the safetensors file anew with an entry more in its header, of a tensor without data. */
static void add_marker(const char *path, const char *name, const char *shape)
{
    struct stat st;
    uint64_t length;
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &st), 0);
    const size_t size = (size_t)st.st_size;
    char *bytes = malloc(size), *entry = test_format("{\"%s\":{\"dtype\":\"F32\",\"shape\":[%s],"
                                                     "\"data_offsets\":[0,0]},",
                                                     name, shape);
    assert_int_equal(fread(bytes, 1, size, file), size);
    fclose(file);
    memcpy(&length, bytes, 8);
    length += strlen(entry) - 1;
    file = fopen(path, "wb");
    assert_non_null(file);
    fwrite(&length, 8, 1, file);
    fputs(entry, file);
    fwrite(bytes + 9, 1, size - 9, file);
    assert_int_equal(fclose(file), 0);
    free(bytes), free(entry);
}

/* NoobAI's and other files of v-prediction say so by tensors that hold nothing. */
static void the_prediction_is_told_by_keys_of_the_file(void **state)
{
    (void)state;
    char *path = test_format("%s/noob.safetensors", folder);
    char *json = test_format("%s/noob.json", folder);
    test_checkpoint_write(path, &(struct test_checkpoint){TEST_SINGLE, .family = "sdxl"});
    test_write_text(json, "{\"unet\": {\"norm_num_groups\": 8, \"attention_head_dim\": [1, 2, 4]}, "
                          "\"vae\": {\"norm_num_groups\": 8}}");
    lk_checkpoint *checkpoint = open_ok(path, NULL);
    assert_int_equal(lk_checkpoint_config(checkpoint)->prediction, LK_PREDICTION_EPSILON);
    lk_checkpoint_free(checkpoint);
    add_marker(path, "v_pred", "0");
    checkpoint = open_ok(path, NULL);
    assert_int_equal(lk_checkpoint_config(checkpoint)->prediction, LK_PREDICTION_V);
    assert_false(lk_checkpoint_config(checkpoint)->zero_snr);
    lk_checkpoint_free(checkpoint);
    add_marker(path, "ztsnr", "0");
    checkpoint = open_ok(path, NULL);
    assert_int_equal(lk_checkpoint_config(checkpoint)->prediction, LK_PREDICTION_V);
    assert_true(lk_checkpoint_config(checkpoint)->zero_snr);
    lk_checkpoint_free(checkpoint);
    test_write_text(json, "{\"unet\": {\"norm_num_groups\": 8, \"attention_head_dim\": [1, 2, 4]}, "
                          "\"vae\": {\"norm_num_groups\": 8}, "
                          "\"scheduler\": {\"prediction_type\": \"epsilon\"}}");
    assert_int_equal(prediction_of(path), LK_PREDICTION_EPSILON); /* the sidecar is surer */
    free(path), free(json);
}

static void every_layout_gives_the_same_tensors_by_diffusers_name(void **state)
{
    (void)state;
    static const struct test_checkpoint LAYOUTS[] = {
        {.layout = TEST_FOLDER},
        {.layout = TEST_SINGLE},
        {.layout = TEST_FOLDER, .old_vae_names = 1},
        {.layout = TEST_FOLDER, .shards = 1},
        {.layout = TEST_FOLDER, .fp16_names = 1},
    };
    for (size_t i = 0; i < LK_ARRAY_LENGTH(LAYOUTS); i++) {
        char *path = test_format("%s/tiny%zu.safetensors", folder, i);
        test_checkpoint_write(path, &LAYOUTS[i]);
        lk_checkpoint *checkpoint = open_ok(path, NULL);
        assert_tiny_topology(lk_checkpoint_config(checkpoint));
        assert_tensors(checkpoint);
        lk_checkpoint_free(checkpoint);
        free(path);
    }
}

static void half_precision_opens_with_the_same_topology(void **state)
{
    (void)state;
    static const enum lk_dtype TYPES[] = {LK_F16, LK_BF16};
    for (size_t i = 0; i < LK_ARRAY_LENGTH(TYPES); i++) {
        char *path = test_format("%s/half%zu.safetensors", folder, i);
        test_checkpoint_write(path,
                              &(struct test_checkpoint){.layout = TEST_SINGLE, .dtype = TYPES[i]});
        lk_checkpoint *checkpoint = open_ok(path, NULL);
        assert_tiny_topology(lk_checkpoint_config(checkpoint));
        const struct lk_tensor *tensor =
            lk_checkpoint_tensor(checkpoint, LK_PART_UNET, "conv_in.weight");
        assert_int_equal(tensor->dtype, TYPES[i]);
        lk_checkpoint_free(checkpoint);
        free(path);
    }
}

static void files_may_be_symbolic_links(void **state)
{
    (void)state;
    char *path = test_format("%s/tiny", folder), *link_path = test_format("%s/link", folder);
    char *unet = test_format("%s/unet/diffusion_pytorch_model.safetensors", path);
    char *blob = test_format("%s/blob", folder);
    test_checkpoint_write(path, &(struct test_checkpoint){.layout = TEST_FOLDER});
    assert_int_equal(rename(unet, blob), 0); /* as the Hugging Face cache keeps them */
    assert_int_equal(symlink(blob, unet), 0);
    assert_int_equal(symlink(path, link_path), 0);
    lk_checkpoint *checkpoint = open_ok(link_path, NULL);
    assert_tensors(checkpoint);
    lk_checkpoint_free(checkpoint);
    free(path), free(link_path), free(unet), free(blob);
}

static void a_folder_of_hugging_faces_cache_is_its_snapshot(void **state)
{
    (void)state;
    static const char HASH[] = "0123456789abcdef0123456789abcdef01234567";
    char *cache = test_format("%s/models--some-one--Some-Model", folder);
    char *refs = test_format("%s/refs", cache), *ref = test_format("%s/main", refs);
    char *snapshots = test_format("%s/snapshots", cache);
    char *snapshot = test_format("%s/%s", snapshots, HASH);
    test_make_dir(cache), test_make_dir(refs), test_make_dir(snapshots);
    test_write_text(ref, HASH);
    test_checkpoint_write(snapshot, &(struct test_checkpoint){TEST_FOLDER});
    const char *const paths[] = {cache, snapshot};
    for (size_t i = 0; i < LK_ARRAY_LENGTH(paths); i++) {
        lk_checkpoint *checkpoint = open_ok(paths[i], NULL);
        assert_string_equal(lk_checkpoint_name(checkpoint), "Some-Model");
        lk_checkpoint_free(checkpoint);
    }
    free(cache), free(refs), free(ref), free(snapshots), free(snapshot);
}

static void name_and_hash_label_pictures(void **state)
{
    (void)state;
    char *path = test_format("%s/Some.Model.safetensors", folder);
    test_checkpoint_write(path, &(struct test_checkpoint){.layout = TEST_SINGLE});
    lk_checkpoint *checkpoint = open_ok(path, NULL);
    assert_string_equal(lk_checkpoint_name(checkpoint), "Some.Model");
    char hash[11];
    assert_int_equal(lk_checkpoint_hash(checkpoint, hash, NULL), 0);
    assert_int_equal(strspn(hash, "0123456789abcdef"), 10);
    assert_null(lk_checkpoint_tokenizer(checkpoint, LK_PART_TEXT));
    lk_checkpoint_free(checkpoint);
    char *tokenizer = test_format("%s/tokenizer", folder);
    char *vocabulary = test_format("%s/vocab.json", tokenizer);
    char *merges = test_format("%s/merges.txt", tokenizer);
    test_make_dir(tokenizer);
    test_write_text(vocabulary, "{}");
    test_write_text(merges, "");
    checkpoint = open_ok(path, NULL);
    assert_string_equal(lk_checkpoint_tokenizer(checkpoint, LK_PART_TEXT), tokenizer);
    lk_checkpoint_free(checkpoint);
    free(path), free(tokenizer), free(vocabulary), free(merges);
}

static void hash_of(const char *path, char hash[11])
{
    lk_checkpoint *checkpoint = open_ok(path, NULL);
    assert_int_equal(lk_checkpoint_hash(checkpoint, hash, NULL), 0);
    lk_checkpoint_free(checkpoint);
}

static void the_hash_is_of_the_weights_also_where_they_are_in_shards(void **state)
{
    (void)state;
    char *path = test_format("%s/shards", folder), before[11], after[11];
    char *shard = test_format("%s/unet/diffusion_pytorch_model-00002-of-00002.safetensors", path);
    test_checkpoint_write(path, &(struct test_checkpoint){TEST_FOLDER, .shards = 1});
    hash_of(path, before);
    FILE *file = fopen(shard, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, -4, SEEK_END), 0);
    assert_int_equal(fwrite("\1\2\3", 3, 1, file), 1);
    fclose(file);
    hash_of(path, after);
    assert_string_not_equal(before, after);
    free(path), free(shard);
}

static void a_checkpoint_without_vae_asks_for_one_and_takes_any_form_of_it(void **state)
{
    (void)state;
    char *path = test_format("%s/novae.safetensors", folder);
    char *whole = test_format("%s/whole.safetensors", folder);
    char *diffusers = test_format("%s/diffusers", folder);
    char *vae = test_format("%s/vae", diffusers);
    char *file = test_format("%s/diffusion_pytorch_model.safetensors", vae);
    char *sidecar = test_format("%s/diffusion_pytorch_model.json", vae);
    test_checkpoint_write(path, &(struct test_checkpoint){TEST_SINGLE, .without_vae = 1});
    test_checkpoint_write(whole, &(struct test_checkpoint){TEST_SINGLE});
    test_checkpoint_write(diffusers, &(struct test_checkpoint){TEST_FOLDER});
    test_write_text(sidecar, "{\"vae\": {\"norm_num_groups\": 8}}");
    assert_refused(path, NULL, LK_E_INPUT, "--vae");
    const char *forms[] = {whole, diffusers, vae, file};
    for (size_t i = 0; i < LK_ARRAY_LENGTH(forms); i++) {
        lk_checkpoint *checkpoint = open_ok(path, forms[i]);
        assert_tiny_topology(lk_checkpoint_config(checkpoint));
        assert_tensors(checkpoint);
        lk_checkpoint_free(checkpoint);
    }
    assert_refused(whole, "/nowhere/vae", LK_E_MISSING, "/nowhere/vae");
    assert_refused(whole, path, LK_E_INPUT, "holds no VAE");
    free(path), free(whole), free(diffusers), free(vae), free(file), free(sidecar);
}

static void without_config_the_values_of_sd_1_hold_or_are_asked_for(void **state)
{
    (void)state;
    char *path = test_format("%s/bare.safetensors", folder);
    char *sidecar = test_format("%s/bare.json", folder);
    test_checkpoint_write(path, &(struct test_checkpoint){TEST_SINGLE, .without_config = 1});
    assert_refused(path, NULL, LK_E_INPUT, "32 groups do not divide 16 channels");
    test_write_text(sidecar,
                    "{\"unet\": {\"norm_num_groups\": 16}, \"vae\": {\"norm_num_groups\": 4}}");
    lk_checkpoint *checkpoint = open_ok(path, NULL);
    const struct lk_checkpoint_config *config = lk_checkpoint_config(checkpoint);
    assert_int_equal(config->unet.heads[0], 8);
    assert_int_equal(config->unet.groups, 16);
    assert_int_equal(config->vae.groups, 4);
    assert_int_equal(config->text.heads, 1);
    lk_checkpoint_free(checkpoint);
    free(path), free(sidecar);
}

static void a_hostile_config_is_refused_in_one_line(void **state)
{
    (void)state;
    static const struct {
        const char *file, *json, *says;
    } CONFIGS[] = {
        {"unet/config.json", "", "empty"},
        {"unet/config.json", "[1, 2]", "JSON object"},
        {"unet/config.json", "{\"norm_num_groups\": 8", "line 1"},
        {"unet/config.json", "{\"norm_num_groups\": 8, \"norm_num_groups\": 8}", "duplicate"},
        {"unet/config.json", "{\"norm_num_groups\": 0}", "from 1 to 4096"},
        {"unet/config.json", "{\"norm_num_groups\": -8}", "from 1 to 4096"},
        {"unet/config.json", "{\"norm_num_groups\": 1e400}", "line 1"},
        {"unet/config.json", "{\"norm_num_groups\": \"8\"}", "from 1 to 4096"},
        {"unet/config.json", "{\"norm_num_groups\": 7}", "7 groups do not divide"},
        {"unet/config.json", "{\"attention_head_dim\": [2, 2]}", "one for each level"},
        {"unet/config.json", "{\"attention_head_dim\": [[[2]]]}", "one for each level"},
        {"unet/config.json", "{\"norm_num_groups\": 8, \"attention_head_dim\": 3}", "3 heads"},
        {"unet/config.json", "{\"addition_embed_type\": \"text_time\"}", "addition_embed_type"},
        {"unet/config.json", "{\"act_fn\": \"mish\"}", "act_fn"},
        {"unet/config.json", "{\"time_cond_proj_dim\": 256}", "time_cond_proj_dim"},
        {"vae/config.json", "{\"scaling_factor\": 0}", "other than 0"},
        {"vae/config.json", "{\"scaling_factor\": null, \"norm_num_groups\": 5}", "5 groups"},
        {"vae/config.json", "{\"scaling_factor\": \"nan\"}", "other than 0"},
        {"text_encoder/config.json", "{\"hidden_act\": \"relu\"}", "quick_gelu or gelu"},
        {"text_encoder/config.json", "{\"num_attention_heads\": 5}", "5 heads"},
        {"model_index.json", "{\"_class_name\": \"StableDiffusion3Pipeline\"}", "StableDiffusion3"},
        {"scheduler/scheduler_config.json", "{\"prediction_type\": \"sample\"}", "'sample'"},
        {"scheduler/scheduler_config.json", "{\"beta_schedule\": \"squaredcos_cap_v2\"}",
         "'squaredcos_cap_v2'"},
        {"scheduler/scheduler_config.json", "{\"beta_end\": 0.02}", "beta_end is not 0.012"},
        {"scheduler/scheduler_config.json", "{\"timestep_spacing\": \"loose\"}", "'loose'"},
    };
    for (size_t i = 0; i < LK_ARRAY_LENGTH(CONFIGS); i++) {
        char *path = test_format("%s/tiny%zu", folder, i);
        char *config = test_format("%s/%s", path, CONFIGS[i].file);
        test_checkpoint_write(
            path, &(struct test_checkpoint){TEST_FOLDER, .dtype = LK_F16, .spacing = "leading"});
        test_write_text(config, CONFIGS[i].json);
        assert_refused(path, NULL, LK_E_INPUT, CONFIGS[i].says);
        test_temp_remove(path);
        free(config);
    }
}

static void heads_may_be_a_list_and_null_is_no_setting(void **state)
{
    (void)state;
    char *path = test_format("%s/tiny", folder);
    char *config = test_format("%s/unet/config.json", path);
    test_checkpoint_write(path, &(struct test_checkpoint){TEST_FOLDER});
    test_write_text(config, "{\"norm_num_groups\": 8, \"attention_head_dim\": [1, 2, 4, 8], "
                            "\"num_attention_heads\": null, \"class_embed_type\": null, "
                            "\"dual_cross_attention\": false, \"act_fn\": \"silu\"}");
    lk_checkpoint *checkpoint = open_ok(path, NULL);
    static const int HEADS[] = {1, 2, 4, 8};
    assert_memory_equal(lk_checkpoint_config(checkpoint)->unet.heads, HEADS, sizeof HEADS);
    lk_checkpoint_free(checkpoint);
    free(path), free(config);
}

/* A safetensors file of one f32 tensor [1]. */
static void write_one_tensor(const char *path, const char *name, float value)
{
    char *json =
        test_format("{\"%s\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", name);
    uint64_t length = strlen(json);
    char *bytes = malloc(12 + length);
    assert_non_null(bytes);
    memcpy(bytes, &length, 8);
    memcpy(bytes + 8, json, length);
    memcpy(bytes + 8 + length, &value, 4);
    test_write_file(path, bytes, 12 + length);
    free(bytes), free(json);
}

static void other_families_are_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *tensor, *says;
    } FILES[] = {
        {"add_embedding.linear_1.weight", "SDXL UNet alone"},
        {"model.diffusion_model.joint_blocks.0.context_block.attn.qkv.weight", "SD 3"},
        {"model.diffusion_model.double_blocks.0.img_attn.qkv.weight", "FLUX"},
        {"control_model.input_blocks.0.0.weight", "ControlNet"},
        {"lora_unet_down_blocks_0.lora_up.weight", "LoRA"},
        {"emb_params", "textual inversion"},
        {"scaled_fp8", "fp8 with scales"},
        {"first_stage_model.decoder.mid.block_1.norm1.weight", "holds no text encoder"},
        {"anything", "no text encoder"},
    };
    char *path = test_format("%s/file.safetensors", folder);
    for (size_t i = 0; i < LK_ARRAY_LENGTH(FILES); i++) {
        write_one_tensor(path, FILES[i].tensor, 1);
        assert_refused(path, NULL, LK_E_INPUT, FILES[i].says);
    }
    free(path);
}

static void what_is_no_checkpoint_is_refused_in_one_line(void **state)
{
    (void)state;
    char *pointer = test_format("%s/data/corrupt/lfs_pointer_v1-5-pruned-emaonly.safetensors",
                                getenv("LIKENESS_SHARED"));
    char *pickle = test_format("%s/model.ckpt", folder);
    char *cut = test_format("%s/cut.safetensors", folder);
    test_write_file(pickle, "PK\3\4archive/data.pkl", 20);
    test_checkpoint_write(cut, &(struct test_checkpoint){TEST_SINGLE});
    assert_int_equal(truncate(cut, 5000000), 0);
    char *pipe = test_format("%s/pipe.safetensors", folder);
    assert_int_equal(mkfifo(pipe, 0600), 0);
    assert_refused(pipe, NULL, LK_E_INPUT, "not a regular file");
    assert_refused("/nowhere/model.safetensors", NULL, LK_E_MISSING, "not there");
    assert_refused(pointer, NULL, LK_E_INPUT, "LFS");
    assert_refused(pickle, NULL, LK_E_INPUT, "zip file whose directory is missing");
    assert_refused(cut, NULL, LK_E_INPUT, "cut.safetensors");
    assert_refused(folder, NULL, LK_E_INPUT, "no folder unet");
    char *empty = test_format("%s/text_encoder", folder);
    char *bin = test_format("%s/pytorch_model.bin", empty);
    test_make_dir(empty);
    assert_refused(folder, NULL, LK_E_INPUT, "model.safetensors");
    test_write_text(bin, "");
    assert_refused(folder, NULL, LK_E_INPUT, "empty");
    assert_int_equal(truncate(bin, 0) || unlink(bin), 0);
    char *evil = test_format("%s/tests/golden/pickle/evil_plain.ckpt", getenv("LIKENESS_SOURCE"));
    assert_int_equal(symlink(evil, bin), 0);
    assert_refused(folder, NULL, LK_E_INPUT, "would run posix.system");
    assert_refused(evil, NULL, LK_E_INPUT, "would run posix.system");
    free(evil);
    free(pointer), free(pickle), free(cut), free(empty), free(bin), free(pipe);
}

static void weights_that_are_not_numbers_are_refused(void **state)
{
    (void)state;
    char *path = test_format("%s/tiny.safetensors", folder);
    test_checkpoint_write(path, &(struct test_checkpoint){TEST_SINGLE});
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, -2, SEEK_END), 0); /* the last tensor's last exponent */
    assert_int_equal(fwrite("\xc0\x7f", 2, 1, file), 1);
    fclose(file);
    assert_refused(path, NULL, LK_E_INPUT, "NaN");
    free(path);
}

static void a_part_that_lacks_a_tensor_is_named(void **state)
{
    (void)state;
    char *path = test_format("%s/tiny", folder);
    char *unet = test_format("%s/unet/diffusion_pytorch_model.safetensors", path);
    test_checkpoint_write(path, &(struct test_checkpoint){TEST_FOLDER});
    write_one_tensor(unet, "down_blocks.0.resnets.0.conv1.weight", 1);
    assert_refused(path, NULL, LK_E_INPUT, "1 levels of 0 layers");
    free(path), free(unet);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(every_layout_gives_the_same_tensors_by_diffusers_name),
        WITH_FOLDER(every_family_gives_its_tensors_in_both_layouts),
        WITH_FOLDER(the_prediction_is_told_by_scheduler_sidecar_or_yaml),
        WITH_FOLDER(the_prediction_is_told_by_keys_of_the_file),
        WITH_FOLDER(half_precision_opens_with_the_same_topology),
        WITH_FOLDER(files_may_be_symbolic_links),
        WITH_FOLDER(a_folder_of_hugging_faces_cache_is_its_snapshot),
        WITH_FOLDER(name_and_hash_label_pictures),
        WITH_FOLDER(the_hash_is_of_the_weights_also_where_they_are_in_shards),
        WITH_FOLDER(a_checkpoint_without_vae_asks_for_one_and_takes_any_form_of_it),
        WITH_FOLDER(without_config_the_values_of_sd_1_hold_or_are_asked_for),
        WITH_FOLDER(a_hostile_config_is_refused_in_one_line),
        WITH_FOLDER(heads_may_be_a_list_and_null_is_no_setting),
        WITH_FOLDER(other_families_are_refused_by_name),
        WITH_FOLDER(what_is_no_checkpoint_is_refused_in_one_line),
        WITH_FOLDER(weights_that_are_not_numbers_are_refused),
        WITH_FOLDER(a_part_that_lacks_a_tensor_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

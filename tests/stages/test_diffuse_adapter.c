// SPDX-License-Identifier: Apache-2.0
/* IP-Adapters and FaceIDs against transformers' and diffusers' numbers
 * (tools/golden/ip_adapter.py): what the image encoder sees, what adapters make of it, what is
 * drawn; and what is refused. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "catalog/lora.h"
#include "data/align.h"
#include "stages/diffuse/draw.h"
#include "stages/diffuse_golden.h"
#include "support/adapter.h"
#include "support/checkpoint.h"
#include "support/temp.h"

/* Of the largest value. */
#define TOLERANCE 4e-5
#define F16_TOLERANCE 2e-3
/* Scaled to a quarter, some sums of bytes lie midway between two, which PIL's integers and floats
 * round differently. A real encoder looks at 224 pixels, which are not scaled. */
#define SCALED_FACE_TOLERANCE 1e-3

enum { FACE = 512, POOLED = 24 };

static struct model sd, xl;
static lk_vision *vision;
static lk_tensor_file *golden;
static char *folder;
static const double WEIGHTS[] = {0.8, -0.5};

static lk_adapter *open_adapter(const char *family, const char *kind)
{
    struct lk_error err;
    lk_adapter *adapter = NULL;
    char *name = test_format("adapter_%s_%s", family, kind);
    char *path = test_format("%s/%s.safetensors", folder, name);
    test_tensors_write(path, name, LK_F32);
    golden_must(lk_adapter_open(path, &adapter, &err), &err);
    free(name);
    free(path);
    return adapter;
}

/* In a photo of 250×240 that lies 7 to the right and 11 below of the crop that a FaceID Plus looks
 * at. */
static struct lk_identity golden_face(const struct lk_picture *photo)
{
    struct lk_identity face = {.name = "ada", .embedding.size = FACE, .photo = photo};
    float *value = face.embedding.value;
    double sum = 0;
    test_checkpoint_values("golden.face", 2, (const int64_t[]){1, FACE}, value);
    for (int k = 0; k < FACE; k++)
        sum += (double)value[k] * (double)value[k];
    for (int k = 0; k < FACE; k++)
        value[k] /= (float)sqrt(sum);
    lk_align_points(LK_ALIGN_ARCFACE_112_V2, 224, face.points);
    for (int i = 0; i < 5; i++) {
        face.points[i][0] += 7;
        face.points[i][1] += 11;
    }
    return face;
}

static struct lk_picture *face_picture(void)
{
    struct lk_picture *picture = golden_picture(250, 240);
    for (int y = 0; y < 240; y++)
        for (int x = 0; x < 250; x++)
            for (int c = 0; c < 3; c++)
                picture->u8[(y * 250 + x) * 3 + c] = (uint8_t)((x * x + 3 * y * y) / 16 + 60 * c);
    return picture;
}

static struct lk_image_prompt prompt_of(const lk_adapter *adapter)
{
    struct lk_error err;
    struct lk_image_prompt prompt;
    const bool is_face = lk_adapter_reads_face(lk_adapter_info(adapter)->kind);
    struct lk_picture *picture = is_face ? face_picture() : golden_picture(90, 70);
    const struct lk_identity face = golden_face(picture);
    golden_must(is_face ? lk_image_prompt_of_face(golden_runtime(), adapter, vision, &face, "cpu",
                                                  NULL, &prompt, &err)
                        : lk_image_prompt_of_picture(golden_runtime(), adapter, vision, picture,
                                                     "cpu", NULL, &prompt, &err),
                &err);
    lk_picture_free(picture);
    return prompt;
}

static void check_near(const char *name, const float *have, double tolerance)
{
    const struct lk_tensor *want = lk_tensor_file_find(golden, name);
    assert_non_null(want);
    const double distance = golden_distance(have, want);
    if (!(distance <= tolerance))
        fail_msg("%s: off by %g", name, distance);
}

static void pictures_are_prepared_as_clips_image_processor_does(void **state)
{
    (void)state;
    struct lk_error err;
    float *pixels = NULL;
    struct lk_picture *picture = golden_picture(90, 70);
    golden_must(lk_vision_pixels(picture, 56, &pixels, &err), &err);
    check_near("vision pixels", pixels, 1e-6);
    free(pixels);
    lk_picture_free(picture);
}

static void the_encoder_sees_what_transformers_sees(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_vision_seen seen, nothing;
    struct lk_picture *picture = golden_picture(90, 70);
    golden_must(lk_vision_see(vision, picture, NULL, &seen, &err), &err);
    golden_must(lk_vision_see(vision, NULL, NULL, &nothing, &err), &err);
    assert_int_equal(seen.tokens, 17);
    check_near("vision vector", seen.vector, TOLERANCE);
    check_near("vision states", seen.states, TOLERANCE);
    check_near("vision nothing", nothing.states, TOLERANCE);
    lk_vision_seen_free(&seen);
    lk_vision_seen_free(&nothing);
    lk_picture_free(picture);
}

static double tolerance_of(const char *name)
{
    return strstr(name, "faceidplus") ? SCALED_FACE_TOLERANCE : TOLERANCE;
}

static void check_tokens(const char *family, const char *kind)
{
    lk_adapter *adapter = open_adapter(family, kind);
    struct lk_image_prompt prompt = prompt_of(adapter);
    for (int which = 0; which < 2; which++) {
        char *name = test_format("token %s %s %s", family, kind, which ? "none" : "picture");
        check_near(name, prompt.token[which], tolerance_of(name));
        free(name);
    }
    lk_image_prompt_free(&prompt);
    lk_adapter_free(adapter);
}

static void every_kind_makes_diffusers_tokens(void **state)
{
    (void)state;
    static const char *const kinds[] = {"plain",      "plus",         "faceid",
                                        "faceidplus", "faceidplusv2", "full"};
    for (int i = 0; i < 6; i++)
        check_tokens("sd", kinds[i]);
    for (int i = 0; i < 5; i++)
        check_tokens("sdxl", kinds[i]);
}

/* As h94/IP-Adapter publishes them: torch.save of two dictionaries, f16. */
static void a_bin_of_torch_is_read(void **state)
{
    (void)state;
    struct lk_error err;
    lk_adapter *adapter = NULL;
    char *path = test_format("%s/tests/golden/ip_adapter_sd_plain.bin", getenv("LIKENESS_SOURCE"));
    golden_must(lk_adapter_open(path, &adapter, &err), &err);
    assert_string_equal(lk_adapter_name(adapter), "ip_adapter_sd_plain");
    assert_int_equal(lk_adapter_info(adapter)->layers, 16);
    struct lk_image_prompt prompt = prompt_of(adapter);
    check_near("token sd plain picture", prompt.token[0], F16_TOLERANCE);
    lk_image_prompt_free(&prompt);
    lk_adapter_free(adapter);
    free(path);
}

/* ---- drawing ---- */

/* What a case's name says; the strings of options point into it. */
struct adapter_case {
    char family[8], kinds[32], sampler[16], schedule[16];
    double start, end;
    struct lk_draw_options options;
};

static int parse(const char *name, struct adapter_case *c)
{
    struct lk_draw_options *o = &c->options;
    lk_draw_options_init(o);
    int read = sscanf(name, "draw %7s %31s %15s %15s %dx%d %d %lf %lf %lf/latents", c->family,
                      c->kinds, c->sampler, c->schedule, &o->width, &o->height, &o->steps,
                      &o->guidance, &c->start, &c->end);
    o->sampler = c->sampler;
    o->schedule = c->schedule;
    o->seed = GOLDEN_SEED;
    return read == 10 && strstr(name, "/latents");
}

/* FaceID's own LoRA, as it comes in its file. */
static void merge(const struct model *m, const lk_adapter *adapter)
{
    struct lk_error err;
    lk_lora *lora = NULL;
    struct lk_lora_account account;
    unsigned changed;
    const bool has_lora = adapter && lk_adapter_info(adapter)->loras;
    if (has_lora)
        golden_must(lk_lora_open(lk_adapter_path(adapter), &lora, &err), &err);
    const struct lk_lora_use use = {lora, 1, 1};
    golden_must(lk_checkpoint_merge(m->checkpoint, &use, has_lora, &account, &changed, &err), &err);
    if (has_lora)
        assert_int_equal(account.applied, lk_adapter_info(adapter)->loras);
    if (changed)
        golden_must(lk_drawer_rebind(m->drawer, &err), &err);
    lk_lora_free(lora);
}

static const float *golden_pooled(const char *name, float out[POOLED])
{
    test_checkpoint_values(name, 2, (const int64_t[]){1, POOLED}, out);
    for (int k = 0; k < POOLED; k++)
        out[k] *= 2;
    return out;
}

static void compare(const struct model *m, const struct adapter_case *c, const char *name)
{
    struct lk_error err;
    struct lk_picture *picture = NULL;
    float *latents = NULL, *positive = golden_context("golden.positive", 77);
    float *negative = golden_context("golden.negative", 77), pooled[2][POOLED];
    struct golden_conditioning conditioning;
    golden_conditioning(&conditioning, 77, 32, positive, negative);
    if (lk_checkpoint_config(m->checkpoint)->unet.added) {
        conditioning.value.pooled_width = POOLED;
        conditioning.positive.pooled = golden_pooled("golden.pooled", pooled[0]);
        conditioning.negative.pooled = golden_pooled("golden.pooled_negative", pooled[1]);
    }
    golden_must(
        lk_draw(m->drawer, &c->options, &conditioning.value, NULL, &picture, &latents, &err), &err);
    check_near(name, latents, tolerance_of(name));
    char *rows = test_format("%.*s/rows", (int)(strrchr(name, '/') - name), name);
    assert_in_range(golden_rows_differ(picture, lk_tensor_file_find(golden, rows)), 0, 1);
    free(rows);
    free(positive);
    free(negative);
    free(latents);
    lk_picture_free(picture);
}

static void draw_case(struct adapter_case *c, const char *name)
{
    const struct model *m = strcmp(c->family, "sdxl") ? &sd : &xl;
    lk_adapter *adapters[2] = {NULL};
    struct lk_image_prompt prompts[2];
    struct lk_adapter_use uses[2];
    int n = 0;
    char *rest, *kind = strtok_r(c->kinds, "+", &rest);
    for (; kind; kind = strtok_r(NULL, "+", &rest), n++) {
        adapters[n] = open_adapter(c->family, kind);
        prompts[n] = prompt_of(adapters[n]);
        uses[n] = (struct lk_adapter_use){&prompts[n], WEIGHTS[n], c->start, c->end};
    }
    merge(m, adapters[0]);
    c->options.adapters = uses;
    c->options.n_adapters = n;
    compare(m, c, name);
    merge(m, NULL);
    while (n-- > 0) {
        lk_image_prompt_free(&prompts[n]);
        lk_adapter_free(adapters[n]);
    }
}

static void drawings_are_diffusers(void **state)
{
    (void)state;
    int cases = 0;
    for (size_t i = 0; i < lk_tensor_file_count(golden); i++) {
        struct adapter_case c;
        const char *name = lk_tensor_file_at(golden, i)->name;
        if (!parse(name, &c))
            continue;
        draw_case(&c, name);
        cases++;
    }
    assert_int_equal(cases, 18);
}

static struct lk_picture *draw_plainly(const struct lk_adapter_use *uses, int n)
{
    struct lk_error err;
    struct lk_draw_options o;
    struct lk_picture *picture = NULL;
    float *context = golden_context("golden.positive", 77);
    struct golden_conditioning conditioning;
    golden_conditioning(&conditioning, 77, 32, context, context);
    lk_draw_options_init(&o);
    o.width = o.height = 64;
    o.steps = 2;
    o.adapters = uses;
    o.n_adapters = n;
    golden_must(lk_draw(sd.drawer, &o, &conditioning.value, NULL, &picture, NULL, &err), &err);
    free(context);
    return picture;
}

/* Weight 0 is no adapter, and a drawing without one is what it was before. */
static void an_adapter_leaves_nothing_behind(void **state)
{
    (void)state;
    const size_t bytes = (size_t)64 * 64 * 3 * sizeof(float);
    lk_adapter *adapter = open_adapter("sd", "plain");
    struct lk_image_prompt prompt = prompt_of(adapter);
    struct lk_adapter_use use = {&prompt, 1, 0, 1};
    struct lk_picture *before = draw_plainly(NULL, 0), *with = draw_plainly(&use, 1);
    use.weight = 0;
    struct lk_picture *without = draw_plainly(&use, 1), *after = draw_plainly(NULL, 0);
    assert_memory_not_equal(before->f32, with->f32, bytes);
    assert_memory_equal(before->f32, after->f32, bytes);
    for (size_t k = 0; k < (size_t)64 * 64 * 3; k++)
        assert_true(fabsf(before->f32[k] - without->f32[k]) < 1e-4f);
    lk_picture_free(before);
    lk_picture_free(with);
    lk_picture_free(without);
    lk_picture_free(after);
    lk_image_prompt_free(&prompt);
    lk_adapter_free(adapter);
}

/* ---- what is refused ---- */

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    struct lk_draw_options o;
    lk_adapter *adapter = open_adapter("sdxl", "plain");
    struct lk_image_prompt prompt = prompt_of(adapter);
    struct lk_adapter_use use = {&prompt, 1, 0, 1};
    lk_draw_options_init(&o);
    o.width = o.height = 64;
    o.adapters = &use;
    o.n_adapters = 1;
    golden_refuse(&sd, &o, 32, LK_E_INPUT,
                  "ip-adapter 'adapter_sdxl_plain' is made for another family (17 layers, 32 "
                  "numbers a token) and does not fit the UNet of checkpoint 'sd' (SD 1.x, 16, 32): "
                  "take one of its family");
    lk_image_prompt_free(&prompt);
    lk_adapter_free(adapter);
    adapter = open_adapter("sd", "plain");
    prompt = prompt_of(adapter);
    use.weight = NAN;
    golden_refuse(&sd, &o, 32, LK_E_INPUT,
                  "--ip-adapter: the weight nan of 'adapter_sd_plain' is not from -10 to 10");
    use.weight = 1;
    use.start = 0.5;
    use.end = 0.25;
    golden_refuse(&sd, &o, 32, LK_E_INPUT,
                  "--ip-adapter: from 0.5 to 0.25 of the steps ('adapter_sd_plain') is no part of "
                  "0 to 1");
    lk_image_prompt_free(&prompt);
    lk_adapter_free(adapter);
}

static void check_prompt_refused(int rc, const struct lk_error *err, const char *says)
{
    assert_int_equal(rc, LK_E_INPUT);
    if (!strstr(err->message, says))
        fail_msg("'%s' does not say '%s'", err->message, says);
}

static void faces_are_no_pictures(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_image_prompt prompt;
    struct lk_picture *picture = golden_picture(64, 64);
    lk_adapter *face_id = open_adapter("sd", "faceid"), *plain = open_adapter("sd", "plain");
    lk_adapter *plus = open_adapter("sd", "faceidplus");
    struct lk_identity face = golden_face(NULL);
    check_prompt_refused(lk_image_prompt_of_picture(golden_runtime(), face_id, vision, picture,
                                                    "cpu", NULL, &prompt, &err),
                         &err,
                         "is a FaceID, which reads faces and no pictures: give it by "
                         "--face-adapter");
    check_prompt_refused(
        lk_image_prompt_of_face(golden_runtime(), plain, NULL, &face, "cpu", NULL, &prompt, &err),
        &err, "is an IP-Adapter, which reads pictures: give it by --ip-adapter");
    check_prompt_refused(
        lk_image_prompt_of_face(golden_runtime(), plus, vision, &face, "cpu", NULL, &prompt, &err),
        &err,
        "is a FaceID Plus, which looks at the face, and of 'ada' no picture is kept: give a photo "
        "by --face, or take a FaceID without Plus");
    face.embedding.size = 128;
    check_prompt_refused(
        lk_image_prompt_of_face(golden_runtime(), face_id, NULL, &face, "cpu", NULL, &prompt, &err),
        &err, "reads faces of 512 numbers, the embedder gives 128");
    lk_picture_free(picture);
    lk_adapter_free(plus);
    lk_adapter_free(face_id);
    lk_adapter_free(plain);
}

static void check_no_adapter(const char *path, int code, const char *says)
{
    struct lk_error err;
    lk_adapter *adapter = NULL;
    assert_int_equal(lk_adapter_open(path, &adapter, &err), code);
    assert_null(adapter);
    if (!strstr(err.message, says))
        fail_msg("'%s' does not say '%s'", err.message, says);
}

/* A copy of the plain adapter with one byte sequence replaced by another as long. */
static char *spoil(const char *from, const char *to, size_t cut)
{
    static int copies;
    char *good = test_format("%s/good.safetensors", folder);
    char *bad = test_format("%s/bad%d.safetensors", folder, copies++);
    test_tensors_write(good, "adapter_sd_plain", LK_F32);
    FILE *in = fopen(good, "rb"), *out = fopen(bad, "wb");
    assert_true(in && out);
    fseek(in, 0, SEEK_END);
    const size_t size = (size_t)ftell(in), n = strlen(from);
    rewind(in);
    char *bytes = malloc(size);
    assert_int_equal(fread(bytes, 1, size, in), size);
    for (size_t i = 0; n && i + n < size; i++)
        if (!memcmp(bytes + i, from, n))
            memcpy(bytes + i, to, n);
    assert_int_equal(fwrite(bytes, 1, size - cut, out), size - cut);
    fclose(in);
    fclose(out);
    free(bytes);
    free(good);
    return bad;
}

static void broken_files_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
        size_t cut;
        const char *says;
    } rows[] = {
        {"", "", 1000, "bad0.safetensors"},
        {"ip_adapter.13.to_v_ip", "ip_adapter.13.to_w_ip", 0,
         "is broken: its 'ip_adapter.13.to_v_ip.weight' is missing or misshapen"},
        {"image_proj.proj.weight", "image_proj.prof.weight", 0, "'image_proj.proj.0.weight'"},
        {"image_proj.", "xmage_proj.", 0, "is no IP-Adapter"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *path = spoil(rows[i].from, rows[i].to, rows[i].cut);
        check_no_adapter(path, LK_E_INPUT, rows[i].says);
        free(path);
    }
    check_no_adapter("/nowhere/ip.bin", LK_E_MISSING, "/nowhere/ip.bin");
}

/* The last tensor in the file becomes NaN. */
static void numbers_that_are_none_are_named(void **state)
{
    (void)state;
    struct lk_error err;
    lk_adapter *adapter = NULL;
    struct lk_image_prompt prompt;
    struct lk_picture *picture = golden_picture(64, 64);
    char *path = spoil("", "", 0);
    FILE *file = fopen(path, "r+b");
    fseek(file, -4, SEEK_END);
    fwrite(&(float){NAN}, 4, 1, file);
    fclose(file);
    golden_must(lk_adapter_open(path, &adapter, &err), &err);
    check_prompt_refused(lk_image_prompt_of_picture(golden_runtime(), adapter, vision, picture,
                                                    "cpu", NULL, &prompt, &err),
                         &err, "gives no numbers (NaN or infinity)");
    lk_adapter_free(adapter);
    lk_picture_free(picture);
    free(path);
}

static void other_files_are_no_encoder(void **state)
{
    (void)state;
    struct lk_error err;
    lk_vision *other = NULL;
    char *path = spoil("", "", 0), *empty = test_format("%s/empty", folder);
    test_make_dir(empty);
    check_prompt_refused(lk_vision_open(golden_runtime(), path, "cpu", &other, &err), &err,
                         "is no image encoder of CLIP's");
    assert_int_equal(lk_vision_open(golden_runtime(), empty, "cpu", &other, &err), LK_E_MISSING);
    assert_non_null(strstr(err.message, "no model.safetensors is in the folder"));
    free(path);
    free(empty);
}

static void open_vision(void)
{
    struct lk_error err;
    char *path = test_format("%s/image_encoder", folder);
    test_vision_write(path);
    golden_must(lk_vision_open(golden_runtime(), path, "cpu", &vision, &err), &err);
    free(path);
}

static int set_up(void **state)
{
    golden_set_up(state);
    folder = test_temp_dir();
    golden = golden_open("ip_adapter");
    sd = golden_model(&(struct test_checkpoint){.layout = TEST_FOLDER}, "sd");
    xl = golden_model(&(struct test_checkpoint){.layout = TEST_FOLDER, .family = "sdxl"}, "xl");
    open_vision();
    return 0;
}

static int tear_down(void **state)
{
    lk_vision_free(vision);
    golden_model_close(&sd);
    golden_model_close(&xl);
    lk_tensor_file_free(golden);
    test_temp_remove(folder);
    golden_tear_down(state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_are_prepared_as_clips_image_processor_does),
        cmocka_unit_test(the_encoder_sees_what_transformers_sees),
        cmocka_unit_test(every_kind_makes_diffusers_tokens),
        cmocka_unit_test(a_bin_of_torch_is_read),
        cmocka_unit_test(drawings_are_diffusers),
        cmocka_unit_test(an_adapter_leaves_nothing_behind),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(faces_are_no_pictures),
        cmocka_unit_test(broken_files_are_named),
        cmocka_unit_test(numbers_that_are_none_are_named),
        cmocka_unit_test(other_files_are_no_encoder),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

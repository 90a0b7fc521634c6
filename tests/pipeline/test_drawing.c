// SPDX-License-Identifier: Apache-2.0
/* Requests that are drawn in several passes or from several models, from prompt to picture, against
 * diffusers' pipelines put together (tools/golden/drawing.py); and what is remarked or refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/drawing/paint.h"
#include "stages/diffuse/control/annotate.h"
#include "stages/diffuse_golden.h"
#include "support/scratch.h"
#include "support/temp.h"

static lk_engine *engine;
static lk_tensor_file *goldens;
static char *folder, *plain, *nine, *net, *init, *colour;

#define HOUSE "a red house by the sea"

/* A request with these JSON members beside what all have, made ready. */
struct drawing {
    lk_result *result;
    struct lk__brief brief;
    int rc;
    struct lk_error err;
};

static void open_drawing(struct drawing *d, const char *prompt, const char *members)
{
    struct lk_request request;
    char *json =
        test_format("{\"likeness\": 1, \"task\": \"draw\", \"prompt\": \"%s\", \"negative\": "
                    "\"blurred\", \"guidance\": 7.5, \"sampler\": \"euler\", \"seed\": 42, %s}",
                    prompt, members);
    *d = (struct drawing){0};
    golden_must(lk_request_from_json(&request, json, strlen(json), "test", &d->err), &d->err);
    golden_must(lk__result_new(&request, 1, &d->result, &d->err), &d->err);
    d->rc = lk__result_read(d->result, &d->err);
    if (!d->rc)
        d->rc = lk__brief_open(engine, d->result, NULL, NULL, &d->brief, &d->err);
    lk_request_free(&request);
    free(json);
}

static void close_drawing(struct drawing *d)
{
    lk__brief_close(&d->brief);
    lk_result_free(d->result);
}

/* What is drawn; members is freed. */
static struct lk_picture *paint(struct drawing *d, const char *prompt, char *members)
{
    struct lk_picture *picture = NULL;
    open_drawing(d, prompt, members);
    golden_must(d->rc, &d->err);
    golden_must(lk__paint(engine, &d->brief, 0, NULL, &picture, &d->err), &d->err);
    free(members);
    return picture;
}

static void check(const char *name, char *members)
{
    struct drawing d;
    struct lk_picture *picture = paint(&d, HOUSE, members);
    const int off = golden_rows_differ(picture, lk_tensor_file_find(goldens, name));
    if (off > 1)
        fail_msg("%s: pixels are off by %d", name, off);
    lk_picture_free(picture);
    close_drawing(&d);
}

static void refuse(char *members, const char *says)
{
    struct drawing d;
    struct lk_picture *picture = NULL;
    open_drawing(&d, HOUSE, members);
    int rc = d.rc ? d.rc : lk__paint(engine, &d.brief, 0, NULL, &picture, &d.err);
    assert_int_not_equal(rc, 0);
    assert_null(picture);
    if (!strstr(d.err.message, says) || strchr(d.err.message, '\n'))
        fail_msg("'%s' is not in '%s'", says, d.err.message);
    close_drawing(&d);
    free(members);
}

/* Draws; what of its remarks says this is expected. */
static void remark(char *members, const char *says)
{
    struct drawing d;
    bool said = false;
    struct lk_picture *picture = paint(&d, HOUSE, members);
    for (int i = 0; i < d.result->n_remarks; i++)
        said = said || strstr(d.result->remarks[i], says);
    if (!said)
        fail_msg("no remark says '%s'", says);
    lk_picture_free(picture);
    close_drawing(&d);
}

/* Written, and freed. */
static char *keep(struct lk_picture *picture, const char *name)
{
    struct lk_error err;
    void *bytes = NULL;
    size_t size = 0;
    char *path = test_format("%s/%s", folder, name);
    const struct lk_picture_text nothing = {0};
    golden_must(lk_picture_encode(picture, LK_FORMAT_PNG, &nothing, &bytes, &size, &err), &err);
    test_write_file(path, bytes, size);
    free(bytes);
    lk_picture_free(picture);
    return path;
}

/* The golden picture; or all of one colour. */
static char *write_picture(const char *name, int width, int height, const uint8_t *one)
{
    struct lk_picture *picture = golden_picture(width, height);
    for (size_t k = 0; one && k < (size_t)3 * width * height; k++)
        picture->u8[k] = one[k % 3];
    return keep(picture, name);
}

/* A box of 32×32 at (40, 16) of 96×64, `factor` times as large. */
static char *write_mask(const char *name, int factor)
{
    const int width = 96 * factor, height = 64 * factor;
    struct lk_picture *picture = golden_picture(width, height);
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            const int u = x / factor, v = y / factor;
            const bool inside = u >= 40 && u < 72 && v >= 16 && v < 48;
            memset(picture->u8 + 3 * ((size_t)y * width + x), inside ? 255 : 0, 3);
        }
    }
    return keep(picture, name);
}

/* ---- two passes ---- */

#define HIRES "\"size\": \"64x64\", \"steps\": 6, \"hires\": 1.5, \"hires_strength\": 0.6"

static void hires_is_two_pipelines_of_diffusers(void **state)
{
    (void)state;
    check("hires", test_format("\"model\": \"%s\", " HIRES, plain));
    check("hires control",
          test_format("\"model\": \"%s\", " HIRES ", \"controls\": [{\"type\": \"none\", "
                      "\"picture\": \"%s\", \"model\": \"%s\"}]",
                      plain, colour, net));
}

static void strength_goes_from_more_than_nothing_to_all_steps(void **state)
{
    (void)state;
    check("init 1", test_format("\"model\": \"%s\", \"init\": \"%s\", \"size\": \"64x64\", "
                                "\"steps\": 6, \"strength\": 1",
                                plain, init));
    refuse(test_format("\"model\": \"%s\", \"init\": \"%s\", \"size\": \"64x64\", \"steps\": 6, "
                       "\"strength\": 0",
                       plain, init),
           "--strength 0 of --steps 6 leaves no step to draw: raise one of them");
    refuse(
        test_format("\"model\": \"%s\", \"size\": \"64x64\", \"hires\": 2, \"hires_strength\": 0",
                    plain),
        "--hires-strength 0 leaves no step to draw: raise it");
}

/* ---- masks ---- */

#define MASKED                                                                                     \
    "\"size\": \"64x64\", \"steps\": 6, \"strength\": 0.8, \"mask_blur\": 0, "                     \
    "\"inpaint_area\": \"masked\", \"inpaint_padding\": 16"

static void only_the_masked_area_is_drawn_by_either_unet(void **state)
{
    (void)state;
    char *mask = write_mask("mask.png", 1), *picture = write_picture("wide.png", 96, 64, NULL);
    const char *models[] = {plain, nine}, *names[] = {"masked 4", "masked 9"};
    for (int i = 0; i < 2; i++)
        check(names[i],
              test_format("\"model\": \"%s\", \"init\": \"%s\", \"mask\": \"%s\", " MASKED,
                          models[i], picture, mask));
    free(mask);
    free(picture);
}

static void a_mask_of_another_size_is_resized_with_a_remark(void **state)
{
    (void)state;
    char *mask = write_mask("large.png", 2), *picture = write_picture("wide.png", 96, 64, NULL);
    remark(test_format("\"model\": \"%s\", \"init\": \"%s\", \"mask\": \"%s\", " MASKED, plain,
                       picture, mask),
           "the mask of 192x128 is resized to the picture's 96x64");
    free(mask);
    free(picture);
}

/* ---- what is followed ---- */

static char *following(const char *type, const char *picture, const char *more)
{
    return test_format("\"model\": \"%s\", \"size\": \"64x64\", \"steps\": 1, \"controls\": "
                       "[{\"type\": \"%s\", \"picture\": \"%s\", \"model\": \"%s\"}]%s",
                       plain, type, picture, net, more);
}

static char *estimator(const char *kind, const char *family)
{
    return test_format(", \"%s_estimator\": \"%s:%s/tests/golden/control_%s.onnx\"", kind, family,
                       getenv("LIKENESS_SOURCE"), kind);
}

/* How many pixels of what the ControlNet saw are not black. */
static int lit(char *members)
{
    struct drawing d;
    int n = 0;
    struct lk_picture *picture = paint(&d, HOUSE, members);
    const struct lk_picture *hint = d.brief.guides.hints[0];
    assert_int_equal(hint->width, 64);
    assert_int_equal(hint->height, 64);
    for (size_t k = 0; k < (size_t)64 * 64; k++)
        n += hint->u8[3 * k] || hint->u8[3 * k + 1] || hint->u8[3 * k + 2];
    lk_picture_free(picture);
    close_drawing(&d);
    return n;
}

static void networks_are_named_or_asked_for(void **state)
{
    (void)state;
    char *depth = estimator("depth", "dpt"), *pose = estimator("pose", "rtmpose");
    assert_true(lit(following("depth", init, depth)) > 2000);
    assert_true(lit(following("pose", init, pose)) > 0);
    refuse(following("depth", init, ""), "give one with --depth-estimator");
    refuse(following("pose", init, ""), "give one with --pose-estimator");
    free(depth);
    free(pose);
}

/* By the starter's detector, on a sheet of its own faces. */
static void faces_are_drawn_and_nothing_where_there_are_none(void **state)
{
    (void)state;
    char *faces = test_format("%s/docs/pictures/renders.jpg", getenv("LIKENESS_SOURCE"));
    assert_true(lit(following("face", faces, "")) > 100);
    assert_int_equal(lit(following("face", init, "")), 0);
    free(faces);
}

/* Of what is asked, white on black: the share that lies within two pixels of what is drawn. */
static double near_edges(const struct lk_picture *asked, const struct lk_picture *drawn)
{
    int white = 0, met = 0;
    for (int y = 2; y < asked->height - 2; y++) {
        for (int x = 2; x < asked->width - 2; x++) {
            bool is_near = false;
            if (!asked->u8[3 * (y * asked->width + x)])
                continue;
            for (int v = y - 2; v <= y + 2; v++)
                for (int u = x - 2; u <= x + 2; u++)
                    is_near = is_near || drawn->u8[3 * (v * drawn->width + u)];
            white++;
            met += is_near;
        }
    }
    return (double)met / white;
}

/* The share of the asked edges that the starter's models draw. */
static double followed(const struct lk_picture *asked, char *members)
{
    struct drawing d;
    struct lk_picture *edges = NULL;
    struct lk_picture *picture = paint(&d, "a young woman with red hair, blue background", members);
    golden_must(lk_annotate("canny", picture, asked->width, asked->height, &edges, &d.err), &d.err);
    const double share = near_edges(asked, edges);
    lk_picture_free(edges);
    lk_picture_free(picture);
    close_drawing(&d);
    return share;
}

/* Of a render that nothing was trained on, by the ControlNet that the pack has for canny. */
static void the_starters_controlnet_draws_the_edges_of_a_picture(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_picture *sheet, *render, *edges;
    char *renders = test_format("%s/docs/pictures/renders.jpg", getenv("LIKENESS_SOURCE"));
    golden_must(lk_picture_read(renders, &sheet, &err), &err);
    golden_must(lk_picture_region(sheet, 0, 0, 200, 200, &render, &err), &err);
    golden_must(lk_annotate("canny", render, 192, 192, &edges, &err), &err);
    char *path = keep(render, "render.png");
    const double without = followed(edges, test_format("\"steps\": 12"));
    const double with = followed(edges, test_format("\"steps\": 12, \"controls\": [{\"type\": "
                                                    "\"canny\", \"picture\": \"%s\"}]",
                                                    path));
    if (!(with > without + 0.15))
        fail_msg("of the asked edges %.2f are drawn, without a ControlNet %.2f", with, without);
    lk_picture_free(edges);
    lk_picture_free(sheet);
    free(renders);
    free(path);
}

/* ---- LoRA and refiner ---- */

/* One that fits a first layer of this width in the second text encoder. */
static const char *write_lora(const char *name, int width)
{
    char header[512];
    const int down = 4 * width, up = 4 * 4 * width;
    const int n = snprintf(header, sizeof header,
                           "{\"lora_te2_text_model_encoder_layers_0_mlp_fc1.lora_down.weight\":{"
                           "\"dtype\":\"F32\",\"shape\":[1,%d],\"data_offsets\":[0,%d]},"
                           "\"lora_te2_text_model_encoder_layers_0_mlp_fc1.lora_up.weight\":{"
                           "\"dtype\":\"F32\",\"shape\":[%d,1],\"data_offsets\":[%d,%d]}}",
                           width, down, 4 * width, down, down + up);
    unsigned char file[4096] = {0};
    memcpy(file, &(uint64_t){(uint64_t)n}, 8);
    memcpy(file + 8, header, (size_t)n);
    return scratch_write(name, file, 8 + (size_t)(n + down + up));
}

static void a_lora_changes_checkpoint_and_refiner_where_it_fits(void **state)
{
    (void)state;
    char *xl = test_format("%s/xl", folder), *refiner = test_format("%s/refiner", folder);
    test_checkpoint_write(xl, &(struct test_checkpoint){.family = "sdxl"});
    test_checkpoint_write(refiner, &(struct test_checkpoint){.family = "refiner"});
    const char *first = write_lora("first.safetensors", 16);
    const char *second = write_lora("second.safetensors", 32);
    const char *neither = write_lora("neither.safetensors", 24);
    static const char members[] = "\"model\": \"%s\", \"refiner\": \"%s\", \"lora\": [\"%s\"], "
                                  "\"size\": \"64x64\", \"steps\": 2, \"refiner_switch\": 0.5";
    remark(test_format(members, xl, refiner, first),
           "lora 'first' does not fit the refiner, which draws without it");
    remark(test_format(members, xl, refiner, second),
           "lora 'second' does not fit the checkpoint, which draws without it");
    refuse(test_format(members, xl, refiner, neither), "lora 'neither' is not made for checkpoint");
    free(xl);
    free(refiner);
}

static int set_up(void **state)
{
    struct lk_error err;
    struct lk_engine_options options;
    golden_set_up(state);
    goldens = golden_open("drawing");
    folder = test_temp_dir();
    plain = test_format("%s/plain", folder);
    nine = test_format("%s/nine", folder);
    net = test_format("%s/net", folder);
    test_checkpoint_write(plain, &(struct test_checkpoint){.layout = TEST_FOLDER});
    test_checkpoint_write(nine, &(struct test_checkpoint){.layout = TEST_FOLDER, .inpaint = 1});
    test_control_write(net, &(struct test_checkpoint){.layout = TEST_FOLDER});
    init = write_picture("init.png", 64, 64, NULL);
    colour = write_picture("colour.png", 64, 64, (const uint8_t[]){200, 30, 90});
    char *pack = test_format("%s/starter/pack", getenv("LIKENESS_SOURCE"));
    setenv("LIKENESS_MODELS", pack, 1);
    free(pack);
    lk_engine_options_init(&options);
    options.threads = 1;
    golden_must(lk_engine_open(&options, &engine, &err), &err);
    lk_engine_options_free(&options);
    return 0;
}

static int tear_down(void **state)
{
    lk_engine_free(engine);
    lk_tensor_file_free(goldens);
    test_temp_remove(folder);
    free(plain);
    free(nine);
    free(net);
    free(init);
    free(colour);
    return golden_tear_down(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hires_is_two_pipelines_of_diffusers),
        cmocka_unit_test(strength_goes_from_more_than_nothing_to_all_steps),
        cmocka_unit_test(only_the_masked_area_is_drawn_by_either_unet),
        cmocka_unit_test(a_mask_of_another_size_is_resized_with_a_remark),
        cmocka_unit_test(networks_are_named_or_asked_for),
        cmocka_unit_test(faces_are_drawn_and_nothing_where_there_are_none),
        cmocka_unit_test(the_starters_controlnet_draws_the_edges_of_a_picture),
        cmocka_unit_test(a_lora_changes_checkpoint_and_refiner_where_it_fits),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

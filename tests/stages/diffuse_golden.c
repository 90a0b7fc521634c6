// SPDX-License-Identifier: Apache-2.0
#include "stages/diffuse_golden.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/note.h"
#include "support/temp.h"

/* Of the largest latent. The order of sums differs from torch's; random weights under a guidance of
 * 7.5 enlarge that to 4e-6 from noise, and to 1.6e-5 where a picture's noise is taken back. */
#define TOLERANCE_FROM_NOISE 1e-5
#define TOLERANCE_FROM_PICTURE 4e-5
#define TOLERANCE_OF_A_PATH 1e-3 /* dpmpp-sde: see test_diffuse_samplers.c */

static lk_runtime *runtime;
static char *folder;

void golden_must(int rc, const struct lk_error *err)
{
    if (rc)
        fail_msg("%s", err->message);
}

lk_tensor_file *golden_open(const char *name)
{
    struct lk_error err = {0};
    lk_tensor_file *file = NULL;
    char *path = test_format("%s/tests/golden/%s.safetensors", getenv("LIKENESS_SOURCE"), name);
    golden_must(lk_tensor_file_open(path, &file, &err), &err);
    free(path);
    return file;
}

/* malloc'd f32 [*n] */
static float *values_of(const struct lk_tensor *tensor, size_t *n)
{
    struct lk_error err = {0};
    *n = tensor->size / lk_dtype_size(tensor->dtype);
    float *values = malloc((*n + 1) * sizeof *values);
    if (!values)
        abort();
    golden_must(lk_tensor_to_f32(tensor, 0, *n, values, &err), &err);
    return values;
}

double golden_deviation(const float *have, const struct lk_tensor *want)
{
    double sum = 0, square = 0, off = 0;
    size_t n;
    float *values = values_of(want, &n);
    for (size_t k = 0; k < n; k++) {
        sum += values[k];
        square += (double)values[k] * values[k];
        off += ((double)have[k] - values[k]) * ((double)have[k] - values[k]);
    }
    free(values);
    const double deviation = sqrt(off / (square - sum * sum / (double)n));
    test_note(want->name, deviation);
    return deviation;
}

double golden_distance(const float *have, const struct lk_tensor *want)
{
    double most = 0, scale = 1;
    size_t n;
    float *values = values_of(want, &n);
    for (size_t k = 0; k < n; k++) {
        double difference = fabs((double)have[k] - values[k]);
        most = difference <= most ? most : difference; /* a NaN is kept */
        scale = fmax(scale, fabs(values[k]));
    }
    free(values);
    golden_deviation(have, want);
    return most / scale;
}

float *golden_context(const char *name, int tokens)
{
    const int64_t shape[] = {tokens, 32};
    float *values = malloc((size_t)tokens * 32 * sizeof *values);
    if (!values)
        abort();
    test_checkpoint_values(name, 2, shape, values);
    for (int k = 0; k < tokens * 32; k++)
        values[k] *= 6;
    return values;
}

void golden_conditioning(struct golden_conditioning *out,
                         int tokens,
                         int width,
                         const float *positive,
                         const float *negative)
{
    out->positive = (struct lk_condition){positive, 1, 0, LK_MAX_STEPS};
    out->negative = (struct lk_condition){negative, 1, 0, LK_MAX_STEPS};
    out->value = (struct lk_conditioning){
        tokens, width, &out->positive, &out->negative, 1, negative ? 1 : 0,
    };
}

/* 2·values(name) [1,width]: malloc'd */
static float *golden_pooled(const char *name, int width)
{
    float *values = malloc((size_t)width * sizeof *values);
    if (!values)
        abort();
    test_checkpoint_values(name, 2, (const int64_t[]){1, width}, values);
    for (int k = 0; k < width; k++)
        values[k] *= 2;
    return values;
}

void golden_conditioning_of(const struct model *m, struct golden_conditioning *out)
{
    const struct lk_checkpoint_config *c = lk_checkpoint_config(m->checkpoint);
    golden_conditioning(out, 77, 32, golden_context("golden.positive", 77),
                        golden_context("golden.negative", 77));
    if (c->unet.added) {
        const int width = out->value.pooled_width = c->text_2.projection;
        out->positive.pooled = golden_pooled("golden.pooled", width);
        out->negative.pooled = golden_pooled("golden.pooled_negative", width);
    }
}

void golden_conditioning_free(struct golden_conditioning *c)
{
    free((float *)c->positive.states);
    free((float *)c->negative.states);
    free((float *)c->positive.pooled);
    free((float *)c->negative.pooled);
}

struct lk_picture *golden_picture(int width, int height)
{
    struct lk_error err = {0};
    struct lk_picture *picture = NULL;
    golden_must(lk_picture_new(width, height, 3, LK_PIXEL_U8, &picture, &err), &err);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int c = 0; c < 3; c++)
                picture->u8[((size_t)y * width + x) * 3 + c] = (uint8_t)(3 * x + 5 * y + 60 * c);
    return picture;
}

int golden_set_up(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_runtime_options options;
    lk_runtime_options_init(&options);
    options.threads = 1;
    options.plain = getenv("LIKENESS_TEST_PLAIN") != NULL;
    folder = test_temp_dir();
    golden_must(lk_runtime_open(&options, &runtime, &err), &err);
    return 0;
}

int golden_tear_down(void **state)
{
    (void)state;
    lk_runtime_free(runtime);
    test_temp_remove(folder);
    return 0;
}

struct model golden_tiny;

int golden_set_up_tiny(void **state)
{
    golden_set_up(state);
    golden_tiny = golden_model(&(struct test_checkpoint){.layout = TEST_FOLDER}, "tiny");
    return 0;
}

int golden_tear_down_tiny(void **state)
{
    golden_model_close(&golden_tiny);
    return golden_tear_down(state);
}

lk_runtime *golden_runtime(void)
{
    return runtime;
}

struct model golden_checkpoint(const struct test_checkpoint *options, const char *name)
{
    struct model m = {0};
    struct lk_error err;
    char *path = test_format("%s/%s", folder, name);
    test_checkpoint_write(path, options);
    golden_must(lk_checkpoint_open(path, NULL, &m.checkpoint, &err), &err);
    free(path);
    return m;
}

void golden_drawer(struct model *m)
{
    struct lk_error err;
    golden_must(lk_drawer_open(runtime, m->checkpoint, "cpu", &m->drawer, &err), &err);
}

struct model golden_model(const struct test_checkpoint *options, const char *name)
{
    struct model m = golden_checkpoint(options, name);
    golden_drawer(&m);
    return m;
}

void golden_model_close(struct model *m)
{
    lk_drawer_free(m->drawer);
    lk_checkpoint_free(m->checkpoint);
}

struct golden_case {
    char dtype[8], sampler[16], schedule[16], spacing[16];
    int tokens;
    struct lk_draw_options options; /* its strings point into this struct */
};

static int parse(const char *name, struct golden_case *c)
{
    lk_draw_options_init(&c->options);
    struct lk_draw_options *o = &c->options;
    if (sscanf(name, "draw %7s %15s %15s %15s %dx%d %d %lf %d %lf/latents", c->dtype, c->sampler,
               c->schedule, c->spacing, &o->width, &o->height, &o->steps, &o->guidance, &c->tokens,
               &o->strength) != 10 ||
        !strstr(name, "/latents"))
        return 0;
    o->sampler = c->sampler;
    o->schedule = c->schedule;
    o->seed = GOLDEN_SEED;
    o->spacing = !strcmp(c->spacing, "leading") ? LK_SPACING_LEADING : LK_SPACING_OWN;
    return 1;
}

int golden_rows_differ(const struct lk_picture *picture, const struct lk_tensor *rows)
{
    struct lk_error err;
    struct lk_picture *bytes = NULL;
    const size_t stride = (size_t)picture->width * 3;
    int most = 0;
    golden_must(lk_picture_convert(picture, LK_PIXEL_U8, &bytes, &err), &err);
    assert_int_equal(rows->size, stride * ((size_t)(picture->height + 7) / 8));
    for (size_t k = 0; k < rows->size; k++) {
        int have = bytes->u8[8 * (k / stride) * stride + k % stride];
        int difference = abs(have - ((const uint8_t *)rows->data)[k]);
        most = difference > most ? difference : most;
    }
    lk_picture_free(bytes);
    return most;
}

static void draw_case(const struct model *m,
                      const lk_tensor_file *file,
                      const struct lk_tensor *latents,
                      struct golden_case *c)
{
    struct lk_error err;
    struct lk_picture *picture = NULL, *init = NULL;
    float *drawn = NULL;
    float *positive = golden_context("golden.positive", c->tokens);
    float *negative = golden_context("golden.negative", c->tokens);
    struct golden_conditioning conditioning;
    golden_conditioning(&conditioning, c->tokens, 32, positive,
                        c->options.guidance > 1 ? negative : NULL);
    if (c->options.strength > 0)
        c->options.init = init = golden_picture(c->options.width, c->options.height);
    golden_must(lk_draw(m->drawer, &c->options, &conditioning.value, NULL, &picture, &drawn, &err),
                &err);
    char *rows =
        test_format("%.*s/rows", (int)(strchr(latents->name, '/') - latents->name), latents->name);
    double distance = golden_distance(drawn, latents);
    int pixels = golden_rows_differ(picture, lk_tensor_file_find(file, rows));
    double most = c->options.init ? TOLERANCE_FROM_PICTURE : TOLERANCE_FROM_NOISE;
    if (!strcmp(c->sampler, "dpmpp-sde"))
        most = TOLERANCE_OF_A_PATH;
    if (!(distance <= most) || pixels > 1)
        fail_msg("%s: latents off by %g, pixels by %d", rows, distance, pixels);
    free(rows);
    free(positive);
    free(negative);
    free(drawn);
    lk_picture_free(picture);
    lk_picture_free(init);
}

void golden_draw_own_spacing(const struct model *m, const char *name)
{
    lk_tensor_file *file = golden_open("diffuse");
    const struct lk_tensor *golden = lk_tensor_file_find(file, name);
    struct golden_case c;
    assert_non_null(golden);
    assert_true(parse(golden->name, &c));
    c.options.spacing = LK_SPACING_OWN;
    draw_case(m, file, golden, &c);
    lk_tensor_file_free(file);
}

void golden_draw_all(const struct model *m, const char *goldens, const char *dtype, int want)
{
    lk_tensor_file *file = golden_open(goldens);
    int cases = 0;
    for (size_t i = 0; i < lk_tensor_file_count(file); i++) {
        struct golden_case c;
        const struct lk_tensor *golden = lk_tensor_file_at(file, i);
        if (!parse(golden->name, &c) || strcmp(c.dtype, dtype))
            continue;
        draw_case(m, file, golden, &c);
        cases++;
    }
    assert_int_equal(cases, want);
    lk_tensor_file_free(file);
}

lk_session *golden_session(const struct model *m,
                           int (*build)(const lk_checkpoint *, lk_graph **, struct lk_error *))
{
    struct lk_error err;
    lk_graph *graph = NULL;
    lk_session *session = NULL;
    golden_must(build(m->checkpoint, &graph, &err), &err);
    golden_must(lk_session_of_graph(runtime, graph, NULL, "cpu", &session, &err), &err);
    lk_graph_free(graph);
    return session;
}

void golden_refuse(const struct model *m,
                   const struct lk_draw_options *options,
                   int width,
                   int code,
                   const char *sentence)
{
    struct lk_error err = {0};
    struct lk_picture *picture = NULL;
    float *latents = NULL;
    float *context = golden_context("golden.positive", 77);
    struct golden_conditioning conditioning;
    golden_conditioning(&conditioning, 77, width, context, context);
    assert_int_equal(
        lk_draw(m->drawer, options, &conditioning.value, NULL, &picture, &latents, &err), code);
    assert_string_equal(err.message, sentence);
    assert_null(picture);
    assert_null(latents);
    free(context);
}

void golden_draw(const struct lk_draw_options *options, float **latents)
{
    struct lk_error err;
    struct lk_picture *picture = NULL;
    float *positive = golden_context("golden.positive", 77);
    float *negative = golden_context("golden.negative", 77);
    struct golden_conditioning conditioning;
    golden_conditioning(&conditioning, 77, 32, positive, negative);
    golden_must(
        lk_draw(golden_tiny.drawer, options, &conditioning.value, NULL, &picture, latents, &err),
        &err);
    lk_picture_free(picture);
    free(positive);
    free(negative);
}

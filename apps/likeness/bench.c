// SPDX-License-Identifier: Apache-2.0
/* `likeness bench`: how long each part of the loop takes on this machine, with the models that
 * would be used. Medians of --runs, after one that is not counted because it opens the network. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/size.h"
#include "cli.h"
#include "pipeline/engine.h"
#include "pipeline/result.h"
#include "stages/fit/fit.h"

struct sample {
    double wall, processor; /* seconds; of all cores together */
};

/* What the parts work on. */
struct bench {
    lk_engine *engine;
    const struct lk_request *request;
    struct lk_watch watch;          /* of the caller */
    struct lk_text_states texts[2]; /* the negative one is the second */
    size_t prompts;                 /* so many were encoded: none twice, for those are kept */
    struct lk_picture *picture;     /* with a face */
    struct lk_face *faces, *face;   /* face: of them; NULL: none is found */
    struct lk_identity identity;    /* the face's own */
    struct lk_refined swapped;
    struct sample began, step, decode; /* of the drawing */
};

static struct sample now(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    const struct timeval *user = &usage.ru_utime, *system = &usage.ru_stime;
    return (struct sample){lk_seconds(), (double)(user->tv_sec + system->tv_sec) +
                                             1e-6 * (double)(user->tv_usec + system->tv_usec)};
}

static struct sample since(struct sample began)
{
    const struct sample s = now();
    return (struct sample){s.wall - began.wall, s.processor - began.processor};
}

/* ---- the parts: each does its work once ---- */

static int run_text(struct bench *b, struct lk_error *err)
{
    struct lk_text_info info;
    char prompt[64];
    struct lk_text_states *states = &b->texts[b->prompts % 2];
    snprintf(prompt, sizeof prompt, "a portrait of a woman, number %zu", b->prompts++);
    lk_text_states_free(states);
    return lk_text_encode(b->engine->painter.text, prompt, NULL, "the prompt", 0, &b->watch, states,
                          &info, err);
}

/* The step ends where decoding begins. */
static void hear_drawing(void *user, const struct lk_watch_event *event)
{
    struct bench *b = user;
    if (!strcmp(event->stage, "decode"))
        b->step = since(b->began);
    b->began = now();
}

/* A drawing of one step: step and decode are taken from it. */
static int run_step(struct bench *b, struct lk_error *err)
{
    const struct lk_request *request = b->request;
    const struct lk__painter *painter = &b->engine->painter;
    struct lk_condition conditions[2];
    for (int i = 0; i < 2; i++)
        conditions[i] = (struct lk_condition){b->texts[i].states, 1, 0, 1, b->texts[i].pooled};
    const struct lk_conditioning conditioning = {.tokens = b->texts[0].tokens,
                                                 .width = lk_text_width(painter->text),
                                                 .positive = &conditions[0],
                                                 .negative = &conditions[1],
                                                 .n_positive = 1,
                                                 .n_negative = 1,
                                                 .pooled_width = lk_text_pooled(painter->text)};
    const struct lk_watch watch = {.on_event = hear_drawing, .user = b, .stop = b->watch.stop};
    struct lk_draw_options options;
    struct lk_picture *picture;
    lk_draw_options_init(&options);
    options.steps = 1;
    options.width = options.height = lk_checkpoint_side(painter->checkpoint);
    if (request->width) {
        options.width = request->width;
        options.height = request->height;
    }
    int rc = lk_draw(painter->drawer, &options, &conditioning, &watch, &picture, NULL, err);
    if (rc)
        return rc;
    b->decode = since(b->began);
    lk_picture_free(picture);
    return 0;
}

static int run_detect(struct bench *b, struct lk_error *err)
{
    size_t n = 0;
    free(b->faces);
    b->faces = NULL;
    int rc = lk__engine_faces(b->engine, b->request, b->picture, &b->watch, &b->faces, &n, err);
    b->face = b->faces;
    return rc;
}

static int run_embed(struct bench *b, struct lk_error *err)
{
    return lk_identity_of_photo(b->engine->embedder, "bench", b->picture, b->face, 1, &b->watch,
                                &b->identity, err);
}

static int run_swap(struct bench *b, struct lk_error *err)
{
    lk_refined_free(&b->swapped);
    b->swapped = (struct lk_refined){0};
    return lk_swap_face(b->engine->swapper, b->picture, b->face, &b->identity, NULL, &b->watch,
                        &b->swapped, err);
}

static int run_restore(struct bench *b, struct lk_error *err)
{
    struct lk_refined restored = {0};
    int rc =
        lk_restore_face(b->engine->restorer, b->picture, b->face, NULL, &b->watch, &restored, err);
    lk_refined_free(&restored);
    return rc;
}

/* Light, mask and blend of the swapped face, into the picture. */
static int run_blend(struct bench *b, struct lk_error *err)
{
    const struct lk_affine *to_crop = &b->swapped.to_crop;
    struct lk_fit_options options;
    struct lk_picture *before = NULL, *blended = NULL;
    struct lk_mask *mask = NULL;
    float points[5][2];
    lk_fit_options_init(&options);
    for (int i = 0; i < 5; i++)
        lk_affine_apply(to_crop, b->face->points[i], points[i]);
    int rc = lk_affine_crop(b->picture, to_crop, b->swapped.crop->width, b->swapped.crop->height,
                            &before, err);
    rc = rc ? rc
            : lk_fit_face(before, b->swapped.crop, (const float(*)[2])points, NULL, 0, &options,
                          NULL, &blended, &mask, NULL, err);
    rc = rc ? rc : lk_affine_paste(b->picture, blended, mask, to_crop, err);
    lk_picture_free(before);
    lk_picture_free(blended);
    lk_mask_free(mask);
    return rc;
}

static int run_upscale(struct bench *b, struct lk_error *err)
{
    struct lk_picture *large = NULL;
    int rc = lk_upscale(b->engine->upscalers[LK__ENLARGES_PICTURES].upscaler, b->picture, NULL,
                        &b->watch, &large, err);
    lk_picture_free(large);
    return rc;
}

/* ---- opening ---- */

static int open_painter(struct bench *b, struct lk_error *err)
{
    return lk__engine_painter(b->engine, b->request, err);
}

static int open_detector(struct bench *b, struct lk_error *err)
{
    return lk__engine_detector(b->engine, b->request, err);
}

static int open_embedder(struct bench *b, struct lk_error *err)
{
    return lk__engine_embedder(b->engine, b->request, err);
}

static int open_swapper(struct bench *b, struct lk_error *err)
{
    return lk__engine_swapper(b->engine, b->request, err);
}

static int open_restorer(struct bench *b, struct lk_error *err)
{
    return lk__engine_restorer(b->engine, b->request, false, err);
}

static int open_upscaler(struct bench *b, struct lk_error *err)
{
    return lk__engine_upscaler(b->engine, LK__ENLARGES_PICTURES, b->request->upscaler, err);
}

static bool has_face(const struct bench *b)
{
    return b->face != NULL;
}

static bool has_restorer(const struct bench *b)
{
    return b->face && b->engine->restorer;
}

/* In order: a part works on what those before it have left. */
static const struct part {
    const char *name;
    int (*open)(struct bench *b, struct lk_error *err); /* or NULL */
    bool (*can)(const struct bench *b);                 /* or NULL: always */
    int (*run)(struct bench *b, struct lk_error *err);  /* NULL: measured with the part before */
    size_t own; /* offset of the sample that a run leaves; 0: the sample is the whole run */
} parts[] = {
    {"text", open_painter, NULL, run_text, 0},
    {"step", NULL, NULL, run_step, offsetof(struct bench, step)},
    {"decode", NULL, NULL, NULL, offsetof(struct bench, decode)},
    {"detect", open_detector, NULL, run_detect, 0},
    {"embed", open_embedder, has_face, run_embed, 0},
    {"swap", open_swapper, has_face, run_swap, 0},
    {"restore", open_restorer, has_restorer, run_restore, 0},
    {"blend", NULL, has_face, run_blend, 0},
    {"upscale", open_upscaler, NULL, run_upscale, 0},
};

#define PARTS LK_ARRAY_LENGTH(parts)

/* ---- measuring ---- */

struct measured {
    struct sample *samples[PARTS]; /* [runs]; NULL: it could not be done */
    struct sample median[PARTS];
};

/* Part i, and those that are measured with it; run −1 is not counted. */
static int measure(struct bench *b, size_t i, int runs, struct measured *out, struct lk_error *err)
{
    size_t end = i + 1;
    int rc = parts[i].open ? parts[i].open(b, err) : 0;
    while (end < PARTS && !parts[end].run)
        end++;
    if (rc || (parts[i].can && !parts[i].can(b)))
        return rc;
    for (size_t k = i; k < end; k++) {
        out->samples[k] = calloc((size_t)runs, sizeof(struct sample));
        if (!out->samples[k])
            return lk_fail_memory(err, "samples", (size_t)runs * sizeof(struct sample));
    }
    for (int run = -1; run < runs && !rc; run++) {
        const struct sample began = now();
        rc = parts[i].run(b, err);
        const struct sample whole = since(began);
        for (size_t k = i; run >= 0 && k < end; k++)
            out->samples[k][run] =
                parts[k].own ? *(const struct sample *)((const char *)b + parts[k].own) : whole;
    }
    return rc;
}

static int by_wall(const void *a, const void *b)
{
    const double x = ((const struct sample *)a)->wall, y = ((const struct sample *)b)->wall;
    return (x > y) - (x < y);
}

static int measure_all(struct bench *b, int runs, struct measured *out, struct lk_error *err)
{
    int rc = 0;
    for (size_t i = 0; i < PARTS && !rc; i++)
        rc = parts[i].run ? measure(b, i, runs, out, err) : 0;
    for (size_t i = 0; i < PARTS && !rc; i++) {
        if (!out->samples[i])
            continue;
        qsort(out->samples[i], (size_t)runs, sizeof(struct sample), by_wall);
        out->median[i] = out->samples[i][runs / 2];
    }
    return rc;
}

/* The picture that faces are sought in: the user's, or a portrait by the starter's model. */
static int take_picture(struct bench *b, const char *path, struct lk_error *err)
{
    struct lk_picture *read = NULL;
    lk_result *result = NULL;
    struct lk_request request;
    int rc;
    if (path) {
        rc = lk_picture_read(path, &read, err);
        rc = rc ? rc : lk_picture_convert(read, LK_PIXEL_F32, &b->picture, err);
        lk_picture_free(read);
        return rc;
    }
    lk_request_init(&request, LK_TASK_DRAW);
    request.seed = 1;
    request.prompt = strdup("a portrait of a young woman, smiling");
    rc = request.prompt ? lk_engine_run(b->engine, &request, &b->watch, &result, err)
                        : lk_fail_memory(err, "a prompt", 0);
    rc = rc ? rc : lk_picture_convert(result->pictures[0].picture, LK_PIXEL_F32, &b->picture, err);
    lk_result_free(result);
    lk_request_free(&request);
    return rc;
}

static void print_table(const struct bench *b, const struct measured *m, struct lk_memory memory)
{
    const char *kernels = lk_runtime_kernels(b->engine->runtime);
    printf("%s by %s, faces on %dx%d\n%-10s %9s %9s\n",
           lk_checkpoint_name(b->engine->painter.checkpoint), kernels ? kernels : "reference",
           b->picture->width, b->picture->height, "part", "seconds", "processor");
    for (size_t i = 0; i < PARTS; i++) {
        if (m->samples[i])
            printf("%-10s %9.4f %9.4f\n", parts[i].name, m->median[i].wall, m->median[i].processor);
        else
            printf("%-10s %9s %9s\n", parts[i].name, "-", "-");
    }
    printf("memory: at most %zu MB of its own and %zu MB of mapped files\n", memory.anonymous >> 20,
           memory.file >> 20);
}

static void print_json(const struct bench *b,
                       const struct measured *m,
                       int runs,
                       struct lk_memory memory)
{
    const char *kernels = lk_runtime_kernels(b->engine->runtime);
    json_t *times = json_object();
    for (size_t i = 0; i < PARTS; i++)
        json_object_set_new(times, parts[i].name,
                            m->samples[i] ? json_pack("{s:f,s:f}", "seconds", m->median[i].wall,
                                                      "processor", m->median[i].processor)
                                          : json_null());
    json_t *root = json_pack("{s:s,s:s,s:s,s:i,s:[i,i],s:o,s:{s:I,s:I,s:I}}", "likeness",
                             lk_version(), "kernels", kernels ? kernels : "reference", "model",
                             lk_checkpoint_name(b->engine->painter.checkpoint), "runs", runs,
                             "picture", b->picture->width, b->picture->height, "parts", times,
                             "memory", "peak", (json_int_t)memory.peak, "peak_anonymous",
                             (json_int_t)memory.anonymous, "peak_mapped", (json_int_t)memory.file);
    json_dumpf(root, stdout, 0);
    putchar('\n');
    json_decref(root);
}

int cmd_bench(struct cli *cli, struct lk_error *err)
{
    struct bench b = {.request = &cli->with.request};
    struct measured measured = {0};
    const int runs = cli->with.output.runs;
    cli_watch_init(&b.watch, cli);
    int rc = lk_engine_open(&cli->with.engine, &b.engine, err);
    lk_memory_watch *watch = lk_memory_begin();
    rc = rc ? rc : take_picture(&b, cli->n_words ? cli->words[0] : NULL, err);
    rc = rc ? rc : measure_all(&b, runs, &measured, err);
    const struct lk_memory memory = lk_memory_end(watch);
    cli_watch_done(cli);
    if (!rc && cli->with.output.json)
        print_json(&b, &measured, runs, memory);
    else if (!rc)
        print_table(&b, &measured, memory);
    for (size_t i = 0; i < PARTS; i++)
        free(measured.samples[i]);
    lk_text_states_free(&b.texts[0]);
    lk_text_states_free(&b.texts[1]);
    lk_refined_free(&b.swapped);
    lk_picture_free(b.picture);
    free(b.faces);
    lk_engine_free(b.engine);
    return rc;
}

// SPDX-License-Identifier: Apache-2.0
/* What the tests of diffusion share: the golden file, the inputs that tools/golden/diffuse.py made
 * from names, and the tiny checkpoint ready to draw. A call that cannot do its work fails the test.
 */
#ifndef TESTS_STAGES_DIFFUSE_GOLDEN_H
#define TESTS_STAGES_DIFFUSE_GOLDEN_H

#include <stddef.h>
#include <stdint.h>

#include "catalog/checkpoint.h"
#include "data/picture.h"
#include "data/tensor_file.h"
#include "runtime/session.h"
#include "stages/diffuse/draw.h"
#include "support/checkpoint.h"

#define GOLDEN_SEED 42

/* Fails the test with err's sentence when rc is not 0. */
void golden_must(int rc, const struct lk_error *err);

/* Around all tests of a program: a runtime with one thread, and a folder for checkpoints. */
int golden_set_up(void **state);
int golden_tear_down(void **state);
lk_runtime *golden_runtime(void);

struct model {
    lk_checkpoint *checkpoint;
    lk_drawer *drawer;
};
/* Writes and opens a tiny checkpoint of that file or folder name; golden_drawer makes it draw. */
struct model golden_checkpoint(const struct test_checkpoint *options, const char *name);
void golden_drawer(struct model *model);
struct model golden_model(const struct test_checkpoint *options, const char *name); /* both */
void golden_model_close(struct model *model);

/* Around all tests of a program that draws with one folder of f32. */
extern struct model golden_tiny;
int golden_set_up_tiny(void **state);
int golden_tear_down_tiny(void **state);

/* Draws all golden cases of that file and dtype, of which there are `want`. */
void golden_draw_all(const struct model *model, const char *goldens, const char *dtype, int want);

/* Draws one golden case (a tensor's name) without saying its spacing. */
void golden_draw_own_spacing(const struct model *model, const char *name);

/* A network of the checkpoint, ready to run. */
lk_session *golden_session(const struct model *model,
                           int (*build)(const lk_checkpoint *, lk_graph **, struct lk_error *));
/* A draw that must fail with that code and sentence and leave its outputs alone; width: of the
 * conditioning. */
void golden_refuse(const struct model *model,
                   const struct lk_draw_options *options,
                   int width,
                   int code,
                   const char *sentence);

/* tests/golden/NAME.safetensors */
lk_tensor_file *golden_open(const char *name);
/* Largest |have − want| over the largest |want| (at least 1). */
double golden_distance(const float *have, const struct lk_tensor *want);
/* Root mean square of have − want over the standard deviation of want. Both note it where
 * tools/parity/run asks for it, in the file LIKENESS_PARITY_NOTES. */
double golden_deviation(const float *have, const struct lk_tensor *want);
/* rows [H/8, W, 3]: every 8th row as 8 bits. Largest difference per channel. */
int golden_rows_differ(const struct lk_picture *picture, const struct lk_tensor *rows);
/* 6·values(name) [tokens,32]: malloc'd. */
float *golden_context(const char *name, int tokens);
/* Both for all steps; negative may be NULL. */
struct golden_conditioning {
    struct lk_conditioning value; /* points to the next two */
    struct lk_condition positive, negative;
};
void golden_conditioning(struct golden_conditioning *out,
                         int tokens,
                         int width,
                         const float *positive,
                         const float *negative);
/* The conditioning of names that goldens are drawn with, of any family; free it. */
void golden_conditioning_of(const struct model *model, struct golden_conditioning *out);
void golden_conditioning_free(struct golden_conditioning *conditioning);
/* 8-bit RGB (3x + 5y + 60c) mod 256. */
struct lk_picture *golden_picture(int width, int height);

/* Draws with the tiny checkpoint from golden.positive and golden.negative; *latents: malloc'd. */
void golden_draw(const struct lk_draw_options *options, float **latents);

#endif

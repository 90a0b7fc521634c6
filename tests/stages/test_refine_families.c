// SPDX-License-Identifier: Apache-2.0
/* Families of restorers and swappers against Python onnxruntime with FaceFusion's steps
 * (tools/golden/refine.py) on tiny networks of the contracts; what is refused. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "data/align.h"
#include "stages/face_support.h"
#include "stages/refine/restore.h"
#include "stages/refine/swap.h"
#include "support/check.h"

/* Crops and answers may be off by one level of 255: OpenCV samples at 32 places between pixels. */
static const double level = 1.0 / 255;

struct golden {
    char what[16], name[24], family[24], file[24];
    int side;
    float points[5][2], source[5][2];
};

static bool read_points(FILE *file, const char *word, float (*points)[2])
{
    char found[16];
    if (fscanf(file, " %15s", found) != 1 || strcmp(found, word) != 0)
        return false;
    for (int i = 0; i < 10; i++)
        if (fscanf(file, "%f", &points[i / 2][i % 2]) != 1)
            return false;
    return true;
}

/* The next case of a restorer or swapper; false after the last. */
static bool next_case(FILE *file, struct golden *g)
{
    if (fscanf(file, " case %15s %23s %23s %23s %d", g->what, g->name, g->family, g->file,
               &g->side) != 5 ||
        !strcmp(g->what, "mask"))
        return false;
    return read_points(file, "points", g->points) && read_points(file, "source", g->source);
}

static void compare_crops(FILE *file, const struct golden *g, const struct lk_refined *refined)
{
    const size_t n = (size_t)refined->crop->width * (size_t)refined->crop->height * 3;
    assert_int_equal(fscanf(file, " before"), 0);
    assert_int_equal(golden_compare(file, refined->before->f32, n, level), 60);
    face_note(g->what, g->family, "before", 255 * golden_worst());
    assert_int_equal(fscanf(file, " after"), 0);
    assert_int_equal(golden_compare(file, refined->crop->f32, n, level), 60);
    face_note(g->what, g->family, "crop", 255 * golden_worst());
}

static lk_restorer *open_restorer(const char *family, const char *file)
{
    struct lk_error err;
    lk_restorer *restorer = NULL;
    assert_ok(
        lk_restorer_open(test_runtime(), family, golden_network(file), "cpu", &restorer, &err),
        &err);
    return restorer;
}

static lk_swapper *open_swapper(const char *family, const char *file)
{
    struct lk_error err;
    lk_swapper *swapper = NULL;
    const char *converter = lk_swapper_converter(family) ? golden_network("converter") : NULL;
    char kept[4096] = "";
    if (converter)
        snprintf(kept, sizeof kept, "%s", converter);
    assert_ok(lk_swapper_open(test_runtime(), family, golden_network(file), converter ? kept : NULL,
                              "cpu", &swapper, &err),
              &err);
    return swapper;
}

static void restore_and_compare(FILE *file,
                                const struct golden *g,
                                const struct lk_picture *picture)
{
    struct lk_error err;
    struct lk_refined restored;
    struct lk_face face = {.score = 1};
    lk_restorer *restorer = open_restorer(g->family, g->file);
    memcpy(face.points, g->points, sizeof face.points);
    assert_int_equal(lk_restorer_side(restorer), g->side);
    const struct lk_restore_options options = {.strength = 1, .weight = 0.7f};
    assert_ok(lk_restore_face(restorer, picture, &face, &options, NULL, &restored, &err), &err);
    compare_crops(file, g, &restored);
    lk_refined_free(&restored);
    lk_restorer_free(restorer);
}

static struct lk_identity known(const struct golden *g, const struct lk_picture *photo)
{
    struct lk_identity identity = identity_512();
    double square = 0;
    for (int i = 0; i < 512; i++)
        square += (double)identity.embedding.value[i] * (double)identity.embedding.value[i];
    for (int i = 0; i < 512; i++)
        identity.embedding.value[i] /= (float)sqrt(square);
    identity.embedding.norm = 22;
    identity.photo = photo;
    memcpy(identity.points, g->source, sizeof identity.points);
    return identity;
}

static void swap_and_compare(FILE *file,
                             const struct golden *g,
                             const struct lk_picture *picture,
                             const struct lk_picture *photo)
{
    struct lk_error err;
    struct lk_refined swapped;
    struct lk_swap_options options;
    struct lk_face face = {.score = 1};
    struct lk_identity identity = known(g, photo);
    lk_swapper *swapper = open_swapper(g->family, g->file);
    memcpy(face.points, g->points, sizeof face.points);
    lk_swap_options_init(&options);
    options.boost = 1;
    assert_int_equal(lk_swapper_side(swapper), g->side);
    assert_ok(lk_swap_face(swapper, picture, &face, &identity, &options, NULL, &swapped, &err),
              &err);
    compare_crops(file, g, &swapped);
    lk_refined_free(&swapped);
    lk_swapper_free(swapper);
}

static void every_family_makes_the_crops_of_onnxruntime_and_opencv(void **state)
{
    (void)state;
    struct golden g;
    int restorers = 0, swappers = 0;
    struct lk_picture *picture = picture_waves(400, 360, 0), *photo = picture_waves(300, 300, 2);
    FILE *file = golden_open("refine_families.tsv");
    while (next_case(file, &g)) {
        bool restores = !strcmp(g.what, "restore");
        if (restores)
            restore_and_compare(file, &g, picture);
        else
            swap_and_compare(file, &g, picture, photo);
        restorers += restores;
        swappers += !restores;
    }
    assert_int_equal(restorers, 5);
    assert_int_equal(swappers, 7);
    fclose(file);
    lk_picture_free(picture);
    lk_picture_free(photo);
}

/* Somewhere in the waves. */
static struct lk_face any_face(void)
{
    struct lk_face face = {.score = 1};
    lk_align_points(LK_ALIGN_FFHQ_512, 200, face.points);
    for (int i = 0; i < 5; i++) {
        face.points[i][0] += 90;
        face.points[i][1] += 70;
    }
    return face;
}

static float distance(const struct lk_picture *a, const struct lk_picture *b)
{
    double sum = 0;
    const size_t n = (size_t)a->width * (size_t)a->height * 3;
    for (size_t i = 0; i < n; i++)
        sum += fabs((double)a->f32[i] - (double)b->f32[i]);
    return (float)(sum / (double)n);
}

static void strength_keeps_that_much_of_the_face_as_it_was(void **state)
{
    (void)state;
    static const float strengths[] = {0, 0.25f, 1};
    struct lk_error err;
    struct lk_face face = any_face();
    struct lk_picture *picture = picture_waves(400, 360, 0);
    lk_restorer *restorer = open_restorer("gfpgan", "restore");
    float moved[3];
    for (int i = 0; i < 3; i++) {
        struct lk_refined r;
        const struct lk_restore_options options = {.strength = strengths[i], .weight = 0.5f};
        assert_ok(lk_restore_face(restorer, picture, &face, &options, NULL, &r, &err), &err);
        moved[i] = distance(r.before, r.crop);
        lk_refined_free(&r);
    }
    assert_true(moved[0] < 1e-7f);
    assert_float_equal(moved[1], 0.25f * moved[2], 1e-5);
    lk_restorer_free(restorer);
    lk_picture_free(picture);
}

/* Half of an identity is another face than all of it, and none of it is the face's own. */
static void an_identity_may_be_given_by_half(void **state)
{
    (void)state;
    struct lk_error err;
    struct golden g = {.family = "hyperswap"};
    struct lk_face face = any_face();
    struct lk_picture *picture = picture_waves(400, 360, 0), *photo = picture_waves(300, 300, 2);
    static const char *const families[][2] = {{"hyperswap", "swap_signed"},
                                              {"blendswap", "swap_blendswap"}};
    lk_align_points(LK_ALIGN_FFHQ_512, 200, g.source);
    for (size_t f = 0; f < 2; f++) {
        struct lk_identity identity = known(&g, photo), own = known(&g, photo);
        for (int i = 0; i < 512; i++)
            own.embedding.value[i] = identity.embedding.value[511 - i];
        face.embedding = own.embedding;
        lk_swapper *swapper = open_swapper(families[f][0], families[f][1]);
        struct lk_swap_options options;
        struct lk_refined r[4] = {0};
        const float strengths[] = {1, 0.5f, 0, 1};
        for (int i = 0; i < 4; i++) {
            lk_swap_options_init(&options);
            options.strength = strengths[i];
            assert_ok(lk_swap_face(swapper, picture, &face, i == 3 ? &own : &identity, &options,
                                   NULL, &r[i], &err),
                      &err);
        }
        float all = distance(r[0].crop, r[2].crop), half = distance(r[1].crop, r[2].crop);
        assert_true(half > 0.2f * all && half < 0.8f * all);
        /* Where pixels are seen, none of the identity leaves the face as it was. */
        assert_true(distance(f ? r[2].before : r[3].crop, r[2].crop) < 1e-6f);
        for (int i = 0; i < 4; i++)
            lk_refined_free(&r[i]);
        lk_swapper_free(swapper);
    }
    lk_picture_free(picture);
    lk_picture_free(photo);
}

static void what_does_not_fit_is_refused_in_one_line(void **state)
{
    (void)state;
    struct lk_error err;
    lk_restorer *restorer = NULL;
    lk_swapper *swapper = NULL;
    static const struct {
        const char *family, *file, *says;
    } restorers[] = {
        {"gfpgan", "restore_weight", "is no restorer of family gfpgan"},
        {"codeformer", "restore", "is no restorer of family codeformer"},
        {"gfpgan", "swap_signed", "is no restorer of family gfpgan"},
        {"gpen", "parser", "is no restorer of family gpen"},
        {"dfdnet", "restore", "'dfdnet' is not known"},
    };
    for (size_t i = 0; i < sizeof restorers / sizeof *restorers; i++)
        assert_fails(lk_restorer_open(test_runtime(), restorers[i].family,
                                      golden_network(restorers[i].file), NULL, &restorer, &err),
                     &err, LK_E_INPUT, restorers[i].says);
    assert_null(restorer);
    assert_fails(lk_swapper_open(test_runtime(), "ghost", golden_network("swap_signed"), NULL, NULL,
                                 &swapper, &err),
                 &err, LK_E_MISSING, "needs an embedding converter: give crossface-ghost.onnx");
    assert_fails(lk_swapper_open(test_runtime(), "uniface", golden_network("swap_blendswap"), NULL,
                                 NULL, &swapper, &err),
                 &err, LK_E_INPUT, "is no swapper of family uniface");
    assert_null(swapper);

    struct lk_refined refined;
    struct golden g = {.family = "uniface"};
    struct lk_face face = any_face();
    struct lk_picture *picture = picture_waves(400, 360, 0);
    struct lk_identity numbers = known(&g, NULL);
    swapper = open_swapper("uniface", "swap_uniface");
    assert_fails(lk_swap_face(swapper, picture, &face, &numbers, NULL, NULL, &refined, &err), &err,
                 LK_E_INPUT, "only numbers are known");
    face.points[0][0] = NAN;
    restorer = open_restorer("gfpgan", "restore");
    assert_fails(lk_restore_face(restorer, picture, &face, NULL, NULL, &refined, &err), &err,
                 LK_E_INPUT, "finite");
    lk_swapper_free(swapper);
    lk_restorer_free(restorer);
    lk_picture_free(picture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_family_makes_the_crops_of_onnxruntime_and_opencv),
        cmocka_unit_test(strength_keeps_that_much_of_the_face_as_it_was),
        cmocka_unit_test(an_identity_may_be_given_by_half),
        cmocka_unit_test(what_does_not_fit_is_refused_in_one_line),
    };
    return cmocka_run_group_tests_name("refine_families", tests, NULL, NULL);
}

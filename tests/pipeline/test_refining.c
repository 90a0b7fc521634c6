// SPDX-License-Identifier: Apache-2.0
/* Faces of a photo restored and swapped from the request to the picture before its marks: what
 * stays as it is, what is tried, what families of networks need. */
#include <math.h>
#include <stdlib.h>

#include "pipeline/engine.h"
#include "pipeline/result.h"
#include "support/check.h"
#include "support/scratch.h"
#include "support/temp.h"

/* The part of a photo that is worked on, and what the face fills in it. */
enum { X = 300, Y = 60, WIDTH = 380, HEIGHT = 400 };
enum { LEFT = 80, RIGHT = 302, TOP = 30, BOTTOM = 360, MIDDLE = 195 };

static lk_engine *engine;

static char *network(const char *name)
{
    char *path = NULL;
    assert_true(asprintf(&path, "%s/tests/golden/refine/%s.onnx", getenv("LIKENESS_SOURCE"), name) >
                0);
    return path;
}

static void ask(struct lk_request *request, enum lk_task task)
{
    lk_request_init(request, task);
    request->picture = strdup(scratch_path("photo.png"));
    request->detector = strdup(shared_path("detector/scrfd_2.5g_bnkps_640.onnx"));
    free(request->face_mask);
    request->face_mask = strdup("box");
}

static lk_result *run(const struct lk_request *request)
{
    struct lk_error err;
    lk_result *result = NULL;
    assert_ok(lk_engine_run(engine, request, NULL, &result, &err), &err);
    return result;
}

static struct lk_picture *read_photo(void)
{
    struct lk_error err;
    struct lk_picture *read = NULL, *photo = NULL;
    assert_ok(lk_picture_read(scratch_path("photo.png"), &read, &err), &err);
    assert_ok(lk_picture_convert(read, LK_PIXEL_F32, &photo, &err), &err);
    lk_picture_free(read);
    return photo;
}

static bool same_pixel(const struct lk_picture *a, const struct lk_picture *b, int x, int y)
{
    const size_t at = 3 * ((size_t)y * (size_t)a->width + (size_t)x);
    return !memcmp(a->f32 + at, b->f32 + at, 3 * sizeof(float));
}

/* Pixels that differ, left and right of the column; none may outside of the face. */
static void count_changes(const struct lk_picture *finished, int column, int *left, int *right)
{
    struct lk_error err;
    struct lk_picture *was = read_photo(), *now = NULL;
    assert_ok(lk_picture_convert(finished, LK_PIXEL_F32, &now, &err), &err);
    *left = *right = 0;
    for (int y = 0; y < was->height; y++) {
        for (int x = 0; x < was->width; x++) {
            if (same_pixel(was, now, x, y))
                continue;
            assert_true(x > LEFT - 40 && x < RIGHT + 40 && y > TOP - 40 && y < BOTTOM + 40);
            *(x < column ? left : right) += 1;
        }
    }
    lk_picture_free(was);
    lk_picture_free(now);
}

/* "PATH" becomes "FAMILY:PATH". */
static void replace_family(char **path, const char *family)
{
    char *spec = NULL;
    assert_true(asprintf(&spec, "%s:%s", family, *path) > 0);
    free(*path);
    *path = spec;
}

static void give(struct lk_request *request, const char *photo)
{
    request->n_people = 1;
    request->people[0].photo = strdup(shared_path(photo));
    free(request->consent);
    request->consent = strdup("self");
}

/* One when it is opened; two of the person's photo and two of the picture, far and near; two at the
 * face, which fills the picture, before and after. */
static void a_swap_takes_nine_runs_of_the_detector(void **state)
{
    (void)state;
    struct lk_request request;
    ask(&request, LK_TASK_SWAP);
    give(&request, "photos/fr_biden.jpg");
    lk_result *result = run(&request);
    assert_int_equal(lk_detector_runs(engine->detector), 9);
    lk_result_free(result);
    lk_request_free(&request);
}

static void no_picture_is_looked_at_twice_in_the_same_way(void **state)
{
    (void)state;
    struct lk_request request;
    struct lk_error err;
    struct lk_picture *picture;
    struct lk_face *faces[2];
    size_t n[2];
    ask(&request, LK_TASK_RESTORE);
    assert_ok(lk_picture_read(scratch_path("photo.png"), &picture, &err), &err);
    assert_ok(lk__engine_detector(engine, &request, &err), &err);
    lk__seen_begin(engine);
    assert_ok(lk__engine_faces(engine, &request, picture, NULL, &faces[0], &n[0], &err), &err);
    const size_t before = lk_detector_runs(engine->detector);
    assert_ok(lk__engine_shown(engine, &request, picture, NULL, &faces[1], &n[1], &err), &err);
    assert_int_equal(lk_detector_runs(engine->detector), before);
    assert_true(n[0] == 1 && n[1] == 1 && faces[0] != faces[1]);
    assert_memory_equal(faces[0], faces[1], sizeof *faces[0]);
    free(faces[1]);
    request.face_score = 0.3; /* another way */
    assert_ok(lk__engine_faces(engine, &request, picture, NULL, &faces[1], &n[1], &err), &err);
    assert_true(lk_detector_runs(engine->detector) > before);
    free(faces[0]);
    free(faces[1]);
    lk__seen_forget(engine);
    lk_picture_free(picture);
    lk_request_free(&request);
}

/* The pack says two passes; another number is the user's. */
static void the_starters_swapper_is_asked_twice(void **state)
{
    (void)state;
    struct lk_result *results[3];
    for (int passes = 0; passes < 3; passes++) {
        struct lk_request request;
        ask(&request, LK_TASK_SWAP);
        give(&request, "photos/fr_biden.jpg");
        request.swap_passes = passes;
        results[passes] = run(&request);
        lk_request_free(&request);
    }
    const struct lk_picture *own = results[0]->pictures[0].picture,
                            *once = results[1]->pictures[0].picture,
                            *twice = results[2]->pictures[0].picture;
    assert_int_equal(own->type, LK_PIXEL_F32);
    const size_t bytes = (size_t)own->width * (size_t)own->height * 3 * sizeof(float);
    assert_memory_equal(own->f32, twice->f32, bytes);
    assert_memory_not_equal(own->f32, once->f32, bytes);
    for (int i = 0; i < 3; i++)
        lk_result_free(results[i]);
}

static void only_the_face_changes(void **state)
{
    (void)state;
    struct lk_request request;
    int left, right;
    ask(&request, LK_TASK_RESTORE);
    request.restorer = network("restore_smooth");
    lk_result *result = run(&request);
    assert_int_equal(result->pictures[0].n_faces, 1);
    assert_int_equal(result->pictures[0].faces[0].fate, LK__FACE_CHANGED);
    assert_string_equal(result->pictures[0].faces[0].identity, LK__OWN_IDENTITY);
    count_changes(result->pictures[0].picture, MIDDLE, &left, &right);
    assert_true(left > 10000 && right > 10000);
    lk_result_free(result);
    lk_request_free(&request);
}

/* A restorer that changes nothing, ten times: the crop goes to 512² and back each time. */
static void ten_passes_lose_nothing(void **state)
{
    (void)state;
    struct lk_request request;
    struct lk_error err;
    struct lk_picture *was = read_photo();
    char *path = strdup(scratch_path("pass.png"));
    ask(&request, LK_TASK_RESTORE);
    request.restorer = network("restore_same");
    for (int pass = 0; pass < 10; pass++) {
        lk_result *result = run(&request);
        if (pass < 9)
            assert_ok(lk_result_save(result, 0, path, &err), &err);
        if (pass == 0) { /* from here on the mark is in it, and is not written again */
            free(request.picture);
            request.picture = strdup(path);
            struct lk_picture *marked = NULL;
            assert_ok(lk_picture_read(path, &marked, &err), &err);
            lk_picture_free(was);
            assert_ok(lk_picture_convert(marked, LK_PIXEL_F32, &was, &err), &err);
            lk_picture_free(marked);
        }
        double sum = 0;
        const size_t n = 3 * (size_t)was->width * (size_t)was->height;
        for (size_t i = 0; i < n && pass == 9; i++) {
            const double d = (double)result->pictures[0].picture->f32[i] - (double)was->f32[i];
            sum += d * d;
        }
        if (pass == 9) {
            const double psnr = -10 * log10(fmax(sum / (double)n, 1e-12));
            print_message("ten passes: %.1f dB to the first\n", psnr);
            assert_true(psnr > 60);
        }
        lk_result_free(result);
    }
    free(path);
    lk_picture_free(was);
    lk_request_free(&request);
}

static void what_is_before_the_face_stays_before_it(void **state)
{
    (void)state;
    struct lk_request request;
    int left, right;
    ask(&request, LK_TASK_RESTORE);
    free(request.face_mask);
    request.face_mask = strdup("box,occlusion");
    request.restorer = network("restore_smooth");
    request.occluder = network("occluder_left");
    lk_result *result = run(&request);
    count_changes(result->pictures[0].picture, MIDDLE - 5, &left, &right);
    assert_int_equal(left, 0);
    assert_true(right > 5000);
    lk_result_free(result);
    lk_request_free(&request);
}

static void a_smooth_face_gets_its_grain_back(void **state)
{
    (void)state;
    float texture[2];
    for (int i = 0; i < 2; i++) {
        struct lk_request request;
        ask(&request, LK_TASK_RESTORE);
        request.restorer = network("restore_smooth");
        request.restore_strength = 1;
        request.grain = i;
        lk_result *result = run(&request);
        texture[i] = result->pictures[0].faces[0].verdict.texture;
        lk_result_free(result);
        lk_request_free(&request);
    }
    print_message("texture without grain %.2f, with it %.2f\n", (double)texture[0],
                  (double)texture[1]);
    assert_true(texture[1] > 1.3f * texture[0]);
}

static void a_bad_face_is_tried_again(void **state)
{
    (void)state;
    struct lk_request request;
    ask(&request, LK_TASK_RESTORE);
    request.restorer = network("restore_gone"); /* no face any more */
    request.restore_strength = 1;
    for (request.retries = 0; request.retries < 3; request.retries += 2) {
        lk_result *result = run(&request);
        const struct lk__face_report *face = &result->pictures[0].faces[0];
        if (!request.retries) {
            assert_int_equal(face->n_tried, 1);
            assert_false(face->verdict.passed);
            assert_non_null(lk_result_remark(result, 0));
        } else {
            assert_true(face->n_tried > 1);
            assert_string_equal(face->tried[0].manner, "as-asked");
            assert_string_equal(face->tried[1].manner, "less-restored");
            int taken = 0;
            for (int i = 0; i < face->n_tried; i++)
                taken += face->tried[i].taken;
            assert_int_equal(taken, 1);
            for (int i = 0; i < face->n_tried; i++)
                assert_true(face->verdict.excess <= face->tried[i].verdict.excess);
            assert_non_null(strstr(lk_result_report(result), "\"less-restored\""));
        }
        lk_result_free(result);
    }
    lk_request_free(&request);
}

/* The photo, and over it the photo again, from column CUT on: the one behind loses an eighth of its
 * box to the one in front. */
enum { SHIFT = 200, CUT = 64 };

static void write_couple(const char *path)
{
    struct lk_error err;
    struct lk_picture *photo = NULL, *couple = NULL;
    void *bytes = NULL;
    size_t size;
    assert_ok(lk_picture_read(scratch_path("photo.png"), &photo, &err), &err);
    assert_ok(lk_picture_new(SHIFT + WIDTH, HEIGHT, 3, LK_PIXEL_U8, &couple, &err), &err);
    for (int y = 0; y < HEIGHT; y++) {
        uint8_t *row = couple->u8 + (size_t)y * (SHIFT + WIDTH) * 3;
        const uint8_t *from = photo->u8 + (size_t)y * WIDTH * 3;
        memcpy(row, from, (size_t)WIDTH * 3);
        memcpy(row + (size_t)(SHIFT + CUT) * 3, from + (size_t)CUT * 3, (size_t)(WIDTH - CUT) * 3);
    }
    assert_ok(lk_picture_encode(couple, LK_FORMAT_PNG, NULL, &bytes, &size, &err), &err);
    test_write_file(path, bytes, size);
    free(bytes);
    lk_picture_free(photo);
    lk_picture_free(couple);
}

/* Of two faces whose boxes overlap the one that is named changes, and the other's eyes, nose and
 * mouth do not. */
static void of_two_overlapping_faces_one_changes(void **state)
{
    (void)state;
    static const char *const places[] = {"left", "right"};
    for (int named = 0; named < 2; named++) {
        struct lk_request request;
        struct lk_error err;
        struct lk_picture *was = NULL;
        ask(&request, LK_TASK_SWAP);
        free(request.picture);
        request.picture = strdup(scratch_path("couple.png"));
        write_couple(request.picture);
        request.swapper = network("swap_signed");
        replace_family(&request.swapper, "hyperswap");
        give(&request, "photos/fr_biden.jpg");
        request.people[0].place = strdup(places[named]);
        lk_result *result = run(&request);
        const struct lk__picture_report *report = &result->pictures[0];
        assert_ok(lk_picture_convert(result->picture, LK_PIXEL_F32, &was, &err), &err);
        assert_int_equal(report->n_faces, 2);
        assert_true(report->faces[0].face.box[2] > report->faces[1].face.box[0]);
        for (int i = 0; i < 2; i++) {
            int kept = 0;
            assert_int_equal(report->faces[i].fate,
                             i == named ? LK__FACE_CHANGED : LK__FACE_UNTOUCHED);
            for (int p = 0; p < 5; p++) {
                const float *at = report->faces[i].face.points[p];
                kept += same_pixel(was, report->picture, (int)at[0], (int)at[1]);
            }
            assert_int_equal(kept, i == named ? 0 : 5);
        }
        lk_picture_free(was);
        lk_result_free(result);
        lk_request_free(&request);
    }
}

/* Of each manner that is for the face, in the table's order, or with another before it. */
static void faces_are_shown_in_other_manners(void **state)
{
    (void)state;
    static const char *const order[2][4] = {
        {"before", "as-asked", "less-restored", "hardly-restored"},
        {"before", "hardly-restored", "as-asked", "less-restored"}};
    for (int i = 0; i < 2; i++) {
        struct lk_request request;
        ask(&request, LK_TASK_RESTORE);
        request.restorer = network("restore_smooth");
        request.alternatives = 8;
        free(request.manner);
        request.manner = strdup(order[i][1]);
        lk_result *result = run(&request);
        assert_int_equal(lk_result_count(result), 2);
        const struct lk__face_report *face = &result->pictures[0].faces[0];
        const struct lk__picture_report *sheet = &result->pictures[1];
        assert_true(sheet->is_sheet && sheet->has_mark && sheet->marked &&
                    !result->pictures[0].is_sheet);
        assert_int_equal(sheet->n_faces, 4);
        assert_int_equal(face->n_tried, 3);
        assert_true(face->tried[0].taken); /* it passes */
        assert_null(face->before);
        for (int k = 0; k < 4; k++) {
            const struct lk_face *cell = &sheet->faces[k].face;
            assert_string_equal(sheet->faces[k].manner, order[i][k]);
            assert_int_equal(cell->index, k);
            /* where FFHQ has the nose, in cells of 256 px */
            assert_true(fabsf(cell->points[2][0] - (8 + 264.0f * (float)k + 128)) < 10);
        }
        assert_true(face->verdict.texture == sheet->faces[1].verdict.texture);
        assert_non_null(strstr(lk_result_report(result), "\"alternatives_of\": 0"));
        lk_result_free(result);
        lk_request_free(&request);
    }
}

/* A swapper that sees pixels gets the photo's, one with a converter finds it by its option. */
static void swappers_get_what_they_need(void **state)
{
    (void)state;
    static const struct {
        const char *family, *file, *converter;
    } swappers[] = {
        {"uniface", "swap_uniface", NULL},
        {"blendswap", "swap_blendswap", NULL},
        {"ghost", "swap_signed", "converter"},
        {"hyperswap", "swap_signed", NULL},
    };
    for (size_t i = 0; i < sizeof swappers / sizeof *swappers; i++) {
        struct lk_request request;
        int left, right;
        ask(&request, LK_TASK_SWAP);
        request.swapper = network(swappers[i].file);
        replace_family(&request.swapper, swappers[i].family);
        if (swappers[i].converter)
            request.converter = network(swappers[i].converter);
        give(&request, "photos/fr_biden.jpg");
        lk_result *result = run(&request);
        count_changes(result->pictures[0].picture, MIDDLE, &left, &right);
        assert_true(left > 5000 && right > 5000);
        lk_result_free(result);
        lk_request_free(&request);
    }
}

/* lk_engine_find's first face of a photo, with its vector. */
static struct lk_face seen_in(const struct lk_request *request, const char *photo)
{
    struct lk_error err;
    struct lk_face *faces, face;
    size_t n;
    assert_ok(lk_engine_find(engine, request, shared_path(photo), LK_KNOW_EMBEDDING, NULL, &faces,
                             &n, &err),
              &err);
    assert_int_equal(n, 1);
    face = faces[0];
    free(faces);
    return face;
}

/* Of two photos the mean by their quality; of two people none. */
static void several_photos_make_one_identity(void **state)
{
    (void)state;
    static const char *const photos[] = {"photos/fr_obama.jpg", "photos/fr_obama2.jpg"};
    struct lk_request request;
    struct lk_error err;
    lk_result *result = NULL;
    ask(&request, LK_TASK_SWAP);
    request.embedder = strdup(shared_path("embedder/MobileFaceNet.onnx"));
    request.swapper = network("swap_uniface");
    replace_family(&request.swapper, "uniface");
    give(&request, photos[0]);
    request.people[0].more[0] = strdup(shared_path(photos[1]));
    result = run(&request);
    struct lk_embedding mean = {0};
    for (int i = 0; i < 2; i++) {
        const struct lk_face face = seen_in(&request, photos[i]);
        mean = i ? mean : face.embedding;
        for (int k = 0; k < mean.size; k++)
            mean.value[k] =
                (i ? mean.value[k] : 0) + lk_face_quality(&face) * face.embedding.value[k];
    }
    double square = 0;
    for (int k = 0; k < mean.size; k++)
        square += (double)mean.value[k] * (double)mean.value[k];
    for (int k = 0; k < mean.size; k++)
        assert_true(fabs((double)mean.value[k] / sqrt(square) -
                         (double)result->consents[0].face.value[k]) < 1e-5);
    lk_result_free(result);
    free(request.people[0].more[0]);
    request.people[0].more[0] = strdup(shared_path("photos/fr_biden.jpg"));
    assert_fails(lk_engine_run(engine, &request, NULL, &result, &err), &err, LK_E_INPUT,
                 "fr_biden.jpg' shows somebody else");
    free(request.people[0].more[0]);
    request.people[0].more[0] = strdup(shared_path("photos/noface_ipazc.jpg"));
    assert_fails(lk_engine_run(engine, &request, NULL, &result, &err), &err, LK_E_INPUT, "no face");
    lk_request_free(&request);
}

/* All networks of a face together, opened one after the other: the one does not close the other. */
static void a_swap_is_restored_under_all_masks(void **state)
{
    (void)state;
    struct lk_request request;
    int left, right;
    for (int i = 0; i < 2; i++) {
        ask(&request, LK_TASK_SWAP);
        free(request.face_mask);
        request.face_mask = strdup("region,occlusion");
        request.occluder = network("occluder_left");
        request.restorer = network("restore_smooth");
        request.swapper = network("swap_signed");
        replace_family(&request.swapper, "hyperswap");
        request.upscaler = i ? network("upscale_window") : NULL; /* another one the second time */
        give(&request, "photos/fr_biden.jpg");
        lk_result *result = run(&request);
        count_changes(result->pictures[0].picture, MIDDLE - 5, &left, &right);
        assert_int_equal(left, 0);
        assert_true(right > 5000);
        lk_result_free(result);
        lk_request_free(&request);
    }
}

/* The box and what softens its edge is drawn again; [SKIP] is not. */
static void a_face_is_drawn_again_in_its_place(void **state)
{
    (void)state;
    static const char *const prompts[] = {"[SKIP] [SEP] a man", "a man [SEP] [SKIP]"};
    for (int i = 0; i < 2; i++) {
        struct lk_request request;
        int left, right;
        ask(&request, LK_TASK_REDRAW);
        request.prompt = strdup(prompts[i]);
        request.steps = 4;
        request.seed = 1;
        lk_result *result = run(&request);
        assert_int_equal(result->pictures[0].redrawn, i);
        count_changes(result->pictures[0].picture, MIDDLE, &left, &right);
        assert_true(i ? left > 20000 && right > 20000 : !left && !right);
        assert_string_equal(result->request.prompt, prompts[i]);
        lk_result_free(result);
        lk_request_free(&request);
    }
}

static void options_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    struct lk_error err;
    static const struct {
        size_t member;
        const char *value;
        int code;
        const char *says;
    } rows[] = {
#define MEMBER(name) offsetof(struct lk_request, name)
        {MEMBER(face_mask), "hand", LK_E_INPUT, "--face-mask: 'hand'"},
        {MEMBER(face_mask), "box,", LK_OK, NULL},
        {MEMBER(face_mask_padding), "1,2,3", LK_E_INPUT, "--face-mask-padding: '1,2,3'"},
        {MEMBER(face_mask_padding), "0,0,0,101", LK_E_INPUT, "--face-mask-padding"},
        {MEMBER(face_mask_regions), "hair", LK_E_INPUT, "--face-mask-regions: 'hair'"},
        {MEMBER(parser), "/nosuch.onnx", LK_E_MISSING, "/nosuch.onnx"},
        {MEMBER(occluder), "nosuch", LK_E_MISSING, "nosuch"},
        {MEMBER(restorer), "gfpgan:/nosuch.onnx", LK_E_MISSING, "/nosuch.onnx"},
#undef MEMBER
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct lk_request request;
        lk_result *result = NULL;
        ask(&request, LK_TASK_RESTORE);
        request.restorer = network("restore_same");
        char **member = (char **)((char *)&request + rows[i].member);
        free(*member);
        *member = strdup(rows[i].value);
        if (rows[i].says)
            assert_fails(lk_engine_run(engine, &request, NULL, &result, &err), &err, rows[i].code,
                         rows[i].says);
        else
            assert_ok(lk_engine_run(engine, &request, NULL, &result, &err), &err);
        lk_result_free(result);
        lk_request_free(&request);
    }
}

static void write_photo(void)
{
    struct lk_error err;
    struct lk_picture *read = NULL, *part = NULL;
    void *bytes = NULL;
    size_t size;
    assert_ok(lk_picture_read(shared_path("photos/fr_obama.jpg"), &read, &err), &err);
    assert_ok(lk_picture_region(read, X, Y, WIDTH, HEIGHT, &part, &err), &err);
    assert_ok(lk_picture_encode(part, LK_FORMAT_PNG, NULL, &bytes, &size, &err), &err);
    scratch_write("photo.png", bytes, size);
    free(bytes);
    lk_picture_free(read);
    lk_picture_free(part);
}

static int open_engine(void **state)
{
    (void)state;
    struct lk_error err;
    write_photo();
    struct lk_engine_options options;
    char *models = NULL;
    assert_true(asprintf(&models, "%s/starter/pack", getenv("LIKENESS_SOURCE")) > 0);
    setenv("LIKENESS_MODELS", models, 1);
    free(models);
    lk_engine_options_init(&options);
    options.audit = strdup(scratch_path("refining.db"));
    options.threads = 2;
    int rc = lk_engine_open(&options, &engine, &err);
    lk_engine_options_free(&options);
    return rc;
}

static int close_engine(void **state)
{
    (void)state;
    lk_engine_free(engine);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_swap_takes_nine_runs_of_the_detector), /* of a new engine */
        cmocka_unit_test(no_picture_is_looked_at_twice_in_the_same_way),
        cmocka_unit_test(the_starters_swapper_is_asked_twice),
        cmocka_unit_test(only_the_face_changes),
        cmocka_unit_test(of_two_overlapping_faces_one_changes),
        cmocka_unit_test(ten_passes_lose_nothing),
        cmocka_unit_test(what_is_before_the_face_stays_before_it),
        cmocka_unit_test(a_smooth_face_gets_its_grain_back),
        cmocka_unit_test(a_bad_face_is_tried_again),
        cmocka_unit_test(faces_are_shown_in_other_manners),
        cmocka_unit_test(swappers_get_what_they_need),
        cmocka_unit_test(several_photos_make_one_identity),
        cmocka_unit_test(a_swap_is_restored_under_all_masks),
        cmocka_unit_test(a_face_is_drawn_again_in_its_place),
        cmocka_unit_test(options_that_make_no_sense_are_refused),
    };
    return cmocka_run_group_tests_name("refining", tests, open_engine, close_engine);
}

// SPDX-License-Identifier: Apache-2.0
/* The same request gives the same pixels before release: again in one engine, with others between,
 * and in another engine, whatever threads it has. On one machine: another processor has other
 * kernels. */
#include <stdlib.h>

#include "base/size.h"
#include "pipeline/doors_house.h"
#include "pipeline/result.h"
#include "support/check.h"
#include <likeness/likeness.h>

static void draw(struct lk_request *r)
{
    quick(r);
    r->task = LK_TASK_DRAW;
    replace(&r->sampler, "euler-a");
}

static void draw_with_less(struct lk_request *r)
{
    draw(r);
    r->steps = 4;
    r->deep_cache = 2;
    r->token_merging = 0.5;
}

/* Both halves of the loop: a face is found, swapped, lit, blended, verified. */
static void portray(struct lk_request *r)
{
    quick(r);
    r->steps = 8;
    give_face(r, drawn, "self");
}

static const struct kind {
    void (*ask)(struct lk_request *r);
    bool changes_a_face;
} kinds[] = {{draw, false}, {portray, true}, {draw_with_less, false}};

enum { KINDS = LK_ARRAY_LENGTH(kinds) };

static struct lk_picture *once(lk_engine *engine, const struct kind *kind)
{
    struct lk_request r;
    kind->ask(&r);
    lk_result *result = run(engine, &r, NULL);
    const struct lk__picture_report *made = &result->pictures[0];
    if (kind->changes_a_face) {
        assert_int_equal(made->n_faces, 1);
        assert_int_equal(made->faces[0].fate, LK__FACE_CHANGED);
    }
    struct lk_picture *picture = lk_picture_ref(made->picture);
    lk_result_free(result);
    lk_request_free(&r);
    return picture;
}

static size_t bytes_of(const struct lk_picture *p)
{
    const size_t one = p->type == LK_PIXEL_F32 ? sizeof(float) : 1;
    return (size_t)p->width * (size_t)p->height * (size_t)p->channels * one;
}

/* All of them, one after the other. */
static void check_all(lk_engine *engine, struct lk_picture *const first[KINDS])
{
    for (size_t i = 0; i < KINDS; i++) {
        struct lk_picture *picture = once(engine, &kinds[i]);
        assert_int_equal(picture->type, first[i]->type);
        assert_int_equal(bytes_of(picture), bytes_of(first[i]));
        assert_memory_equal(picture->u8, first[i]->u8, bytes_of(picture));
        lk_picture_free(picture);
    }
}

static void the_same_request_gives_the_same_pixels(void **state)
{
    (void)state;
    static const int threads[] = {1, 2, 3};
    struct lk_picture *first[KINDS];
    lk_engine *engine = open_engine();
    for (size_t i = 0; i < KINDS; i++)
        first[i] = once(engine, &kinds[i]);
    assert_memory_not_equal(first[0]->u8, first[2]->u8, bytes_of(first[0]));
    check_all(engine, first);
    lk_engine_free(engine);
    for (size_t i = 0; i < LK_ARRAY_LENGTH(threads); i++) {
        engine = open_engine_of(threads[i]); /* alone: one process has one pool of threads */
        check_all(engine, first);
        lk_engine_free(engine);
    }
    for (size_t i = 0; i < KINDS; i++)
        lk_picture_free(first[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_request_gives_the_same_pixels),
    };
    return cmocka_run_group_tests(tests, prepare_house, leave_house);
}

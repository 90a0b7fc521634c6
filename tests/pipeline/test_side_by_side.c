// SPDX-License-Identifier: Apache-2.0
/* Several pictures of one request, drawn, refined and finished side by side: the same pictures as
 * one by one, one event at a time, and an end as before when something fails or is stopped. */
#include <pthread.h>
#include <stdlib.h>

#include "base/size.h"
#include "pipeline/doors_house.h"
#include "pipeline/result.h"
#include "support/check.h"
#include <likeness/likeness.h>

enum { PICTURES = 2, STEPS = 8 };

static void ask(struct lk_request *r, int count)
{
    quick(r);
    r->steps = STEPS;
    r->count = count;
    give_face(r, drawn, "self");
}

/* ---- a listener ---- */

struct heard {
    pthread_t caller;
    atomic_int inside, overlapping; /* calls at a time beyond one */
    int events, drawn_steps, elsewhere;
    const char *stop_at; /* stops at the first event of this stage once a picture is drawn */
    atomic_bool stop;
};

static void listen(void *user, const struct lk_watch_event *event)
{
    struct heard *heard = user;
    heard->overlapping += atomic_fetch_add(&heard->inside, 1) != 0;
    heard->events++;
    heard->drawn_steps += !strcmp(event->stage, "draw");
    heard->elsewhere += !pthread_equal(pthread_self(), heard->caller);
    if (heard->stop_at && heard->drawn_steps >= STEPS && !strcmp(event->stage, heard->stop_at))
        atomic_store(&heard->stop, true);
    atomic_fetch_sub(&heard->inside, 1);
}

static struct lk_watch watch_of(struct heard *heard)
{
    heard->caller = pthread_self();
    return (struct lk_watch){.on_event = listen, .user = heard, .stop = &heard->stop};
}

/* ---- pictures ---- */

static void check_same(const struct lk_picture *a, const struct lk_picture *b)
{
    assert_int_equal(a->type, b->type);
    assert_int_equal(a->width, b->width);
    assert_int_equal(a->height, b->height);
    const size_t one = a->type == LK_PIXEL_F32 ? sizeof(float) : 1;
    assert_memory_equal(a->u8, b->u8,
                        (size_t)a->width * (size_t)a->height * (size_t)a->channels * one);
}

static void check_pictures(const lk_result *result, lk_result *const single[PICTURES])
{
    assert_int_equal(result->count, PICTURES);
    for (int i = 0; i < PICTURES; i++) {
        const struct lk__picture_report *a = &result->pictures[i], *b = &single[i]->pictures[0];
        assert_int_equal(a->seed, b->seed);
        assert_int_equal(a->n_faces, b->n_faces);
        assert_int_equal(a->mark, b->mark);
        check_same(a->picture, b->picture);
        check_same(a->marked, b->marked);
    }
}

/* The bytes that leave are those that one by one leaves, prepared or not. */
static void check_bytes(const lk_result *result, lk_result *const single[PICTURES])
{
    static const char *const ways[] = {"png", "jpeg"};
    for (size_t i = 0; i < PICTURES * LK_ARRAY_LENGTH(ways); i++) {
        struct lk_error err;
        const char *way = ways[i % 2];
        void *a, *b;
        size_t n, m;
        assert_ok(lk_result_encode(result, i / 2, way, &a, &n, &err), &err);
        assert_ok(lk_result_encode(single[i / 2], 0, way, &b, &m, &err), &err);
        assert_int_equal(n, m);
        assert_memory_equal(a, b, n);
        free(a);
        free(b);
    }
}

/* All pictures by an engine with so many threads; returns in how many events another thread than
 * the caller's was heard. */
static int check_all(int threads, lk_result *const single[PICTURES])
{
    struct lk_request r;
    struct heard heard = {0};
    const struct lk_watch watch = watch_of(&heard);
    struct lk_error err;
    lk_engine *engine = open_engine_of(threads);
    ask(&r, PICTURES);
    assert_ok(lk_engine_expect(engine, "png", &err), &err);
    lk_result *result = run(engine, &r, &watch);
    check_pictures(result, single);
    assert_non_null(result->pictures[PICTURES - 1].encoded.bytes);
    check_bytes(result, single);
    assert_int_equal(heard.overlapping, 0);
    assert_int_equal(heard.drawn_steps, PICTURES * STEPS);
    lk_result_free(result);
    lk_request_free(&r);
    lk_engine_free(engine);
    return heard.elsewhere;
}

static void pictures_are_those_that_one_by_one_gives(void **state)
{
    (void)state;
    lk_result *single[PICTURES];
    lk_engine *engine = open_engine();
    for (int i = 0; i < PICTURES; i++) {
        struct lk_request r;
        ask(&r, 1);
        r.seed += i;
        single[i] = run(engine, &r, NULL);
        assert_int_equal(single[i]->pictures[0].faces[0].fate, LK__FACE_CHANGED);
        lk_request_free(&r);
    }
    lk_engine_free(engine);
    assert_int_equal(check_all(1, single), 0);
    assert_true(check_all(2, single) > 0);
    assert_true(check_all(3, single) > 0);
    for (int i = 0; i < PICTURES; i++)
        lk_result_free(single[i]);
}

/* ---- ends ---- */

static void check_nothing_left(lk_engine *engine,
                               const struct lk_request *r,
                               const struct lk_watch *watch,
                               int code)
{
    struct lk_error err;
    lk_result *result = NULL;
    const int64_t rows = count_rows();
    assert_int_equal(lk_engine_run(engine, r, watch, &result, &err), code);
    assert_null(result);
    assert_int_equal(count_rows(), rows);
    assert_int_equal(count_files(), 0);
}

static void it_is_stopped_in_every_stage(void **state)
{
    (void)state;
    static const char *const stages[] = {"draw", "decode", "refine"};
    lk_engine *engine = open_engine_of(2);
    for (size_t i = 0; i < LK_ARRAY_LENGTH(stages); i++) {
        struct lk_request r;
        struct heard heard = {.stop_at = stages[i]};
        const struct lk_watch watch = watch_of(&heard);
        ask(&r, PICTURES);
        check_nothing_left(engine, &r, &watch, LK_E_INTERRUPTED);
        assert_true(heard.drawn_steps < PICTURES * STEPS);
        lk_request_free(&r);
    }
    lk_engine_free(engine);
}

static void a_failure_at_a_face_ends_the_drawing(void **state)
{
    (void)state;
    struct lk_request r;
    struct heard heard = {0};
    const struct lk_watch watch = watch_of(&heard);
    lk_engine *engine = open_engine_of(2);
    ask(&r, 8);
    replace(&r.restorer, "nobodys");
    check_nothing_left(engine, &r, &watch, LK_E_MISSING);
    assert_true(heard.drawn_steps <= 5 * STEPS); /* one refined, two that wait, one at work */
    lk_request_free(&r);
    ask(&r, PICTURES); /* and the engine goes on */
    lk_result_free(run(engine, &r, NULL));
    lk_request_free(&r);
    lk_engine_free(engine);
}

static void an_unknown_format_is_not_expected(void **state)
{
    (void)state;
    struct lk_error err;
    lk_engine *engine = open_engine();
    assert_fails(lk_engine_expect(engine, "gif", &err), &err, LK_E_INPUT, "'gif' is none of png");
    assert_ok(lk_engine_expect(engine, NULL, &err), &err);
    lk_engine_free(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_are_those_that_one_by_one_gives),
        cmocka_unit_test(it_is_stopped_in_every_stage),
        cmocka_unit_test(a_failure_at_a_face_ends_the_drawing),
        cmocka_unit_test(an_unknown_format_is_not_expected),
    };
    return cmocka_run_group_tests(tests, prepare_house, leave_house);
}

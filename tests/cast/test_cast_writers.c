// SPDX-License-Identifier: Apache-2.0
/* Several processes that use one cast at once. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cast/consent.h"
#include "cast/faces.h"
#include "support/check.h"
#include "support/scratch.h"

enum { WRITERS = 2, PEOPLE = 12, PHOTOS = 3 };

/* A person of his own, with consent, renamed, looked up by an embedder that has seen nobody, and
 * every third one removed again; and a photo more of the one that all share. */
static int live(lk_cast *cast, int writer, int i, struct lk_error *err)
{
    const struct lk_consent_terms terms = {.uses = 1, .until = "2099-12-31", .evidence = "x"};
    const int who = 1 + writer * PEOPLE + i;
    struct lk_cast_match match;
    struct lk_cast_photo face = make_photo(who, 200);
    size_t n;
    int asked;
    char name[32], later[32];
    struct lk_cast_embedder other = make_embedder(OTHER_EMBEDDER, &asked);
    snprintf(name, sizeof name, "new-%d-%d", writer, i);
    snprintf(later, sizeof later, "p-%d-%d", writer, i);
    int rc = add_person(cast, name, who, 0, PHOTOS, err);
    rc = rc ? rc : add_person(cast, "shared", 0, 100 * writer + i, 1, err);
    rc = rc ? rc : lk_consent_grant(cast, name, &terms, 0, err);
    rc = rc ? rc : lk_cast_rename(cast, name, later, err);
    rc = rc ? rc : lk_cast_match(cast, &other, &face.embedding, 0.5f, false, &match, 1, &n, err);
    rc = rc || i % 3 ? rc : lk_cast_remove(cast, later, err);
    free_photo(&face);
    return rc;
}

static _Noreturn void live_all(const char *path, int writer)
{
    struct lk_error err = {0};
    lk_cast *cast;
    int rc = lk_cast_open(path, LK_CAST_WRITE, NULL, &cast, &err);
    for (int i = 0; i < PEOPLE && !rc; i++)
        rc = live(cast, writer, i, &err);
    if (rc)
        fprintf(stderr, "writer %d: %s\n", writer, err.message);
    else
        lk_cast_close(cast);
    _exit(rc != 0);
}

/* In a thread that has opened the cast for itself. */
static void *live_as_thread(void *number)
{
    struct lk_error err;
    lk_cast *cast;
    int *writer = number;
    int rc = lk_cast_open(scratch_path("threads.db"), LK_CAST_WRITE, NULL, &cast, &err);
    for (int i = 0; i < 4 && !rc; i++)
        rc = live(cast, *writer, i, &err);
    if (rc)
        fprintf(stderr, "thread %d: %s\n", *writer, err.message);
    else
        lk_cast_close(cast);
    *writer = rc;
    return NULL;
}

static void check_person(lk_cast *cast, int writer, int i)
{
    struct lk_error err;
    struct lk_cast_member member;
    struct lk_consent_found found;
    char name[32];
    snprintf(name, sizeof name, "p-%d-%d", writer, i);
    int rc = lk_cast_find(cast, name, &member, &err);
    if (i % 3 == 0) {
        assert_int_equal(rc, LK_E_MISSING);
        return;
    }
    assert_ok(rc, &err);
    assert_int_equal(member.photos, PHOTOS);
    assert_ok(lk_consent_check(cast, &member, "portrait", time(NULL), &found, &err), &err);
}

static void two_writers_lose_nothing(void **state)
{
    (void)state;
    const char *path = scratch_path("two.db");
    struct lk_error err;
    struct lk_cast_member shared;
    pid_t children[WRITERS];
    /* all find no cast: one makes it */
    for (int w = 0; w < WRITERS; w++) {
        children[w] = fork();
        if (!children[w])
            live_all(path, w);
    }
    int failed = 0;
    for (int w = 0; w < WRITERS; w++) {
        int status;
        assert_int_equal(waitpid(children[w], &status, 0), children[w]);
        failed += !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    }
    assert_int_equal(failed, 0);
    lk_cast *cast = open_cast(path, NULL);
    for (int w = 0; w < WRITERS; w++) {
        for (int i = 0; i < PEOPLE; i++)
            check_person(cast, w, i);
    }
    assert_ok(lk_cast_find(cast, "shared", &shared, &err), &err);
    assert_int_equal(shared.photos, WRITERS * PEOPLE);
    lk_cast_close(cast);
}

static void two_threads_lose_nothing(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_cast_member shared;
    pthread_t threads[WRITERS];
    int writers[WRITERS];
    const char *path = scratch_path("threads.db");
    for (int w = 0; w < WRITERS; w++) {
        writers[w] = w;
        assert_int_equal(pthread_create(&threads[w], NULL, live_as_thread, &writers[w]), 0);
    }
    for (int w = 0; w < WRITERS; w++) {
        assert_int_equal(pthread_join(threads[w], NULL), 0);
        assert_int_equal(writers[w], 0);
    }
    lk_cast *cast = open_cast(path, NULL);
    for (int w = 0; w < WRITERS; w++) {
        for (int i = 0; i < 4; i++)
            check_person(cast, w, i);
    }
    assert_ok(lk_cast_find(cast, "shared", &shared, &err), &err);
    assert_int_equal(shared.photos, WRITERS * 4);
    lk_cast_close(cast);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            two_writers_lose_nothing), /* processes first: they start without threads */
        cmocka_unit_test(two_threads_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
/* Two processes hammer one cast and two one audit ledger; nothing is lost, and nobody is told that
 * a database is locked.
 *
 *   stress [--seconds N]     3 in the tests, 60 by hand; prints what was done */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cast/consent.h"
#include "cast/faces.h"
#include "ledger/rows.h"
#include "support/check.h"
#include "support/scratch.h"

enum { WRITERS = 2, PHOTOS = 2, APART = 1000000, LEAST = 4 };

static const char *cast_path, *ledger_path, *mirror_path;
static int seconds = 3;

/* What a writer tells at its end. */
struct told {
    int writer, done; /* people, or rows */
    double worst;     /* seconds that one of its turns took at most */
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void name_of(int writer, int i, char out[32])
{
    snprintf(out, 32, "p-%d-%d", writer, i);
}

/* Every third person goes again, every fifth is barred, of every seventh consent is taken back. */
static int live(lk_cast *cast, int writer, int i, struct lk_error *err)
{
    const struct lk_consent_terms terms = {.uses = 1, .until = "2999-12-31", .evidence = "x"};
    const int who = 1 + WRITERS * i + writer;
    struct lk_cast_match match;
    struct lk_cast_photo face = make_photo(who, 200);
    size_t n;
    int asked, taken;
    char name[32], later[32];
    struct lk_cast_embedder known = make_embedder(FIRST_EMBEDDER, &asked);
    snprintf(name, sizeof name, "new-%d-%d", writer, i);
    name_of(writer, i, later);
    int rc = add_person(cast, name, who, 0, PHOTOS, err);
    rc = rc ? rc : lk_consent_grant(cast, name, &terms, 0, err);
    rc = rc ? rc : lk_cast_rename(cast, name, later, err);
    rc = rc ? rc : lk_cast_match(cast, &known, &face.embedding, 0.9f, false, &match, 1, &n, err);
    rc = rc || i % 7 ? rc : lk_consent_revoke(cast, later, &taken, err);
    rc = rc || i % 3 ? rc : lk_cast_remove(cast, later, err);
    rc = rc || !(i % 3) || i % 5 ? rc : lk_cast_bar(cast, later, true, err);
    free_photo(&face);
    return rc;
}

static int open_cast_turn(void **out, struct lk_error *err)
{
    return lk_cast_open(cast_path, LK_CAST_WRITE, NULL, (lk_cast **)out, err);
}

static int live_turn(void *cast, int writer, int i, struct lk_error *err)
{
    return live(cast, writer, i, err);
}

static void close_cast_turn(void *cast)
{
    lk_cast_close(cast);
}

static int open_ledger_turn(void **out, struct lk_error *err)
{
    return lk_ledger_open(ledger_path, LK_LEDGER_WRITE, (lk_ledger **)out, err);
}

/* Each row as a picture's release writes it; now and then somebody looks at the whole chain. */
static int row_turn(void *ledger, int writer, int i, struct lk_error *err)
{
    struct lk_ledger_state state;
    int rc = add_row(ledger, writer * APART + i, mirror_path, err);
    return rc || i % 50 ? rc : lk_ledger_verify(ledger, NULL, &state, err);
}

static void close_ledger_turn(void *ledger)
{
    lk_ledger_close(ledger);
}

static const struct work {
    int (*open)(void **out, struct lk_error *err);
    int (*turn)(void *store, int writer, int i, struct lk_error *err);
    void (*close)(void *store);
} works[] = {
    {open_cast_turn, live_turn, close_cast_turn},
    {open_ledger_turn, row_turn, close_ledger_turn},
};

/* Both find no file at first: one makes it. The store is opened anew every ten turns. On a busy
 * machine, too, it takes LEAST turns, after which somebody is left. */
static _Noreturn void hammer(const struct work *work, int writer, int pipe_end)
{
    struct told told = {.writer = writer};
    struct lk_error err = {0};
    void *store = NULL;
    int rc = 0;
    for (double until = now() + seconds; !rc && (told.done < LEAST || now() < until);) {
        double began = now();
        rc = store ? 0 : work->open(&store, &err);
        rc = rc ? rc : work->turn(store, writer, told.done, &err);
        told.done += !rc;
        told.worst = now() - began > told.worst ? now() - began : told.worst;
        if (!rc && told.done % 10 == 0) {
            work->close(store);
            store = NULL;
        }
    }
    if (store)
        work->close(store);
    if (rc)
        fprintf(stderr, "writer %d, turn %d: %s\n", writer, told.done, err.message);
    _exit(rc || write(pipe_end, &told, sizeof told) != sizeof told);
}

/* done[work][writer]: what each was told to have done. */
static void hammer_all(struct told told[2][WRITERS])
{
    pid_t children[2][WRITERS];
    int ends[2][2], status;
    for (int w = 0; w < 2; w++) {
        assert_int_equal(pipe2(ends[w], 0), 0);
        for (int i = 0; i < WRITERS; i++) {
            children[w][i] = fork();
            if (!children[w][i])
                hammer(&works[w], i, ends[w][1]);
        }
    }
    for (int w = 0; w < 2; w++) {
        for (int i = 0; i < WRITERS; i++) {
            assert_int_equal(waitpid(children[w][i], &status, 0), children[w][i]);
            assert_int_equal(status, 0);
        }
        for (int i = 0; i < WRITERS; i++) {
            struct told one;
            assert_int_equal(read(ends[w][0], &one, sizeof one), sizeof one);
            told[w][one.writer] = one;
        }
        close(ends[w][0]), close(ends[w][1]);
    }
}

static void check_person(lk_cast *cast, int writer, int i)
{
    struct lk_error err;
    struct lk_cast_member member;
    struct lk_consent_found found;
    char name[32];
    name_of(writer, i, name);
    int rc = lk_cast_find(cast, name, &member, &err);
    if (i % 3 == 0) {
        assert_int_equal(rc, LK_E_MISSING);
        return;
    }
    assert_ok(rc, &err);
    assert_int_equal(member.photos, PHOTOS);
    assert_int_equal(member.barred, i % 5 == 0);
    assert_int_equal(lk_consent_check(cast, &member, "portrait", time(NULL), &found, &err),
                     i % 7 ? 0 : LK_E_REFUSED);
}

static void check_row(lk_ledger *ledger, int seed)
{
    struct lk_error err;
    struct lk_ledger_picture picture = {0};
    struct lk_ledger_match match;
    size_t n;
    row_sha256(seed, &picture.sha256);
    assert_ok(lk_ledger_trace(ledger, &picture, &match, 1, &n, &err), &err);
    assert_int_equal(n, 1);
    assert_int_equal(match.by, LK_LEDGER_BY_BYTES);
}

static int count(void *user, const struct lk_cast_member *member, struct lk_error *err)
{
    (void)member, (void)err;
    ++*(int *)user;
    return 0;
}

static void two_and_two_writers_lose_nothing(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_ledger_state seen;
    struct told told[2][WRITERS];
    lk_ledger *ledger;
    int people = 0, left = 0, rows = 0;
    hammer_all(told);
    lk_cast *cast = open_cast(cast_path, NULL);
    assert_ok(lk_ledger_open(ledger_path, LK_LEDGER_READ, &ledger, &err), &err);
    for (int w = 0; w < WRITERS; w++) {
        for (int i = 0; i < told[0][w].done; i++) {
            check_person(cast, w, i);
            people += i % 3 != 0;
        }
        for (int i = 0; i < told[1][w].done; i++)
            check_row(ledger, w * APART + i);
        rows += told[1][w].done;
        printf("writer %d: %d people, at most %.2f s a turn; %d rows, at most %.2f s\n", w,
               told[0][w].done, told[0][w].worst, told[1][w].done, told[1][w].worst);
    }
    assert_ok(lk_cast_each(cast, count, &left, &err), &err);
    assert_int_equal(left, people);
    assert_ok(lk_ledger_verify(ledger, mirror_path, &seen, &err), &err);
    assert_int_equal(seen.rows, rows);
    assert_int_equal(seen.mirrored, rows);
    assert_true(people && rows);
    printf("%d seconds: %d people left in the cast, %d rows, chain and mirror whole\n", seconds,
           left, rows);
    lk_ledger_close(ledger);
    lk_cast_close(cast);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(two_and_two_writers_lose_nothing)};
    if (argc == 3 && !strcmp(argv[1], "--seconds"))
        seconds = (int)strtol(argv[2], NULL, 10);
    if ((argc != 1 && argc != 3) || seconds < 1) {
        fputs("usage: stress [--seconds N]\n", stderr);
        return 2;
    }
    cast_path = scratch_path("cast.db");
    ledger_path = scratch_path("audit.db");
    mirror_path = scratch_path("audit.heads");
    return cmocka_run_group_tests(tests, NULL, NULL);
}

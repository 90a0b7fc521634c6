// SPDX-License-Identifier: Apache-2.0
/* Several writers, writers that are killed, and disks that are full. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ledger/rows.h"
#include "support/check.h"
#include "support/scratch.h"

static void sleep_ms(int ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000L};
    nanosleep(&t, NULL);
}

/* In a process of its own: adds rows first, first + 1, … and tells each through the pipe after it
 * was added, as a picture is released after its row; ends at `until`. */
static _Noreturn void write_rows(
    const char *path, const char *mirror, int first, time_t until, int pipe_end)
{
    struct lk_error err;
    lk_ledger *ledger;
    if (lk_ledger_open(path, LK_LEDGER_WRITE, &ledger, &err))
        _exit(1);
    for (int seed = first; time(NULL) < until; seed++) {
        if (add_row(ledger, seed, mirror, &err) ||
            write(pipe_end, &seed, sizeof seed) != sizeof seed)
            _exit(1);
    }
    lk_ledger_close(ledger);
    _exit(0);
}

static pid_t start_writer(
    const char *path, const char *mirror, int first, time_t until, int pipe_end)
{
    pid_t child = fork();
    if (!child)
        write_rows(path, mirror, first, until, pipe_end);
    return child;
}

/* Every row that a writer told of is there; returns how many. */
static int count_told(int pipe_end, const char *path)
{
    struct lk_error err;
    lk_ledger *ledger;
    int seed, n = 0;
    assert_ok(lk_ledger_open(path, LK_LEDGER_WRITE, &ledger, &err), &err);
    for (; read(pipe_end, &seed, sizeof seed) == sizeof seed; n++) {
        struct lk_ledger_picture picture = {0};
        struct lk_ledger_match match;
        size_t matches;
        row_sha256(seed, &picture.sha256);
        assert_ok(lk_ledger_trace(ledger, &picture, &match, 1, &matches, &err), &err);
        assert_int_equal(matches, 1);
        assert_int_equal(match.by, LK_LEDGER_BY_BYTES);
    }
    lk_ledger_close(ledger);
    return n;
}

static void two_writers_lose_nothing(void **state)
{
    (void)state;
    const char *path = scratch_path("two.db"), *mirror = scratch_path("two.heads");
    struct lk_error err;
    struct lk_ledger_state seen;
    int ends[2], status;
    time_t until = time(NULL) + 4;
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    /* both find no ledger: one makes it */
    pid_t a = start_writer(path, mirror, 0, until, ends[1]);
    pid_t b = start_writer(path, mirror, 1000000, until, ends[1]);
    assert_int_equal(waitpid(a, &status, 0), a);
    assert_int_equal(status, 0);
    assert_int_equal(waitpid(b, &status, 0), b);
    assert_int_equal(status, 0);
    int told = count_told(ends[0], path);
    assert_ok(verify(path, mirror, &seen, &err), &err);
    assert_true(told > 10);
    assert_int_equal(seen.rows, told);
    assert_int_equal(seen.mirrored, told);
    close(ends[0]), close(ends[1]);
}

enum { THREADS = 4, ROWS = 8 };

/* Each thread has opened the ledger for itself. */
static void *write_as_thread(void *seed)
{
    struct lk_error err;
    lk_ledger *ledger;
    int *first = seed, rc;
    rc = lk_ledger_open(scratch_path("threads.db"), LK_LEDGER_WRITE, &ledger, &err);
    for (int i = 0; i < ROWS && !rc; i++)
        rc = add_row(ledger, *first + i, scratch_path("threads.heads"), &err);
    if (rc)
        fprintf(stderr, "thread %d: %s\n", *first, err.message);
    else
        lk_ledger_close(ledger);
    *first = rc;
    return NULL;
}

static void threads_lose_nothing(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_ledger_state seen;
    pthread_t threads[THREADS];
    int firsts[THREADS];
    const char *path = scratch_path("threads.db"), *mirror = scratch_path("threads.heads");
    for (int i = 0; i < THREADS; i++) {
        firsts[i] = 1000 * i;
        assert_int_equal(pthread_create(&threads[i], NULL, write_as_thread, &firsts[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(firsts[i], 0);
    assert_ok(verify(path, mirror, &seen, &err), &err);
    assert_int_equal(seen.rows, THREADS * ROWS);
    assert_int_equal(seen.mirrored, THREADS * ROWS);
}

/* What was told has its row; of what was not told there is at most the row that the kill came
 * after. */
static void a_killed_writer_leaves_a_whole_chain(void **state)
{
    (void)state;
    const char *path = scratch_path("killed.db"), *mirror = scratch_path("killed.heads");
    struct lk_ledger_state seen = {0};
    unsigned seed = 1;
    int told = 0;
    enum { KILLS = 40 };
    for (int i = 0; i < KILLS; i++) {
        struct lk_error err;
        int ends[2], status;
        assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
        pid_t child = start_writer(path, mirror, i * 1000000, time(NULL) + 60, ends[1]);
        sleep_ms(1 + rand_r(&seed) % 150);
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, &status, 0), child);
        told += count_told(ends[0], path);
        assert_ok(verify(path, access(mirror, F_OK) ? NULL : mirror, &seen, &err), &err);
        assert_in_range(seen.rows, told, told + i + 1);
        close(ends[0]), close(ends[1]);
    }
    assert_true(told > 0);
}

/* Files may not grow beyond what they are: a full disk for which nobody has to be root. */
static void a_full_disk_takes_no_row(void **state)
{
    (void)state;
    const char *path = scratch_path("full.db");
    struct lk_error err;
    struct lk_ledger_state seen;
    int status;
    make_ledger(path, 3, NULL);
    pid_t child = fork();
    if (!child) {
        lk_ledger *ledger;
        struct rlimit limit = {8192, 8192};
        signal(SIGXFSZ, SIG_IGN);
        bool full = !lk_ledger_open(path, LK_LEDGER_WRITE, &ledger, &err) &&
                    !setrlimit(RLIMIT_FSIZE, &limit) &&
                    add_row(ledger, 3, NULL, &err) == LK_E_FAILED &&
                    strstr(err.message, "cannot be written");
        _exit(!full);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_ok(verify(path, NULL, &seen, &err), &err);
    assert_int_equal(seen.rows, 3);
}

static void a_full_mirror_is_an_error(void **state)
{
    (void)state;
    struct lk_error err;
    lk_ledger *ledger;
    assert_ok(lk_ledger_open(scratch_path("mirrorless.db"), LK_LEDGER_WRITE, &ledger, &err), &err);
    assert_fails(add_row(ledger, 0, "/dev/full", &err), &err, LK_E_FAILED, "No space left");
    assert_fails(lk_ledger_try(ledger, scratch_path("nosuch/heads"), &err), &err, LK_E_FAILED,
                 "nosuch/heads");
    lk_ledger_close(ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_writers_lose_nothing),
        cmocka_unit_test(threads_lose_nothing),
        cmocka_unit_test(a_killed_writer_leaves_a_whole_chain),
        cmocka_unit_test(a_full_disk_takes_no_row),
        cmocka_unit_test(a_full_mirror_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

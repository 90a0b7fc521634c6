// SPDX-License-Identifier: Apache-2.0
/* The way out and the audit: no row, no bytes. */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "ledger/ledger.h"
#include "pipeline/result.h"
#include "pipeline/trust/record.h"
#include "stages/mark/c2pa.h"
#include "support/check.h"
#include "support/scratch.h"
#include "support/temp.h"

/* A portrait as the loop leaves it, one face of which got the identity of a photo. */
static lk_result *make_result(const char *ledger)
{
    struct lk_error err;
    struct lk_request request;
    lk_result *result;
    lk_request_init(&request, LK_TASK_PORTRAIT);
    request.prompt = strdup("somebody with red hair");
    request.people[request.n_people++] =
        (struct lk_person){.photo = strdup("photos/ada.jpg"), .more = {strdup("photos/ada-2.jpg")}};
    assert_ok(lk__result_new(&request, 1, &result, &err), &err);
    lk_request_free(&request);
    struct lk__picture_report *report = &result->pictures[0];
    assert_ok(lk_picture_new(64, 48, 3, LK_PIXEL_U8, &report->picture, &err), &err);
    for (int i = 0; i < 64 * 48 * 3; i++)
        report->picture->u8[i] = (uint8_t)(i * i / 7);
    report->marked = lk_picture_ref(report->picture);
    report->seed = 77;
    report->faces = calloc(1, sizeof *report->faces);
    report->n_faces = 1;
    report->faces[0].fate = LK__FACE_CHANGED;
    snprintf(report->faces[0].identity, sizeof report->faces[0].identity, "ada.jpg");
    result->consents[0] = (struct lk__consent){
        .state = LK__CONSENT_RECORDED, .person = "countess", .record = "c0ffee"};
    result->record.ledger = strdup(ledger);
    result->record.models = json_array();
    result->record.sources = json_pack("{s:s}", "people[0].sha256", "0123");
    return result;
}

/* The row of a file's bytes, or 0. */
static int64_t row_of(lk_ledger *ledger, const void *bytes, size_t size)
{
    struct lk_error err;
    struct lk_ledger_picture sought = {.phash = 0};
    struct lk_ledger_match match;
    size_t n;
    lk_sha256_bytes(bytes, size, &sought.sha256);
    assert_ok(lk_ledger_trace(ledger, &sought, &match, 1, &n, &err), &err);
    return n && match.by == LK_LEDGER_BY_BYTES ? match.sequence : 0;
}

/* The row has the seed, and of persons only hashes; the values stand beside it. */
static int check_row(void *user, const struct lk_ledger_row *row, struct lk_error *err)
{
    static const char *const values[][2] = {
        {"prompt", "somebody with red hair"},      {"people[0].photo", "photos/ada.jpg"},
        {"people[0].more[0]", "photos/ada-2.jpg"}, {"people[0].sha256", "0123"},
        {"people[0].person", "countess"},          {"people[0].consent", "c0ffee"},
        {"faces[0].identity", "ada.jpg"},
    };
    (void)user, (void)err;
    assert_non_null(strstr(row->body, "\"seed\":77"));
    assert_non_null(strstr(row->body, "\"fate\":\"changed\""));
    assert_non_null(
        strstr(row->body, "\"consents\":[{\"state\":\"recorded\",\"use\":\"portrait\"}]"));
    assert_null(strstr(row->body, "ada.jpg"));
    assert_null(strstr(row->body, "countess"));
    assert_null(strstr(row->body, "c0ffee"));
    assert_null(strstr(row->body, "red hair"));
    assert_int_equal(json_object_size(row->personal), sizeof values / sizeof *values);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        const json_t *kept = json_object_get(row->personal, values[i][0]);
        assert_string_equal(json_string_value(json_object_get(kept, "value")), values[i][1]);
    }
    return 0;
}

static void every_encoding_has_its_row(void **state)
{
    (void)state;
    struct lk_error err;
    lk_ledger *ledger;
    const char *path = scratch_path("encodings.db");
    lk_result *result = make_result(path);
    static const char *const formats[] = {"png", "jpeg", "png"};
    for (int i = 0; i < 3; i++) {
        void *bytes;
        size_t size;
        assert_ok(lk_result_encode(result, 0, formats[i], &bytes, &size, &err), &err);
        assert_ok(lk_ledger_open(path, LK_LEDGER_READ, &ledger, &err), &err);
        assert_int_equal(row_of(ledger, bytes, size), i + 1);
        lk_ledger_close(ledger);
        free(bytes);
    }
    assert_ok(lk_ledger_open(path, LK_LEDGER_READ, &ledger, &err), &err);
    assert_ok(lk_ledger_each(ledger, 1, 3, check_row, NULL, &err), &err);
    lk_ledger_close(ledger);
    lk_result_free(result);
}

/* The row is that of the signed bytes, and the manifest that of the picture. */
static void what_is_signed_has_its_row(void **state)
{
    (void)state;
    struct lk_error err;
    lk_c2pa *c2pa = NULL;
    assert_ok(lk_c2pa_open(NULL, &c2pa, &err), &err);
    struct lk_c2pa_found found;
    lk_ledger *ledger;
    void *bytes, *unsigned_bytes;
    size_t size, unsigned_size;
    const char *path = scratch_path("signed.db"), *keys = scratch_path("keys");
    char *command = test_format("%s/tests/support/c2pa_keys %s", getenv("LIKENESS_SOURCE"), keys);
    assert_int_equal(system(command), 0);
    free(command);
    lk_result *result = make_result(path);
    assert_ok(lk_result_encode(result, 0, "jpeg", &unsigned_bytes, &unsigned_size, &err), &err);
    result->provenance.key = test_format("%s/key.pem", keys);
    result->provenance.certificate = test_format("%s/chain.pem", keys);
    assert_ok(lk_result_encode(result, 0, "jpeg", &bytes, &size, &err), &err);
    lk_c2pa_read(c2pa, bytes, size, &found);
    assert_int_equal(found.state, LK_C2PA_VALID);
    assert_true(size > unsigned_size);
    assert_ok(lk_ledger_open(path, LK_LEDGER_READ, &ledger, &err), &err);
    assert_int_equal(row_of(ledger, bytes, size), 2);
    lk_ledger_close(ledger);
    free(bytes);
    free(unsigned_bytes);
    lk_result_free(result);
    lk_c2pa_free(c2pa);
}

/* A changed photo whose file is another by now gets no manifest that says otherwise, and does not
 * leave. */
static void a_replaced_photo_is_no_parent(void **state)
{
    (void)state;
    struct lk_error err;
    void *bytes = NULL;
    size_t size = 0;
    const char *ledger = scratch_path("replaced.db");
    lk_result *result = make_result(ledger);
    result->request.task = LK_TASK_SWAP;
    result->pictures[0].from_photo = result->pictures[0].keeps_photo = true;
    result->request.picture = strdup(scratch_write("photo.jpg", "another", 7));
    result->provenance.key = strdup("key.pem");
    result->provenance.certificate = strdup("chain.pem");
    json_object_set_new(result->record.sources, "picture.sha256", json_string("0123"));
    assert_fails(lk_result_encode(result, 0, "png", &bytes, &size, &err), &err, LK_E_INPUT,
                 "no longer the picture that was changed");
    assert_null(bytes);
    assert_int_equal(access(ledger, F_OK), -1);
    lk_result_free(result);
}

static void without_a_row_no_byte_leaves(void **state)
{
    (void)state;
    static const char text[] = "this is a text and no database, whatever its name";
    struct lk_error err;
    void *bytes = NULL;
    size_t size = 0;
    lk_result *result = make_result(scratch_write("noise.db", text, sizeof text - 1));
    assert_fails(lk_result_encode(result, 0, "png", &bytes, &size, &err), &err, LK_E_INPUT,
                 "no picture leaves without its row");
    assert_null(bytes);
    assert_int_equal(size, 0);
    assert_fails(lk_result_save(result, 0, scratch_path("a.png"), &err), &err, LK_E_INPUT,
                 "no audit ledger");
    assert_int_equal(access(scratch_path("a.png"), F_OK), -1);
    lk_result_free(result);
    result = make_result(scratch_path("mirrored.db"));
    result->record.mirror = strdup("/dev/full");
    assert_fails(lk_result_encode(result, 0, "png", &bytes, &size, &err), &err, LK_E_FAILED,
                 "No space left");
    assert_null(bytes);
    lk_result_free(result);
}

static void a_refused_picture_leaves_by_no_door(void **state)
{
    (void)state;
    struct lk_error err;
    void *bytes = NULL;
    size_t size = 0;
    const char *ledger = scratch_path("refused.db");
    lk_result *result = make_result(ledger);
    snprintf(result->pictures[0].refused, sizeof result->pictures[0].refused,
             "picture 0 is taken for sexual content");
    assert_fails(lk_result_encode(result, 0, "png", &bytes, &size, &err), &err, LK_E_REFUSED,
                 "taken for sexual content");
    assert_null(bytes);
    assert_fails(lk_result_save(result, 0, scratch_path("refused.png"), &err), &err, LK_E_REFUSED,
                 "taken for sexual content");
    assert_int_equal(access(scratch_path("refused.png"), F_OK), -1);
    assert_int_equal(access(ledger, F_OK), -1);
    lk_result_free(result);
}

/* Saves pictures, each another, until it is killed. */
static _Noreturn void save_pictures(const char *ledger, const char *folder, int round)
{
    struct lk_error err;
    lk_result *result = make_result(ledger);
    for (int i = 0;; i++) {
        char path[300];
        snprintf(path, sizeof path, "%s/%d-%d.png", folder, round, i);
        memcpy(result->pictures[0].picture->u8, &i, sizeof i);
        memcpy(result->pictures[0].picture->u8 + sizeof i, &round, sizeof round);
        if (lk_result_save(result, 0, path, &err))
            _exit(1);
    }
}

static int is_picture(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return dot && !strcmp(dot, ".png");
}

/* Every picture in the folder has its row; returns how many there are. */
static int count_pictures(const char *ledger_path, const char *folder)
{
    struct lk_error err;
    lk_ledger *ledger;
    struct dirent **list;
    int n = scandir(folder, &list, is_picture, alphasort);
    assert_ok(lk_ledger_open(ledger_path, LK_LEDGER_WRITE, &ledger, &err), &err);
    for (int i = 0; i < n; i++) {
        char *path = test_format("%s/%s", folder, list[i]->d_name);
        struct lk_file file;
        assert_ok(lk_file_map(path, &file, &err), &err);
        if (!row_of(ledger, file.bytes, file.size))
            fail_msg("%s has no row", path);
        lk_file_unmap(&file);
        free(path);
        free(list[i]);
    }
    free(list);
    lk_ledger_close(ledger);
    return n;
}

static void a_killed_program_leaves_no_picture_without_a_row(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_ledger_state seen;
    lk_ledger *ledger;
    const char *path = scratch_path("killed.db"), *folder = scratch_path("pictures");
    unsigned seed = 1;
    enum { KILLS = 20 };
    test_make_dir(folder);
    /* On a busy machine the first children are killed before they have saved anything. */
    for (int round = 0; round < KILLS || (round < 10 * KILLS && !count_pictures(path, folder));
         round++) {
        pid_t child = fork();
        if (!child)
            save_pictures(path, folder, round);
        int ms = rand_r(&seed) % (40 * (round + 1));
        struct timespec pause = {ms / 1000, ms % 1000 * 1000000L};
        nanosleep(&pause, NULL);
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
    }
    int pictures = count_pictures(path, folder);
    assert_ok(lk_ledger_open(path, LK_LEDGER_READ, &ledger, &err), &err);
    assert_ok(lk_ledger_verify(ledger, NULL, &seen, &err), &err);
    lk_ledger_close(ledger);
    assert_true(pictures > 0);
    assert_in_range(seen.rows, pictures, pictures + KILLS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* first: libvips, once it has threads, does not survive a fork */
        cmocka_unit_test(a_killed_program_leaves_no_picture_without_a_row),
        cmocka_unit_test(every_encoding_has_its_row),
        cmocka_unit_test(what_is_signed_has_its_row),
        cmocka_unit_test(a_replaced_photo_is_no_parent),
        cmocka_unit_test(without_a_row_no_byte_leaves),
        cmocka_unit_test(a_refused_picture_leaves_by_no_door),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

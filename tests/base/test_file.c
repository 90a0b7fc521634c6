// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "support/check.h"
#include "support/scratch.h"

static void a_file_maps_whole_under_its_absolute_path(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_file file;
    const char *path = scratch_write("some", "abc", 3), *link = scratch_path("link");
    assert_int_equal(symlink(path, link), 0);
    assert_ok(lk_file_map(link, &file, &err), &err);
    assert_int_equal(file.size, 3);
    assert_memory_equal(file.bytes, "abc", 3);
    assert_string_equal(file.path, path);
    lk_file_unmap(&file);
    lk_file_unmap(&file);
}

static void forgotten_pages_are_read_again(void **state)
{
    (void)state;
    enum { SIZE = 70000 };
    static char text[SIZE];
    struct lk_error err;
    struct lk_file file;
    for (size_t i = 0; i < SIZE; i++)
        text[i] = (char)('a' + i % 23);
    assert_ok(lk_file_map(scratch_write("long", text, SIZE), &file, &err), &err);
    for (size_t from = 0; from < SIZE; from += 9973) {
        lk_file_forget(file.bytes + from, SIZE - from);
        lk_file_forget(file.bytes + from, 1);
        assert_memory_equal(file.bytes, text, SIZE);
    }
    lk_file_unmap(&file);
}

/* In the system's memory, in pages. */
static size_t resident(const struct lk_file *file, unsigned char *seen, size_t pages)
{
    size_t n = 0;
    assert_int_equal(mincore((void *)file->bytes, file->size, seen), 0);
    for (size_t i = 0; i < pages; i++)
        n += seen[i] & 1;
    return n;
}

static void expected_bytes_come_into_memory_unread(void **state)
{
    (void)state;
    enum { SIZE = (20 << 20) + 5, WAITS = 3000 };
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = (SIZE + page - 1) / page;
    struct lk_error err;
    struct lk_file file;
    char *text = calloc(1, SIZE);
    unsigned char *seen = malloc(pages);
    assert_true(text && seen);
    const char *path = scratch_write("large", text, SIZE);
    const int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    fsync(fd);
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED); /* where the file system has a disk */
    assert_ok(lk_file_map(path, &file, &err), &err);
    lk_file_expect(file.bytes + 3, SIZE - 3);
    for (int i = 0; i < WAITS && resident(&file, seen, pages) < pages; i++)
        usleep(10000);
    assert_int_equal(resident(&file, seen, pages), pages);
    lk_file_unmap(&file);
    close(fd);
    free(text);
    free(seen);
}

static void what_is_no_file_is_named(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_file file;
    assert_fails(lk_file_map(scratch_path("none"), &file, &err), &err, LK_E_MISSING,
                 "does not exist");
    assert_fails(lk_file_map(scratch_write("empty", "", 0), &file, &err), &err, LK_E_INPUT,
                 "is empty");
    assert_fails(lk_file_map("/tmp", &file, &err), &err, LK_E_INPUT, "not a regular file");
    const char *pipe = scratch_path("pipe");
    assert_int_equal(mkfifo(pipe, 0600), 0);
    assert_fails(lk_file_map(pipe, &file, &err), &err, LK_E_INPUT, "not a regular file");
}

static void a_git_lfs_pointer_is_named_with_its_real_size(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_file file;
    const char *path = shared_path("corrupt/lfs_pointer_v1-5-pruned-emaonly.safetensors");
    assert_fails(lk_file_map(path, &file, &err), &err, LK_E_INPUT, "Git LFS pointer");
    assert_non_null(strstr(err.message, "4265146304 bytes"));
    path = shared_path("corrupt/lfs_pointer_yunet_2023mar.onnx");
    assert_fails(lk_file_map(path, &file, &err), &err, LK_E_INPUT, "git lfs pull");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_maps_whole_under_its_absolute_path),
        cmocka_unit_test(forgotten_pages_are_read_again),
        cmocka_unit_test(expected_bytes_come_into_memory_unread),
        cmocka_unit_test(what_is_no_file_is_named),
        cmocka_unit_test(a_git_lfs_pointer_is_named_with_its_real_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

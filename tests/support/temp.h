// SPDX-License-Identifier: Apache-2.0
/* Folders and files that a test makes and takes away. Every call aborts the test program on
 * failure: a test machine without a writable $TMPDIR is not what is under test. */
#ifndef TESTS_SUPPORT_TEMP_H
#define TESTS_SUPPORT_TEMP_H

#include <stddef.h>

/* A new folder under $TMPDIR (/tmp); malloc'd path. */
char *test_temp_dir(void);
/* Removes the folder with all in it and frees the path. */
void test_temp_remove(char *folder);

/* printf into a malloc'd string: paths. */
char *test_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
void test_make_dir(const char *path);
void test_write_file(const char *path, const void *bytes, size_t size);
void test_write_text(const char *path, const char *text);

#endif

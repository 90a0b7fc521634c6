// SPDX-License-Identifier: Apache-2.0
/* Files that live as long as a test: a folder of its own, removed when the program ends. */
#ifndef LK_TESTS_SUPPORT_SCRATCH_H
#define LK_TESTS_SUPPORT_SCRATCH_H

#include <stddef.h>

/* The path of `name` in the scratch folder, valid until the program ends (names are few and
 * short). */
const char *scratch_path(const char *name);

/* Writes (replaces) a file there and returns its path; ends the test when it cannot. */
const char *scratch_write(const char *name, const void *bytes, size_t size);

/* The path of a file of the shared test data: shared_path("photos/a.jpg"); valid as above. */
const char *shared_path(const char *name);

#endif

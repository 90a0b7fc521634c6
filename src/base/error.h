// SPDX-License-Identifier: Apache-2.0
/* How the library reports: `return lk_fail(err, LK_E_INPUT, "picture '%s' is empty: give another
 * file", path);` */
#ifndef LK_BASE_ERROR_H
#define LK_BASE_ERROR_H

#include <likeness/error.h>

/* Writes code and sentence into err (if not NULL) and returns the code. Control bytes in the
 * sentence (a hostile file name, a newline from a library) become spaces, so that an error stays
 * one line. */
int lk_fail(struct lk_error *err, int code, const char *format, ...) LK_PRINTF(3, 4);

/* LK_E_FAILED with "out of memory: WHAT needs N bytes". */
int lk_fail_memory(struct lk_error *err, const char *what, unsigned long long bytes);

/* Puts "CONTEXT: " before the sentence that err holds, keeps its code and returns it. */
int lk_fail_context(struct lk_error *err, int code, const char *format, ...) LK_PRINTF(3, 4);

#ifdef __clang_analyzer__ /* tells it what it cannot see from here: the code comes back, and is    \
                             not 0 */
#define lk_fail(err, code, ...) ((void)(lk_fail)(err, code, __VA_ARGS__), (code))
#define lk_fail_memory(err, what, bytes) ((void)(lk_fail_memory)(err, what, bytes), LK_E_FAILED)
#endif

#endif

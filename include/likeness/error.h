// SPDX-License-Identifier: Apache-2.0
/* Errors of the public API.
 *
 * A function that can fail returns 0 or a negative `enum lk_code`. Its last argument `struct
 * lk_error *err` belongs to the caller, may be NULL, and receives one sentence: what failed, on
 * which file or option, why, and what to do. */
#ifndef LIKENESS_ERROR_H
#define LIKENESS_ERROR_H

#if defined(__GNUC__)
#define LK_API __attribute__((visibility("default")))
#define LK_PRINTF(string, first) __attribute__((format(printf, string, first)))
#define LK_NODISCARD __attribute__((warn_unused_result))
#else
#define LK_API
#define LK_PRINTF(format, first)
#define LK_NODISCARD
#endif

enum lk_code {
    LK_OK = 0,
    LK_E_FAILED = -1,      /* the work could not be finished: disk, engine, memory */
    LK_E_INPUT = -2,       /* bad usage or bad input: option, picture, checkpoint, JSON */
    LK_E_REFUSED = -3,     /* refused by policy: consent, forensics */
    LK_E_MISSING = -4,     /* a model or a name is not there */
    LK_E_INTERRUPTED = -5, /* cancelled by the caller (Ctrl-C) */
};

struct lk_error {
    enum lk_code code;
    char message[512]; /* one UTF-8 sentence without newline; longer ones are cut */
};

/* The process exit code that belongs to a code: 0, 1, 2, 3, 4 or 130. */
LK_API int lk_exit_code(enum lk_code code);

#endif

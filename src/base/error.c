// SPDX-License-Identifier: Apache-2.0
/* One sentence per error, on one line, whatever the names in it contain. */
#include "base/error.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int lk_exit_code(enum lk_code code)
{
    switch (code) {
    case LK_OK:
        return 0;
    case LK_E_FAILED:
        return 1;
    case LK_E_INPUT:
        return 2;
    case LK_E_REFUSED:
        return 3;
    case LK_E_MISSING:
        return 4;
    case LK_E_INTERRUPTED:
        return 130;
    }
    return 1;
}

static void flatten(char *text)
{
    for (; *text; text++) {
        if (iscntrl((unsigned char)*text))
            *text = ' ';
    }
}

int(lk_fail)(struct lk_error *err, int code, const char *format, ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        vsnprintf(err->message, sizeof err->message, format, args);
        va_end(args);
        flatten(err->message);
        err->code = (enum lk_code)code;
    }
    return code;
}

int(lk_fail_memory)(struct lk_error *err, const char *what, unsigned long long bytes)
{
    return lk_fail(err, LK_E_FAILED, "out of memory: %s needs %llu bytes", what, bytes);
}

int lk_fail_context(struct lk_error *err, int code, const char *format, ...)
{
    if (err) {
        char inner[sizeof err->message];
        memcpy(inner, err->message, sizeof inner);
        va_list args;
        va_start(args, format);
        int n = vsnprintf(err->message, sizeof err->message, format, args);
        va_end(args);
        if (n >= 0 && (size_t)n < sizeof err->message)
            snprintf(err->message + n, sizeof err->message - (size_t)n, ": %s", inner);
        flatten(err->message);
    }
    return code;
}

// SPDX-License-Identifier: Apache-2.0
/* What single runs (run.c) and repeated ones (repeated.c) share. */
#ifndef LK_RUNTIME_RUN_H
#define LK_RUNTIME_RUN_H

#include "runtime/internal.h"

/* The port of that name, and how many numbers the array has; LK_E_INPUT where they do not fit. */
int lk__run_check_input(const lk_session *session,
                        const char *name,
                        const struct lk_array *array,
                        const struct lk_port **port,
                        size_t *count,
                        struct lk_error *err);
int lk__run_check_outputs(const lk_session *session,
                          size_t n,
                          const char *const *names,
                          struct lk_error *err);
/* What the engine's value is: type and shape, and where its numbers lie (the engine's). */
int lk__run_describe(const lk_session *session,
                     const char *name,
                     OrtValue *value,
                     struct lk_array *out,
                     size_t *count,
                     struct lk_error *err);

#define LK__NOT_CAPTURED (-1)

/* Calls the engine; ended early when watch says stop. capture: under which number a session that
 * captures keeps this run, and replays it the next time; or LK__NOT_CAPTURED. */
typedef OrtStatus *lk__engine_call(const lk_session *session,
                                   const OrtRunOptions *options,
                                   void *user);
int lk__run_engine(lk_session *session,
                   int64_t capture,
                   lk__engine_call *call,
                   void *user,
                   const struct lk_watch *watch,
                   struct lk_error *err);

#endif

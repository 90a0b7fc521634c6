// SPDX-License-Identifier: Apache-2.0
/* The linear solver under the Poisson blend: a membrane that is held at zero outside a domain. */
#ifndef LK_STAGES_FIT_MEMBRANE_H
#define LK_STAGES_FIT_MEMBRANE_H

#include <stdint.h>

#include "base/error.h"

typedef struct lk__membrane lk__membrane;

struct lk__membrane_stats {
    int iterations;
    float error; /* of the solution, estimated in the energy norm, against that of u = 0 */
};

/* inside [height, width]: not 0 where u is unknown. The outermost rows and columns are never
 * unknown, whatever `inside` says. screen >= 0: the λ of the equation. */
int lk__membrane_new(const uint8_t *inside,
                     int width,
                     int height,
                     float screen,
                     lk__membrane **out,
                     struct lk_error *err);
void lk__membrane_free(lk__membrane *membrane);

/* u [height, width] = the solution of (4 + λ)·u(p) − Σ u(q) = b(p) for p inside, q its four
 * neighbours, and 0 elsewhere. b [height, width]; read only inside. Stops when stats->error <=
 * tolerance, or after `iterations`. Not thread-safe: the membrane holds the working planes. */
void lk__membrane_solve(lk__membrane *membrane,
                        const float *b,
                        float tolerance,
                        int iterations,
                        float *u,
                        struct lk__membrane_stats *stats);

#endif

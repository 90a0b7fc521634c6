// SPDX-License-Identifier: Apache-2.0
/* Noise schedules as curves of σ over the steps 0 … n−1 (the level after the last step, 0, is not
 * theirs), all but the normal one:
 *
 *   karras            ρ = 7: (σmax^⅐ + i/(n−1)·(σmin^⅐ − σmax^⅐))⁷   (arXiv 2206.00364, eq. 5)
 *   exponential       σmax·(σmin/σmax)^(i/(n−1))
 *   beta              σmin + (σmax−σmin)·q, q the (1−i/(n−1))-quantile of Beta(0.6, 0.6)
 *                     (arXiv 2407.12173, in σ as diffusers has it)
 *   sgm-uniform       times 999·(1 − i/n), between the table's σ linear in log σ (WebUI)
 *   simple            every (1000/n)th σ of the table from its end (WebUI)
 *   align-your-steps  11 σ found for SD 1.5, or SDXL (arXiv 2404.14507), between them linear
 *                     in log σ (WebUI)
 */
#ifndef LK_STAGES_DIFFUSE_CURVES_H
#define LK_STAGES_DIFFUSE_CURVES_H

#include "stages/diffuse/samplers.h"

struct lk__curve {
    const struct lk__table *table;
    int n;
    double low, high; /* σmin and σmax, of karras, exponential and beta */
    int sdxl;         /* align-your-steps: the σ of SDXL */
};

double lk__curve_at(enum lk_schedule schedule, const struct lk__curve *curve, int i);

/* numpy.linspace(from, to, n)[i], and with endpoint=False */
double lk__linspace(double from, double to, int n, int i);
double lk__linspace_open(double from, double to, int n, int i);

#endif

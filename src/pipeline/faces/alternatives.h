// SPDX-License-Identifier: Apache-2.0
/* Sheets of alternatives: each face in the manners in which it was tried, with their measures. A
 * sheet is a picture of the result like any other: judged, marked and logged as such. */
#ifndef LK_PIPELINE_ALTERNATIVES_H
#define LK_PIPELINE_ALTERNATIVES_H

#include "pipeline/result.h"

/* What a sheet shows of a face of the picture. */
int lk__alternatives_keep(const struct lk_picture *picture,
                          const struct lk_face *face,
                          struct lk_picture **out,
                          struct lk_error *err);
/* Frees that. */
void lk__alternatives_forget(struct lk__picture_report *report);

/* Appends a sheet to the result for each picture whose faces were kept, and forgets them. */
int lk__alternatives_show(lk_result *result, struct lk_error *err);

#endif

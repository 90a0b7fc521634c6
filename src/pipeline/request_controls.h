// SPDX-License-Identifier: Apache-2.0
/* The ControlNets of a request: as options and as JSON. */
#ifndef LK_PIPELINE_REQUEST_CONTROLS_H
#define LK_PIPELINE_REQUEST_CONTROLS_H

#include <jansson.h>

#include "base/error.h"
#include <likeness/request.h>

/* TYPE:IMAGE[:W[:START[:END]]]; trailing numbers are taken off the path. label: as lk_option_set.
 */
int lk__request_add_control(struct lk_request *request,
                            const char *text,
                            const char *label,
                            struct lk_error *err);
/* Takes what follows the path off its end: [:W[:START[:END]]], 1, 0 and 1 where it is not said. */
size_t lk__request_cut_numbers(const char *text, double *weight, double *start, double *end);
/* A member of a JSON object that may be missing; false when it is of another kind. */
bool lk__request_read_number(const json_t *object, const char *key, double *out);
/* Of the first control that has none yet, whether that one is there already or comes later. */
int lk__request_add_control_model(struct lk_request *request,
                                  const char *text,
                                  const char *label,
                                  struct lk_error *err);
/* LK_E_INPUT for a model without its control. */
int lk__request_check_controls(const struct lk_request *request, struct lk_error *err);
void lk__request_free_controls(struct lk_request *request); /* leaves them dangling */

/* [{"type", "picture", "model", "weight", "start", "end"}, …]; the last four may be missing. */
int lk__request_read_controls(struct lk_request *request,
                              const json_t *value,
                              const char *name,
                              struct lk_error *err);
json_t *lk__request_json_of_controls(const struct lk_request *request);

#endif

// SPDX-License-Identifier: Apache-2.0
/* The IP-Adapters of a request: as options and as JSON. */
#ifndef LK_PIPELINE_REQUEST_IMAGES_H
#define LK_PIPELINE_REQUEST_IMAGES_H

#include <jansson.h>

#include "base/error.h"
#include <likeness/request.h>

/* NAME|PATH:IMAGE[:W[:START[:END]]]: the first colon ends the adapter. label: as lk_option_set. */
int lk__request_add_image(struct lk_request *request,
                          const char *text,
                          const char *label,
                          struct lk_error *err);
/* LK_E_INPUT for more adapters than can be at work, a FaceID without its one person, adapters of a
 * swap, and a draw that would leave people out. */
int lk__request_check_images(const struct lk_request *request, struct lk_error *err);
void lk__request_free_images(struct lk_request *request); /* leaves them dangling */

/* [{"model", "picture", "weight", "start", "end"}, …]; the last three may be missing. */
int lk__request_read_images(struct lk_request *request,
                            const json_t *value,
                            const char *name,
                            struct lk_error *err);
json_t *lk__request_json_of_images(const struct lk_request *request);

#endif

// SPDX-License-Identifier: Apache-2.0
/* The people of a request, as text: [PLACE=]NAME|PHOTO, several with commas between. */
#ifndef LK_PIPELINE_REQUEST_PEOPLE_H
#define LK_PIPELINE_REQUEST_PEOPLE_H

#include "base/error.h"
#include <likeness/request.h>

/* Adds the people of a text. A prefix that is no place belongs to the path, and so does a comma
 * behind which no PLACE= stands. */
int lk__request_add_people(struct lk_request *request,
                           const char *text,
                           const char *label,
                           struct lk_error *err);

/* Adds a photo of the last person. */
int lk__request_add_photo(struct lk_request *request,
                          const char *photo,
                          const char *label,
                          struct lk_error *err);

/* Adds one. place, like: NULL, or checked; strings are copied. */
int lk__request_add_person(struct lk_request *request,
                           const struct lk_person *person,
                           const char *label,
                           struct lk_error *err);

void lk__person_free(struct lk_person *person); /* frees the members */

#endif

// SPDX-License-Identifier: Apache-2.0
/* Whether one member of the cast, or one face, may be used for a request: what people.c asks of
 * names and pictures and identities.c of photos. */
#ifndef LK_PIPELINE_CHECKING_H
#define LK_PIPELINE_CHECKING_H

#include "pipeline/trust/people.h"

/* What the checks of one request share. */
struct lk__checking {
    lk_engine *engine; /* NULL at the way out: nothing more is computed */
    const struct lk_request *request;
    const struct lk_watch *watch;
    lk_cast *cast; /* NULL: nobody */
    float same_person;
};

int lk__checking_open(struct lk__checking *c, struct lk_error *err); /* fills c->cast */
/* Keeps in `out` which cast it was, for the way out. */
int lk__remember_cast(const lk_engine *engine, struct lk__cast_asked *out, struct lk_error *err);

int lk__refuse_barred(const char *name, struct lk_error *err);
/* Consent of somebody of the cast; any: there is a record of them, whatever it says. */
int lk__check_member(const struct lk__checking *c,
                     const struct lk_cast_member *member,
                     struct lk__consent *out,
                     bool *any,
                     struct lk_error *err);
/* A face: of those of the cast whom it looks like, the nearest of whom something is recorded
 * decides. what: its picture, for messages. */
int lk__check_face(const struct lk__checking *c,
                   const char *what,
                   const struct lk_embedding *face,
                   struct lk__consent *out,
                   struct lk_error *err);
int lk__check_bars(const struct lk__checking *c,
                   const struct lk_embedding *face,
                   const char *what,
                   struct lk_error *err);
/* Both of face->consent.face, whatever else goes in: a mean of photos hides nobody, now or at the
 * way out. It is added to result->shown. */
int lk__check_by_itself(const struct lk__checking *c,
                        lk_result *result,
                        struct lk__shown *face,
                        struct lk_error *err);

#endif

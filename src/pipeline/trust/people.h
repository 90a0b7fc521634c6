// SPDX-License-Identifier: Apache-2.0
/* Whose faces a request uses, and whether it may. Here and nowhere else a name or photo becomes an
 * identity, so that no door can use a face without consent. */
#ifndef LK_PIPELINE_PEOPLE_H
#define LK_PIPELINE_PEOPLE_H

#include "cast/cast.h"
#include "pipeline/engine.h"
#include "pipeline/result.h"

/* The identities of a request's people, in their order. */
struct lk__people {
    struct lk_identity identities[LK_PEOPLE_MAX];
    struct lk_picture *photos[LK_PEOPLE_MAX]; /* what their `photo` points to; owned */
    struct lk_embedding likes[LK_PEOPLE_MAX]; /* of whom their faces must look like, if anybody */
    bool placed[LK_PEOPLE_MAX];               /* whether a face of any picture has got it */
    int count;
};
void lk__people_close(struct lk__people *people); /* a zeroed one is fine */

/* Whether the request changes a picture that there is: swap, restore, upscale, redraw. */
bool lk__changes_picture(const struct lk_request *request);
/* Whether the request gives faces to anybody: to those that are found, or to the drawing itself
 * (--face-adapter). */
bool lk__uses_people(const struct lk_request *request);
/* The former. */
bool lk__refines_faces(const struct lk_request *request);

/* Before anything is computed: looks each person up in the cast; names must have consent to the
 * request's use. result->consents says on what each face stands, as far as that is known without a
 * look at photos. Looks at the pictures to be changed, started from or followed when somebody is
 * barred; and at the pictures of --ip-adapter always: whoever shows their face in one is asked as
 * those of --face are, result->shown says on what each stands. LK_E_REFUSED without consent, and
 * for a barred face; LK_E_MISSING for what is neither a name nor a file. */
int lk__people_check(lk_engine *engine,
                     lk_result *result,
                     const struct lk_watch *watch,
                     struct lk_error *err);

/* After that: opens the face models and reads the photos that are needed; whom they look like
 * decides. LK_E_REFUSED as above, LK_E_INPUT when a photo shows no face. */
int lk__people_open(lk_engine *engine,
                    lk_result *result,
                    const struct lk_watch *watch,
                    struct lk__people *people,
                    struct lk_error *err);

/* After everything is computed, while there are models to look with: refuses a picture that was
 * changed, started from or followed when somebody in it was barred meanwhile. */
int lk__people_look_again(lk_engine *engine,
                          const lk_result *result,
                          const struct lk_watch *watch,
                          struct lk_error *err);

/* At the way out: LK_E_REFUSED when somebody whose face was used has taken consent back, or was
 * barred or removed, since the checks before. */
int lk__people_release(const lk_result *result, struct lk_error *err);

/* The first line of the file, else the environment's passphrase; malloc'd, NULL when there is none.
 * lk__passphrase_forget it. */
int lk__passphrase_read(const char *path, char **out, struct lk_error *err);
void lk__passphrase_forget(char *passphrase);

/* The cast that the options name, opened with their passphrase. *out NULL when mode is not WRITE,
 * the options name no file, and the user has no cast. */
int lk__cast_of_options(const struct lk_engine_options *options,
                        enum lk_cast_access mode,
                        lk_cast **out,
                        struct lk_error *err);

/* The engine's embedder, as the cast asks it. */
struct lk_cast_embedder lk__cast_embedder(lk_engine *engine);

#endif

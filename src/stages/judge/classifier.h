// SPDX-License-Identifier: Apache-2.0
/* Networks that judge a picture by one number: was the face put in (forensics), is it sexual
 * (nsfw)? docs/forensics.md and docs/policy.md say what the numbers are worth. */
#ifndef LK_STAGES_JUDGE_CLASSIFIER_H
#define LK_STAGES_JUDGE_CLASSIFIER_H

#include "base/error.h"
#include "base/watch.h"
#include "data/face.h"
#include "data/picture.h"
#include "runtime/session.h"

typedef struct lk_classifier lk_classifier;

/* role: "forensics" or "nsfw"; family: a row of the table in classifier.c. The runtime must outlive
 * the classifier. LK_E_INPUT when the file is another kind of network, or the family is not known
 * for the role. */
int lk_classifier_open(lk_runtime *runtime,
                       const char *role,
                       const char *family,
                       const char *path,
                       const char *device,
                       lk_classifier **out,
                       struct lk_error *err);
void lk_classifier_free(lk_classifier *classifier); /* NULL is fine */

/* picture: u8 or f32, any size; it is brought to the network's. score: 0…1, higher is worse.
 * Thread-safe. */
int lk_classify_picture(const lk_classifier *classifier,
                        const struct lk_picture *picture,
                        const struct lk_watch *watch,
                        float *score,
                        struct lk_error *err);
/* The same of a square of 1.3 × the longer side of the face's box, around its middle. */
int lk_classify_face(const lk_classifier *classifier,
                     const struct lk_picture *picture,
                     const struct lk_face *face,
                     const struct lk_watch *watch,
                     float *score,
                     struct lk_error *err);

#endif

// SPDX-License-Identifier: Apache-2.0
/* The house that test_doors.c tries to rob: an engine, a cast with its keeper, an audit ledger, and
 * a look at what left. Everything ends the test on failure. */
#ifndef LK_TESTS_PIPELINE_DOORS_HOUSE_H
#define LK_TESTS_PIPELINE_DOORS_HOUSE_H

#include <likeness/likeness.h>

/* A group's setup and teardown. */
int prepare_house(void **state);
int leave_house(void **state);

extern const char *audit_path,
    *drawn;        /* drawn: a picture of a person, who is nobody of this cast */
extern char *nsfw; /* a network that takes red pictures for sexual content */

/* ---- for the attacker, by public means ---- */

lk_engine *open_engine(void);
/* With a network that judges and a file of rules, or NULL. */
lk_engine *open_engine_with(const char *judge, const char *policy);
/* Without a cast, in so many threads. */
lk_engine *open_engine_of(int threads);
/* A portrait that is drawn in a second. */
void quick(struct lk_request *request);
void give_face(struct lk_request *request, const char *who, const char *consent);
/* A copy of the text takes the member's place. */
char *replace(char **member, const char *text);
lk_result *run(lk_engine *engine, const struct lk_request *request, const struct lk_watch *watch);

/* ---- the keeper of the cast, where ada has the face of `drawn` ---- */

void add_ada(void); /* with consent to every use */
void revoke_ada(void);
void bar_ada(void);
void remove_ada(void);
void bar_eve(void); /* who has that face too */
void remove_eve(void);

/* ---- chance ---- */

/* The mean of the photos of the request's first person is like nobody. */
void forget_mean(lk_result *result);

/* ---- what left ---- */

enum { PICTURE_FORMATS = 4 };
extern const char *const formats[PICTURE_FORMATS];

int64_t count_rows(void);            /* of the ledger, which is whole */
int count_files(void);               /* in the folder to which attempts write */
char *output_path(const char *name); /* there; malloc'd */

/* Marked, labelled, and in the audit by its bytes. */
void check_released(lk_engine *engine, const void *bytes, size_t size);
/* A preview: small, hatched, labelled. */
void check_preview(const void *bytes, size_t size);
/* The picture leaves neither as bytes nor as a file, in no format: each time this code, and a
 * sentence that says this. */
void check_held(const lk_result *result, size_t i, int code, const char *says);

#endif

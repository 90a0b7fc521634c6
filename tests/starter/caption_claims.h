// SPDX-License-Identifier: Apache-2.0
/* What phrases of captions claim, for test_caption.c; written apart from the words of the writer.
 */
#ifndef TESTS_STARTER_CAPTION_CLAIMS_H
#define TESTS_STARTER_CAPTION_CLAIMS_H

#include "faces.h"

enum { CLAIM_OTHER = -1, CLAIM_HIGH = -2, CLAIM_LOW = -3, CLAIMS_MOST = 320 };

/* `phrase` may only be said of a person where the class has one of the values (bits; 0: any) and
 * `holds`, where given, is so. "~" in it stands for a colour word, which must be that of
 * claim_tint(), or for nothing. CLAIM_HIGH, CLAIM_LOW: the geometry `values` is far from the mean.
 */
struct claim {
    const char *phrase;
    int class;
    unsigned values;
    bool (*holds)(const struct person *);
};
/* The longer before the shorter that they hold. */
extern const struct claim claims[];
extern const int claim_count;
int claim_tint(const struct claim *c);

struct plural {
    const char *word;
    int gender; /* -1: any */
    int years_least, years_most;
};
const struct plural *plural_named(const char *word);

/* The colour's class name ("gray" is "grey"), or NULL. */
const char *colour_named(const char *word);
/* Claims nothing. */
bool word_neutral(const char *word);
bool scene_named(char *const *word, int n, int scene);

#endif

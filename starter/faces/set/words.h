// SPDX-License-Identifier: Apache-2.0
/* Between the files that write captions: text.c joins words, words*.c know what can be said of a
 * person and how, caption*.c make sentences.
 *
 * A form is words with signs: '@' becomes "a " or "an " as the next word needs, '*' the colour and
 * a blank, '#' the same or nothing.
 */
#ifndef STARTER_FACES_WORDS_H
#define STARTER_FACES_WORDS_H

#include "faces.h"

enum { TEXT_MAX = 640, PHRASE_MAX = 80, VARIANTS = 5 };

/* ---- text.c ---- */

struct text {
    char words[TEXT_MAX]; /* with '@' */
    size_t used;
};

void text_say(struct text *t, const char *words);
/* What stands before the i-th of n things in a list: "x", "x and y", "x, y and z". */
const char *text_link(int i, int n);
void text_list(struct text *t, char list[][PHRASE_MAX], int n);
/* Articles, capitals and full stops as asked; cut at a word when `size` is short. */
void text_finish(const struct text *t, bool capitals, bool stop, char *out, size_t size);
/* One of n words, or of those before the first NULL. */
const char *pick(struct rng *r, const char *const *words, int n);
void shuffle(struct rng *r, int *order, int n);

/* ---- words_look.c, words_shot.c: rows that words.c chooses from ---- */

/* adjective: before the noun; object: after "with"; worn: after "wearing"; phrase: between commas;
 * at: after "stands"; tag: in a list of words */
enum manner { AS_ADJECTIVE, AS_OBJECT, AS_WORN, AS_PHRASE, AS_AT, AS_TAG };

enum colour { COLOUR_NONE, COLOUR_HAIR, COLOUR_BEARD, COLOUR_HAT, COLOUR_CLOTHES, COLOUR_WALL };

typedef const char *const forms[VARIANTS]; /* NULL after the last */

struct wording {
    enum topic topic;
    enum manner manner;
    int (*row)(const struct person *); /* which forms are true and seen; -1: none */
    enum colour colour;                /* what '#' and '*' stand for */
    forms *forms;
};
extern const struct wording look_wordings[], shot_wordings[];
extern const size_t look_wording_count, shot_wording_count;

/* The beard, also BEARD_NONE, of a man whose chin is seen; else -1. */
int chin_of_man(const struct person *p);

/* ---- words.c ---- */

/* The form with its colour to out [PHRASE_MAX]; tinted: whether '#' shows it. colour may be NULL.
 */
void form_fill(const char *form, const char *colour, bool tinted, char *out);

/* Writes one of the things that can be said about the topic to out [PHRASE_MAX]; false: none. */
bool tell(struct rng *r, const struct person *p, enum topic topic, enum manner manner, char *out);

struct noun {
    const char *age, *base; /* "young", "woman" */
};
/* One of the nouns for this age and gender. */
struct noun noun_pick(struct rng *r, const struct look *k);
/* "woman", or "women" for many. */
const char *noun_plain(const struct look *k, bool many);

/* ---- caption_person.c ---- */

enum { LIST_MAX = 8 };

/* Someone to be described, and what was already said. */
struct subject {
    struct rng *r;
    const struct person *p;
    bool said[TOPIC_COUNT];
};

/* tell(), but each topic once, said between two pieces of a sentence; false: there was nothing. */
bool say_told(struct text *t,
              struct subject *s,
              enum topic topic,
              enum manner manner,
              const char *before,
              const char *after);
/* "smiling young woman", without its article; adjectives: 0..1, how many. */
void say_noun(struct text *t, struct subject *s, float adjectives);
/* " with red hair and @beard"; keen: about 1, how likely each; most: how many. */
void say_objects(struct text *t, struct subject *s, float keen, int most);
/* " wearing @hat", after this comma */
void say_worn(struct text *t, struct subject *s, float keen, int most, const char *comma);
/* Returns the topics mentioned, as caption_write does. */
unsigned caption_portrait(struct text *t, struct rng *r, const struct person *p);

/* ---- caption_group.c, of two or three people ---- */

void caption_group(struct text *t, struct rng *r, const struct picture *p);

#endif

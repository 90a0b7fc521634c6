// SPDX-License-Identifier: Apache-2.0
/* A text as words that rules can be held against, whatever was done to hide them.
 *
 *   NFKC, case folding, marks stripped → letters that look like Latin ones become these → words at
 *   white space, punctuation, and where digits meet letters
 *
 * Letters of all words lie in a row, so that neighbours which a reader would join ("n.u.d.e",
 * "(nud:1.3)e", "b 0 0 b s") are one word by taking a longer piece. */
#ifndef LK_STAGES_JUDGE_POLICY_WORDS_H
#define LK_STAGES_JUDGE_POLICY_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* What stands before a word. */
enum lk__break {
    LK__BREAK_NONE,  /* punctuation or nothing: may be one word with the word before */
    LK__BREAK_SPACE, /* another word of the same phrase */
    LK__BREAK_FULL,  /* a comma, a full stop: another phrase */
};

struct lk__word {
    size_t from, length; /* in letters */
    enum lk__break before;
};

struct lk__words {
    int32_t *letters; /* folded code points of all words, in a row; malloc'd, as is word */
    struct lk__word *word;
    size_t count;
};

/* text: UTF-8 of at most 64 KiB, else LK_E_INPUT naming `option` ("the prompt"). */
int lk__words_of(const char *text, const char *option, struct lk__words *out, struct lk_error *err);
void lk__words_free(struct lk__words *words);

/* The fold alone: text[size] → malloc'd letters; -1 when it is not UTF-8 or memory is out. Rules
 * pass through it too, so that both sides are of one kind. */
int lk__fold(const char *text, size_t size, int32_t **letters, size_t *count);

/* May letter c of a text be meant for letter w of a rule? Digits and signs stand for the letters
 * they look like. */
bool lk__letter_reads(int32_t c, int32_t w);

/* Letters that c may be meant for, besides itself; ends at 0. */
const char *lk__letter_readings(int32_t c);

/* Is it of a script that writes words without spaces between them? */
bool lk__letter_runs_on(int32_t c);

#endif

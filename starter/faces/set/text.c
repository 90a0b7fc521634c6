// SPDX-License-Identifier: Apache-2.0
/* Joining words: lists, articles, capitals.
 */
#include <ctype.h>
#include <string.h>

#include "words.h"

void text_say(struct text *t, const char *words)
{
    size_t n = strlen(words);
    if (t->used + n + 1 > sizeof t->words)
        return;
    memcpy(t->words + t->used, words, n + 1);
    t->used += n;
}

const char *text_link(int i, int n)
{
    return i == 0 ? "" : i == n - 1 ? " and " : ", ";
}

void text_list(struct text *t, char list[][PHRASE_MAX], int n)
{
    for (int i = 0; i < n; i++) {
        text_say(t, text_link(i, n));
        text_say(t, list[i]);
    }
}

/* Of a word or number, as it is spoken. */
static bool begins_with_vowel(const char *word)
{
    if (strncmp(word, "11", 2) == 0 || strncmp(word, "18", 2) == 0)
        return true;
    return strchr("aeiou8", word[0]) != NULL;
}

void text_finish(const struct text *t, bool capitals, bool stop, char *out, size_t size)
{
    char full[TEXT_MAX * 2];
    size_t n = 0;
    bool first = capitals;
    for (const char *w = t->words; *w && n + 4 < sizeof full; w++) {
        size_t start = n;
        if (*w == '@')
            n = (size_t)(stpcpy(full + n, begins_with_vowel(w + 1) ? "an " : "a ") - full);
        else
            full[n++] = *w;
        if (first)
            full[start] = (char)toupper((unsigned char)full[start]);
        first = capitals && (*w == '.' || (first && *w == ' '));
    }
    if (stop && n && full[n - 1] != '.')
        full[n++] = '.';
    if (n >= size)
        for (n = size - 1; n > 0 && full[n] != ' '; n--)
            ;
    memcpy(out, full, n);
    out[n] = 0;
}

const char *pick(struct rng *r, const char *const *words, int n)
{
    int known = 0;
    while (known < n && words[known])
        known++;
    return words[rng_below(r, known)];
}

void shuffle(struct rng *r, int *order, int n)
{
    for (int i = n - 1; i > 0; i--) {
        int j = rng_below(r, i + 1), t = order[i];
        order[i] = order[j];
        order[j] = t;
    }
}

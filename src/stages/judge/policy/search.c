// SPDX-License-Identifier: Apache-2.0
/* Entries held against words. At each word only those entries are tried that begin with its letter,
 * or with a letter it may be meant for; each may take several words that nothing but punctuation
 * parts. */
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "stages/judge/policy/rules.h"

enum { MAX_JOINED = 16 };

/* ---- one word ---- */

/* Is text[at] a letter more of a run of three and longer? */
static bool is_stretched(const int32_t *text, size_t n, size_t at)
{
    if (at == 0 || at >= n || text[at] != text[at - 1])
        return false;
    return (at + 1 < n && text[at + 1] == text[at]) || (at > 1 && text[at - 2] == text[at]);
}

/* How far text[n] reads as the pattern's letters; 0: it does not. Letters written three times and
 * more may be meant once or twice. A third of the letters must be plain. */
static size_t read_letters(const struct lk__pattern *p, const int32_t *text, size_t n)
{
    size_t at = 0, plain = 0;
    for (size_t i = 0; i < p->length; i++) {
        while (at < n && text[at] != p->letters[i] && is_stretched(text, n, at))
            at++;
        if (at >= n || !lk__letter_reads(text[at], p->letters[i]))
            return 0;
        plain += text[at++] == p->letters[i];
    }
    while (is_stretched(text, n, at))
        at++;
    while (at < n && (text[at] == '*' || text[at] == '!'))
        at++;
    return 3 * plain >= p->length ? at : 0;
}

/* ---- numbers ---- */

static bool is_word(const struct lk__words *words, size_t i, const char *ascii)
{
    const struct lk__word *w = &words->word[i];
    if (strlen(ascii) != w->length)
        return false;
    for (size_t k = 0; k < w->length; k++) {
        if (words->letters[w->from + k] != ascii[k])
            return false;
    }
    return true;
}

/* Index of the word among the names, or −1. */
static int named(const struct lk__words *words, size_t i, const char *const *names, int count)
{
    for (int k = 0; k < count; k++) {
        if (is_word(words, i, names[k]))
            return k;
    }
    return -1;
}

static int tens_at(const struct lk__words *words, size_t i)
{
    static const char *const names[] = {"twenty", "thirty",  "forty",  "fifty",
                                        "sixty",  "seventy", "eighty", "ninety"};
    int k = named(words, i, names, (int)LK_ARRAY_LENGTH(names));
    return k < 0 ? -1 : 20 + 10 * k;
}

/* The number that word i is, or −1; "five" of "twenty-five" is that of both. */
static int number_at(const struct lk__words *words, size_t i)
{
    static const char *const names[] = {"zero",    "one",     "two",       "three",    "four",
                                        "five",    "six",     "seven",     "eight",    "nine",
                                        "ten",     "eleven",  "twelve",    "thirteen", "fourteen",
                                        "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
    const struct lk__word *w = &words->word[i];
    const int32_t *letters = words->letters + w->from;
    int value = 0, tens = i > 0 ? tens_at(words, i - 1) : -1;
    for (size_t k = 0; k < w->length && w->length <= 3; k++) {
        if (letters[k] < '0' || letters[k] > '9' || (letters[0] == '0' && w->length > 1)) {
            value = -1;
            break;
        }
        value = 10 * value + (letters[k] - '0');
    }
    if (w->length <= 3 && value >= 0)
        return value;
    int unit = named(words, i, names, (int)LK_ARRAY_LENGTH(names));
    if (unit >= 0)
        return tens > 0 && unit < 10 ? tens + unit : unit;
    return tens_at(words, i);
}

/* ---- one entry ---- */

/* Letters of word i and of those after it that nothing but punctuation parts from it. */
static size_t joined_length(const struct lk__words *words, size_t i)
{
    size_t n = words->word[i].length;
    for (size_t k = 1; k < MAX_JOINED && i + k < words->count; k++) {
        if (words->word[i + k].before != LK__BREAK_NONE)
            break;
        n += words->word[i + k].length;
    }
    return n;
}

/* How many words from i have the first n letters; exact: they must end there, else 0. */
static size_t words_of(const struct lk__words *words, size_t i, size_t n, bool exact)
{
    size_t k = 0, letters = 0;
    while (letters < n)
        letters += words->word[i + k++].length;
    return exact && letters != n ? 0 : k;
}

/* How many words from i read as the pattern; 0: none do. */
static size_t words_read(const struct lk__pattern *p, const struct lk__words *words, size_t i)
{
    if (p->kind == LK__PATTERN_NUMBER) {
        int number = number_at(words, i);
        return number >= p->low && number <= p->high;
    }
    const int32_t *text = words->letters + words->word[i].from;
    size_t n = joined_length(words, i), at = read_letters(p, text, n);
    if (p->kind == LK__PATTERN_PART) {
        size_t from = 0;
        while (at == 0 && ++from < words->word[i].length)
            at = read_letters(p, text + from, n - from);
        at = at ? from + at : 0;
    }
    return at ? words_of(words, i, at, p->kind == LK__PATTERN_WORD) : 0;
}

/* How many words from i the entry takes; 0: it is not there. */
static size_t entry_at(const struct lk__entry *entry, const struct lk__words *words, size_t i)
{
    size_t at = i;
    for (size_t k = 0; k < entry->length; k++) {
        if (at >= words->count || (k > 0 && words->word[at].before == LK__BREAK_FULL))
            return 0;
        size_t taken = words_read(&entry->pattern[k], words, at);
        if (taken == 0)
            return 0;
        at += taken;
    }
    return at - i;
}

/* ---- all entries ---- */

/* Bits of a word's mark: it lies in an exempt phrase of the operator's, of ours. */
enum { EXEMPT = 1, EXEMPT_OURS = 2 };

struct search {
    const struct lk__words *words;
    uint8_t *mark; /* [words] */
    struct lk__found *found;
    bool marking; /* first pass: exempt phrases */
};

/* Is every word of [i, i + n) marked so? */
static bool all_marked(const struct search *s, size_t i, size_t n, uint8_t bits)
{
    for (size_t k = 0; k < n; k++) {
        if (!(s->mark[i + k] & bits))
            return false;
    }
    return true;
}

static void take(struct search *s, const struct lk__entry *entry, size_t i, size_t n)
{
    if (s->marking) {
        for (size_t k = 0; k < n; k++)
            s->mark[i + k] |= entry->ours ? EXEMPT | EXEMPT_OURS : EXEMPT;
        return;
    }
    struct lk__found *found = &s->found[entry->list];
    bool strict = !all_marked(s, i, n, EXEMPT_OURS);
    found->strict |= strict;
    found->ours |= strict && entry->ours;
    found->any |= !all_marked(s, i, n, EXEMPT);
    if (!found->spoken && found->any)
        found->spoken = entry->spoken;
}

static void try_bucket(struct search *s, const struct lk__entry *entry, size_t i)
{
    for (; entry; entry = entry->next) {
        if ((entry->list == LK__EXEMPT) != s->marking)
            continue;
        size_t n = entry_at(entry, s->words, i);
        if (n > 0)
            take(s, entry, i, n);
    }
}

static void search_all(struct search *s, const struct lk__rules *rules)
{
    for (size_t i = 0; i < s->words->count; i++) {
        int32_t first = s->words->letters[s->words->word[i].from];
        try_bucket(s, rules->bucket[first % LK__BUCKETS], i);
        for (const char *other = lk__letter_readings(first); *other; other++)
            try_bucket(s, rules->bucket[*other % LK__BUCKETS], i);
        try_bucket(s, rules->bucket[LK__BUCKETS], i);
    }
}

int lk__rules_search(const struct lk__rules *rules,
                     const struct lk__words *words,
                     struct lk__found *found,
                     struct lk_error *err)
{
    struct search s = {.words = words, .found = found, .marking = true};
    memset(found, 0, LK__LISTS_MAX * sizeof *found);
    if (!(s.mark = calloc(words->count + 1, 1)))
        return lk_fail_memory(err, "the words of a prompt", words->count);
    search_all(&s, rules);
    s.marking = false;
    search_all(&s, rules);
    free(s.mark);
    return 0;
}

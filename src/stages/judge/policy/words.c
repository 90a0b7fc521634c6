// SPDX-License-Identifier: Apache-2.0
#include "stages/judge/policy/words.h"

#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include "base/size.h"

enum { MAX_BYTES = 1 << 16 };

/* ---- letters ---- */

/* Letters of other scripts that pass for Latin ones, after case folding. Words of those scripts in
 * the rules go through the same table, so nothing is lost for them. */
static const struct {
    int32_t from;
    char to;
} LOOKALIKES[] = {
    {0x131, 'i'},  {0xf8, 'o'},   {0x111, 'd'},  {0x142, 'l'},  {0x127, 'h'},  {0x192, 'f'},
    {0x167, 't'},  {0x251, 'a'},  {0x261, 'g'},  {0x269, 'i'},  {0x262, 'g'},  {0x26a, 'i'},
    {0x274, 'n'},  {0x280, 'r'},  {0x28f, 'y'},  {0x299, 'b'},  {0x29c, 'h'},  {0x29f, 'l'},
    {0x1d00, 'a'}, {0x1d04, 'c'}, {0x1d05, 'd'}, {0x1d07, 'e'}, {0x1d0a, 'j'}, {0x1d0b, 'k'},
    {0x1d0d, 'm'}, {0x1d0f, 'o'}, {0x1d18, 'p'}, {0x1d1b, 't'}, {0x1d1c, 'u'}, {0x1d20, 'v'},
    {0x1d21, 'w'}, {0x1d22, 'z'}, {0xa731, 's'}, {0x3b1, 'a'},  {0x3b2, 'b'},  {0x3b3, 'y'},
    {0x3b5, 'e'},  {0x3b7, 'n'},  {0x3b9, 'i'},  {0x3ba, 'k'},  {0x3bc, 'u'},  {0x3bd, 'v'},
    {0x3bf, 'o'},  {0x3c1, 'p'},  {0x3c4, 't'},  {0x3c5, 'u'},  {0x3c7, 'x'},  {0x3c9, 'w'},
    {0x430, 'a'},  {0x432, 'b'},  {0x435, 'e'},  {0x43a, 'k'},  {0x43c, 'm'},  {0x43d, 'h'},
    {0x43e, 'o'},  {0x43f, 'n'},  {0x440, 'p'},  {0x441, 'c'},  {0x442, 't'},  {0x443, 'y'},
    {0x445, 'x'},  {0x455, 's'},  {0x456, 'i'},  {0x458, 'j'},  {0x4bb, 'h'},  {0x4cf, 'l'},
    {0x501, 'd'},  {0x51b, 'q'},  {0x51d, 'w'},  {0x570, 'h'},  {0x578, 'n'},  {0x57d, 'u'},
    {0x581, 'g'},  {0x585, 'o'},
};

static int32_t lookalike(int32_t c)
{
    for (size_t i = 0; i < LK_ARRAY_LENGTH(LOOKALIKES); i++) {
        if (LOOKALIKES[i].from == c)
            return LOOKALIKES[i].to;
    }
    return c;
}

const char *lk__letter_readings(int32_t c)
{
    static const struct {
        char sign;
        const char *means;
    } SIGNS[] = {
        {'0', "o"}, {'1', "il"}, {'3', "e"}, {'4', "a"}, {'5', "s"}, {'6', "g"},
        {'7', "t"}, {'8', "b"},  {'9', "g"}, {'@', "a"}, {'$', "s"}, {'!', "il"},
    };
    for (size_t i = 0; i < LK_ARRAY_LENGTH(SIGNS); i++) {
        if (SIGNS[i].sign == c)
            return SIGNS[i].means;
    }
    return "";
}

bool lk__letter_reads(int32_t c, int32_t w)
{
    return c == w || c == '*' || (w < 128 && w > 0 && strchr(lk__letter_readings(c), (char)w));
}

bool lk__letter_runs_on(int32_t c)
{
    static const int32_t BLOCKS[][2] = {
        {0xe00, 0xeff},   {0x1000, 0x109f}, {0x1100, 0x11ff}, {0x1780, 0x17ff},
        {0x3040, 0x312f}, {0x3400, 0x9fff}, {0xac00, 0xd7ff}, {0x20000, 0x3ffff},
    };
    for (size_t i = 0; i < LK_ARRAY_LENGTH(BLOCKS); i++) {
        if (c >= BLOCKS[i][0] && c <= BLOCKS[i][1])
            return true;
    }
    return false;
}

int lk__fold(const char *text, size_t size, int32_t **letters, size_t *count)
{
    utf8proc_uint8_t *folded = NULL;
    utf8proc_ssize_t length =
        utf8proc_map((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)size, &folded,
                     UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD |
                         UTF8PROC_IGNORE | UTF8PROC_STRIPMARK);
    int32_t *made = length < 0 ? NULL : malloc(((size_t)length + 1) * sizeof *made);
    size_t n = 0;
    for (utf8proc_ssize_t at = 0; made && at < length;) {
        utf8proc_int32_t c;
        utf8proc_ssize_t step = utf8proc_iterate(folded + at, length - at, &c);
        if (step <= 0)
            break;
        at += step;
        made[n++] = lookalike(c);
    }
    free(folded);
    if (!made)
        return -1;
    *letters = made;
    *count = n;
    return 0;
}

/* ---- words ---- */

enum kind { SPACE, STOP, JOINER, SIGN, APOSTROPHE, DIGIT, LETTER };

/* A sign is part of a word only inside or before it ("pr0n!" ends at the exclamation mark). */
static enum kind kind_of(int32_t c)
{
    if (c < 128 && c > ' ' && strchr("*@$!", (char)c))
        return SIGN;
    if (c == '\'' || c == '`' || c == 0x2018 || c == 0x2019 || c == 0x2bc)
        return APOSTROPHE;
    if (c == ',' || c == ';' || c == '?' || c == 0x3001 || c == 0x3002)
        return STOP;
    if ((c >= 9 && c <= 13) || c == 0x85)
        return SPACE;
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
        return SPACE;
    case UTF8PROC_CATEGORY_ND:
        return DIGIT;
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
        return LETTER;
    default:
        return JOINER;
    }
}

/* A text on its way to words. */
struct cutting {
    const int32_t *text;
    size_t size, at;
    struct lk__words out;
    size_t letters;      /* written */
    enum lk__break next; /* what stands between the last word and the next */
    enum kind last;      /* of the letter before; DIGIT or LETTER inside a word, else JOINER */
};

static bool is_of_number(int32_t c)
{
    return (c >= '0' && c <= '9') || c == '.' || c == '+' || c == '-' || c == ' ';
}

/* ":1.3" before a closing bracket is a weight of the prompt grammar: nothing of the word. */
static size_t weight_at(const struct cutting *c)
{
    size_t at = c->at;
    if (c->text[at++] != ':')
        return 0;
    while (at < c->size && is_of_number(c->text[at]))
        at++;
    return at < c->size && (c->text[at] == ')' || c->text[at] == ']') ? at - c->at : 0;
}

static bool goes_on(const struct cutting *c)
{
    if (c->at + 1 >= c->size)
        return false;
    enum kind next = kind_of(c->text[c->at + 1]);
    return next == LETTER || next == DIGIT || next == SIGN;
}

static void add_letter(struct cutting *c, enum kind kind)
{
    struct lk__words *out = &c->out;
    if (c->last != kind)
        out->word[out->count++] = (struct lk__word){.from = c->letters, .before = c->next};
    out->letters[c->letters++] = c->text[c->at];
    out->word[out->count - 1].length++;
    c->next = LK__BREAK_NONE;
    c->last = kind;
}

static void add_break(struct cutting *c, enum lk__break kind)
{
    if (kind > c->next)
        c->next = kind;
    c->last = JOINER;
}

/* A full stop ends a phrase only before white space: "n.u.d.e". */
static bool ends_sentence(const struct cutting *c)
{
    return c->text[c->at] == '.' && c->at + 1 < c->size && kind_of(c->text[c->at + 1]) == SPACE;
}

static void cut(struct cutting *c)
{
    for (; c->at < c->size; c->at++) {
        enum kind kind = kind_of(c->text[c->at]);
        size_t weight = weight_at(c);
        if (weight > 0) {
            c->at += weight - 1;
            c->last = JOINER;
        } else if (kind == LETTER || kind == DIGIT) {
            add_letter(c, kind);
        } else if (kind == SIGN && goes_on(c) && (c->text[c->at] != '*' || c->last == LETTER)) {
            add_letter(c, LETTER);
        } else if (kind == SPACE) {
            add_break(c, LK__BREAK_SPACE);
        } else if (kind == STOP || ends_sentence(c)) {
            add_break(c, LK__BREAK_FULL);
        } else if (kind != APOSTROPHE) {
            add_break(c, LK__BREAK_NONE);
        }
    }
}

/* "n u d e": white space beside a lone letter may be there to hide a word. Lone letters that are
 * words themselves count only beside another one. */
static void join_lone_letters(struct lk__words *words)
{
    bool was_lone = false, was_free = false;
    for (size_t i = 0; i < words->count; i++) {
        int32_t c = words->letters[words->word[i].from];
        bool lone = words->word[i].length == 1;
        bool free_standing = lone && !(c < 128 && strchr("aeiouy", (char)c));
        bool joins = (lone && was_lone) || free_standing || was_free;
        if (i > 0 && joins && words->word[i].before == LK__BREAK_SPACE)
            words->word[i].before = LK__BREAK_NONE;
        was_lone = lone;
        was_free = free_standing;
    }
}

int lk__words_of(const char *text, const char *option, struct lk__words *out, struct lk_error *err)
{
    size_t bytes = strlen(text), size;
    int32_t *folded;
    if (bytes > MAX_BYTES)
        return lk_fail(err, LK_E_INPUT, "%s is longer than %d KiB: shorten it", option,
                       MAX_BYTES >> 10);
    if (lk__fold(text, bytes, &folded, &size))
        return lk_fail(err, LK_E_INPUT, "%s is not valid UTF-8: set the terminal to UTF-8", option);
    struct cutting c = {.text = folded, .size = size, .last = JOINER};
    c.out.letters = malloc((size + 1) * sizeof *c.out.letters);
    c.out.word = malloc((size + 1) * sizeof *c.out.word);
    if (!c.out.letters || !c.out.word) {
        free(folded);
        lk__words_free(&c.out);
        return lk_fail_memory(err, "the words of a prompt", size * sizeof *c.out.word);
    }
    cut(&c);
    join_lone_letters(&c.out);
    free(folded);
    *out = c.out;
    return 0;
}

void lk__words_free(struct lk__words *words)
{
    free(words->letters);
    free(words->word);
    *words = (struct lk__words){0};
}

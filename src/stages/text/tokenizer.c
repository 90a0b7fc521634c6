// SPDX-License-Identifier: Apache-2.0
/* Text to tokens. The order of the steps is transformers': composing before lower case, lower case
 * letter by letter (no final sigma), special tokens found in what came out.
 *
 * Merging: the pair of lowest rank anywhere in the piece merges first, of equal ones the leftmost.
 * Ranks of neighbouring pairs are kept in an array beside the tokens, so that a round looks up only
 * the pairs it changed. */
#include "stages/text/tokenizer.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include "base/size.h"
#include "stages/text/vocabulary.h"

struct lk_tokenizer {
    struct lk__vocabulary vocabulary;
};

int lk_tokenizer_open(const char *folder, lk_tokenizer **out, struct lk_error *err)
{
    lk_tokenizer *tokenizer = calloc(1, sizeof *tokenizer);
    if (!tokenizer)
        return lk_fail_memory(err, "a tokenizer", sizeof *tokenizer);
    int code = lk__vocabulary_open(folder, &tokenizer->vocabulary, err);
    if (code) {
        free(tokenizer);
        return code;
    }
    *out = tokenizer;
    return 0;
}

void lk_tokenizer_free(lk_tokenizer *tokenizer)
{
    if (!tokenizer)
        return;
    lk__vocabulary_close(&tokenizer->vocabulary);
    free(tokenizer);
}

int lk_tokenizer_size(const lk_tokenizer *tokenizer)
{
    return tokenizer->vocabulary.size;
}

/* ---- letters ---- */

enum kind { SPACE, LETTER, NUMBER, OTHER };

/* Unicode's White_Space, which is \s of the reference: category Z plus six controls. */
static bool is_space(utf8proc_int32_t c)
{
    if ((c >= 9 && c <= 13) || c == 0x85)
        return true;
    utf8proc_category_t category = utf8proc_category(c);
    return category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL ||
           category == UTF8PROC_CATEGORY_ZP;
}

static enum kind kind_of(utf8proc_int32_t c)
{
    if (is_space(c))
        return SPACE;
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
        return LETTER;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
        return NUMBER;
    default:
        return OTHER;
    }
}

/* Blocks of the Latin script; ª and º lie in the first. */
static bool is_latin(utf8proc_int32_t c)
{
    static const utf8proc_int32_t BLOCKS[][2] = {
        {0, 0x2af},       {0x1d00, 0x1dbf}, {0x1e00, 0x1eff}, {0x2071, 0x209c}, {0x2c60, 0x2c7f},
        {0xa722, 0xa7ff}, {0xab30, 0xab6f}, {0xfb00, 0xfb06}, {0xff21, 0xff5a},
    };
    for (size_t i = 0; i < LK_ARRAY_LENGTH(BLOCKS); i++)
        if (c >= BLOCKS[i][0] && c <= BLOCKS[i][1])
            return true;
    return false;
}

/* ---- normal form ---- */

/* Special tokens that people write into prompts. transformers finds the end token in the text as it
 * is written, the start token in the normal form, and so in any case. */
static const char START[] = "<|startoftext|>", END[] = "<|endoftext|>";
enum { END_MARK = -1 }; /* a "letter": the end token was here */

struct text {
    utf8proc_int32_t *letters; /* [count] normalised code points, and END_MARK */
    size_t count;
};

/* Appends one letter of NFC: runs of white space become one space, lower case. */
static void add_letter(struct text *to, utf8proc_int32_t c)
{
    if (is_space(c)) {
        if (to->count == 0 || to->letters[to->count - 1] != ' ')
            to->letters[to->count++] = ' ';
        return;
    }
    to->letters[to->count++] = c == 0x130 ? 'i' : utf8proc_tolower(c);
    if (c == 0x130) /* İ: the one letter whose lower case is two */
        to->letters[to->count++] = 0x307;
}

/* utf8proc sorts the marks that follow a letter by insertion. */
static int check_marks(const char *text, size_t size, const char *option, struct lk_error *err)
{
    const utf8proc_uint8_t *at = (const utf8proc_uint8_t *)text, *end = at + size;
    utf8proc_int32_t c;
    utf8proc_ssize_t step;
    for (int marks = 0; at < end; at += step) {
        step = utf8proc_iterate(at, end - at, &c);
        if (step <= 0) /* utf8proc_map says so */
            return 0;
        utf8proc_category_t category = utf8proc_category(c);
        bool mark = category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_MC ||
                    category == UTF8PROC_CATEGORY_ME;
        marks = mark ? marks + 1 : 0;
        if (marks > LK_PROMPT_MAX_MARKS)
            return lk_fail(err, LK_E_INPUT, "%s puts more than %d marks on one letter: remove them",
                           option, LK_PROMPT_MAX_MARKS);
    }
    return 0;
}

/* Appends text[size], which holds no end token. `to` has room for two letters a byte: NFC makes at
 * most one of each byte, İ at most two of that. */
static int normalise_part(
    const char *text, size_t size, const char *option, struct text *to, struct lk_error *err)
{
    utf8proc_uint8_t *nfc = NULL;
    int code = check_marks(text, size, option, err);
    if (code)
        return code;
    utf8proc_ssize_t length = utf8proc_map((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)size,
                                           &nfc, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    if (length == UTF8PROC_ERROR_INVALIDUTF8)
        return lk_fail(err, LK_E_INPUT, "%s is not valid UTF-8: set the terminal to UTF-8", option);
    if (length < 0)
        return lk_fail_memory(err, "a prompt", size);
    for (utf8proc_ssize_t at = 0; at < length;) {
        utf8proc_int32_t c;
        utf8proc_ssize_t step = utf8proc_iterate(nfc + at, length - at, &c);
        if (step <= 0)
            break;
        at += step;
        add_letter(to, c);
    }
    free(nfc);
    return 0;
}

static int normalise(const char *text, const char *option, struct text *out, struct lk_error *err)
{
    size_t size = strlen(text);
    if (size > LK_PROMPT_MAX_BYTES)
        return lk_fail(err, LK_E_INPUT, "%s is longer than %zu KiB: shorten it", option,
                       LK_PROMPT_MAX_BYTES >> 10);
    struct text to = {malloc((2 * size + 1) * sizeof *to.letters), 0};
    if (!to.letters)
        return lk_fail_memory(err, "a prompt", (2 * size + 1) * sizeof *to.letters);
    int code = 0;
    while (!code && *text) {
        const char *mark = strstr(text, END);
        size_t length = mark ? (size_t)(mark - text) : strlen(text);
        if (length > 0)
            code = normalise_part(text, length, option, &to, err);
        text += length;
        if (mark) {
            to.letters[to.count++] = END_MARK;
            text += sizeof END - 1;
        }
    }
    if (code) {
        free(to.letters);
        return code;
    }
    *out = to;
    return 0;
}

/* ---- pieces ---- */

/* Does ASCII `word` stand at letters[at]? Returns its length or 0. */
static size_t starts_with(const struct text *text, size_t at, const char *word)
{
    size_t length = strlen(word);
    if (length > text->count - at)
        return 0;
    for (size_t i = 0; i < length; i++)
        if (text->letters[at + i] != word[i])
            return 0;
    return length;
}

/* The special token at letters[at]; *length is 0 when there is none. */
static int32_t special_at(const struct lk__vocabulary *v,
                          const struct text *text,
                          size_t at,
                          size_t *length)
{
    if (text->letters[at] == END_MARK) {
        *length = 1;
        return v->end;
    }
    *length = starts_with(text, at, START);
    return v->start;
}

/* Length of the piece at letters[at], which is no space; a special token ends it. */
static size_t piece_length(const struct lk__vocabulary *v, const struct text *text, size_t at)
{
    static const char *const CONTRACTIONS[] = {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"};
    for (size_t i = 0; i < LK_ARRAY_LENGTH(CONTRACTIONS); i++) {
        size_t length = starts_with(text, at, CONTRACTIONS[i]);
        if (length > 0)
            return length;
    }
    enum kind kind = kind_of(text->letters[at]);
    if (kind == NUMBER)
        return 1;
    size_t n = 1, special = 0;
    for (; at + n < text->count && kind_of(text->letters[at + n]) == kind; n++) {
        special_at(v, text, at + n, &special);
        if (special > 0)
            break;
    }
    return n;
}

/* ---- merges ---- */

/* One piece being merged: tokens [count], merge[i] of tokens i and i + 1 (NULL: they do not). */
struct piece {
    int32_t *tokens;
    const struct lk__merge **merge;
    size_t count;
};

static const struct lk__merge *lowest(const struct piece *p)
{
    const struct lk__merge *best = NULL;
    for (size_t i = 0; i + 1 < p->count; i++)
        if (p->merge[i] && (!best || p->merge[i]->rank < best->rank))
            best = p->merge[i];
    return best;
}

/* Applies one merge wherever it stands, left to right and in place: `to` trails behind `from`. */
static void apply(const struct lk__vocabulary *v, struct piece *p, const struct lk__merge *best)
{
    size_t to = 0;
    bool before = false; /* the token at to − 1 is new */
    for (size_t from = 0, width; from < p->count; from += width, to++) {
        bool merges = from + 1 < p->count && p->merge[from] == best;
        width = merges ? 2 : 1;
        p->tokens[to] = merges ? best->token : p->tokens[from];
        if (to > 0 && (merges || before))
            p->merge[to - 1] = lk__vocabulary_merge(v, p->tokens[to - 1], p->tokens[to]);
        if (from + width < p->count)
            p->merge[to] = p->merge[from + width - 1];
        before = merges;
    }
    p->count = to;
}

/* Letters [from, from + n) become tokens at p->tokens; room for four bytes a letter. */
static void encode_piece(const struct lk__vocabulary *v,
                         const utf8proc_int32_t *letters,
                         size_t n,
                         struct piece *p)
{
    p->count = 0;
    for (size_t i = 0; i < n; i++) {
        utf8proc_uint8_t bytes[4];
        utf8proc_ssize_t length = utf8proc_encode_char(letters[i], bytes);
        for (utf8proc_ssize_t b = 0; b < length; b++) {
            bool last = i + 1 == n && b + 1 == length;
            p->tokens[p->count++] = last ? v->last[bytes[b]] : v->inner[bytes[b]];
        }
    }
    for (size_t i = 0; i + 1 < p->count; i++)
        p->merge[i] = lk__vocabulary_merge(v, p->tokens[i], p->tokens[i + 1]);
    for (const struct lk__merge *best; (best = lowest(p));)
        apply(v, p, best);
}

/* ids and merge have room for four bytes a letter; a piece is encoded where its ids belong. */
static void add_piece(const struct lk__vocabulary *v,
                      const struct text *text,
                      size_t at,
                      size_t length,
                      const struct lk__merge **merge,
                      struct lk_tokens *out)
{
    struct piece piece = {out->ids + out->count, merge, 0};
    encode_piece(v, text->letters + at, length, &piece);
    out->count += piece.count;
}

static void encode_text(const struct lk__vocabulary *v,
                        const struct text *text,
                        const struct lk__merge **merge,
                        struct lk_tokens *out)
{
    for (size_t at = 0, length; at < text->count; at += length) {
        int32_t special = special_at(v, text, at, &length);
        if (length > 0) {
            out->ids[out->count++] = special;
            continue;
        }
        if (text->letters[at] == ' ') {
            length = 1;
            continue;
        }
        if ((length = starts_with(text, at, END)) > 0) { /* in capitals: a word in brackets */
            add_piece(v, text, at, 2, merge, out);
            add_piece(v, text, at + 2, length - 4, merge, out);
            add_piece(v, text, at + length - 2, 2, merge, out);
            continue;
        }
        length = piece_length(v, text, at);
        add_piece(v, text, at, length, merge, out);
    }
}

int lk_tokenizer_encode(const lk_tokenizer *tokenizer,
                        const char *text,
                        const char *option,
                        struct lk_tokens *out,
                        struct lk_error *err)
{
    struct text normal = {0};
    int code = normalise(text, option, &normal, err);
    if (code)
        return code;
    size_t room = 4 * normal.count + 1;
    struct lk_tokens tokens = {.ids = malloc(room * sizeof *tokens.ids)};
    const struct lk__merge **merge = malloc(room * sizeof *merge);
    if (tokens.ids && merge) {
        encode_text(&tokenizer->vocabulary, &normal, merge, &tokens);
        for (size_t i = 0; i < normal.count; i++)
            if (kind_of(normal.letters[i]) == LETTER && !is_latin(normal.letters[i]))
                tokens.unreadable++;
        *out = tokens;
    } else {
        free(tokens.ids);
        code = lk_fail_memory(err, "a prompt", room * (sizeof *tokens.ids + sizeof *merge));
    }
    free(merge);
    free(normal.letters);
    return code;
}

void lk_tokens_free(struct lk_tokens *tokens)
{
    free(tokens->ids);
    *tokens = (struct lk_tokens){0};
}

size_t lk_tokenizer_window(const lk_tokenizer *tokenizer,
                           const struct lk_tokens *tokens,
                           size_t length,
                           int64_t *out)
{
    const struct lk__vocabulary *v = &tokenizer->vocabulary;
    size_t kept = tokens->count < length - 2 ? tokens->count : length - 2;
    out[0] = v->start;
    for (size_t i = 0; i < kept; i++)
        out[1 + i] = tokens->ids[i];
    out[1 + kept] = v->end;
    for (size_t i = kept + 2; i < length; i++)
        out[i] = v->pad;
    return tokens->count - kept;
}

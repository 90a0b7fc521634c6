// SPDX-License-Identifier: Apache-2.0
/* One pass: pieces are added with weight 1; a closing bracket multiplies all that were added since
 * its opening one. Weights are multiplied in the WebUI's order, so that they are equal to the last
 * bit.
 *
 * In brackets of emphasis BREAK is a break too. (The WebUI multiplies its mark and then reads the
 * word "break".) */
#include "stages/text/emphasis.h"

#include <stdlib.h>
#include <string.h>

#include "stages/text/letters.h"

static const double ROUND = 1.1, SQUARE = 1 / 1.1;

struct reader {
    struct lk_pieces out;
    char *end;              /* of the texts written */
    size_t *round, *square; /* stacks: how many pieces there were at each open bracket */
    size_t rounds, squares;
};

static void add(struct reader *r, const char *text, size_t size, bool is_break)
{
    r->out.pieces[r->out.count++] = (struct lk_piece){r->end, 1, is_break};
    memcpy(r->end, text, size);
    r->end[size] = 0;
    r->end += size + 1;
}

static void multiply_from(struct reader *r, size_t piece, double weight)
{
    for (; piece < r->out.count; piece++)
        r->out.pieces[piece].weight *= weight;
}

/* Adds text[size] without signs, cut at the word BREAK. */
static void add_plain(struct reader *r, const char *text, size_t size)
{
    static const char WORD[] = "BREAK";
    const char *const end = text + size;
    for (const char *at; (at = lk__find_word(text, (size_t)(end - text), WORD));) {
        add(r, text, (size_t)(at - text), false);
        add(r, "", 0, true);
        text = at + sizeof WORD - 1;
    }
    add(r, text, (size_t)(end - text), false);
}

/* At ":": length of ":1.3)" and its number; 0: it is none. */
static size_t read_weight(const char *text, double *weight)
{
    const char *at = text + 1;
    while (lk__is_space(*at))
        at++;
    char *end;
    const size_t sign = *at == '+' || *at == '-', digits = strspn(at + sign, ".0123456789");
    const char *number = at;
    at += sign + digits;
    while (lk__is_space(*at))
        at++;
    if (digits == 0 || *at != ')')
        return 0;
    *weight = strtod(number, &end);
    return end == number + sign + digits ? (size_t)(at - text) + 1 : 0;
}

/* Reads what stands at text; returns its length. */
static size_t read_next(struct reader *r, const char *text)
{
    double weight;
    size_t length = 0;
    switch (*text) {
    case '\\':
        length = text[1] && strchr("()[]\\", text[1]) ? 2 : 1;
        add(r, text + 1, length - 1, false);
        return length;
    case '(':
        r->round[r->rounds++] = r->out.count;
        return 1;
    case '[':
        r->square[r->squares++] = r->out.count;
        return 1;
    case ':':
        length = read_weight(text, &weight);
        if (length > 0 && r->rounds > 0)
            multiply_from(r, r->round[--r->rounds], weight);
        else
            add(r, text, length > 0 ? length : 1, false);
        return length > 0 ? length : 1;
    case ')':
        if (r->rounds == 0)
            break;
        multiply_from(r, r->round[--r->rounds], ROUND);
        return 1;
    case ']':
        if (r->squares == 0)
            break;
        multiply_from(r, r->square[--r->squares], SQUARE);
        return 1;
    default:
        length = strcspn(text, "\\()[]:");
        add_plain(r, text, length);
        return length;
    }
    add(r, text, 1, false);
    return 1;
}

/* Neighbours of one weight become one, their texts moved together. */
static void merge(struct lk_pieces *all)
{
    size_t n = 0;
    char *end = all->pieces[0].text + strlen(all->pieces[0].text);
    for (size_t i = 1; i < all->count; i++) {
        const struct lk_piece *last = &all->pieces[n], next = all->pieces[i];
        const size_t size = strlen(next.text);
        if (last->weight == next.weight && !last->is_break && !next.is_break) {
            memmove(end, next.text, size + 1);
            end += size;
        } else {
            all->pieces[++n] = next;
            end = next.text + size;
        }
    }
    all->count = n + 1;
}

int lk_emphasis_read(const char *text, struct lk_pieces *out, struct lk_error *err)
{
    /* "BREAK" makes three pieces of five bytes, nothing else more than one of each byte. */
    const size_t size = strlen(text), room = size + 1;
    size_t *stacks = malloc(2 * room * sizeof *stacks);
    struct reader r = {.round = stacks, .square = stacks + room};
    r.out.pieces = malloc(room * sizeof *r.out.pieces);
    r.out.memory = r.end = malloc(2 * room);
    int rc = 0;
    if (stacks && r.out.pieces && r.out.memory) {
        for (size_t at = 0; at < size;)
            at += read_next(&r, text + at);
        while (r.rounds > 0)
            multiply_from(&r, r.round[--r.rounds], ROUND);
        while (r.squares > 0)
            multiply_from(&r, r.square[--r.squares], SQUARE);
        if (r.out.count == 0)
            add(&r, "", 0, false);
        merge(&r.out);
        *out = r.out;
    } else {
        lk_pieces_free(&r.out);
        rc = lk_fail_memory(err, "a prompt", 16 * room);
    }
    free(stacks);
    return rc;
}

void lk_pieces_free(struct lk_pieces *pieces)
{
    free(pieces->pieces);
    free(pieces->memory);
    *pieces = (struct lk_pieces){0};
}

// SPDX-License-Identifier: Apache-2.0
#include "pipeline/faces/choosing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"

/* An order by a number of each face: the least comes first. INFINITY: never. */
struct lk__place_order {
    const char *name;
    float (*key)(const struct lk__place *place,
                 const struct lk__sight *sight,
                 const struct lk_face *face);
};

static float middle(const struct lk_face *face, int axis)
{
    return (face->box[axis] + face->box[axis + 2]) / 2;
}

static float by_left(const struct lk__place *p, const struct lk__sight *s, const struct lk_face *f)
{
    (void)p, (void)s;
    return middle(f, 0);
}

static float by_right(const struct lk__place *p, const struct lk__sight *s, const struct lk_face *f)
{
    return -by_left(p, s, f);
}

static float by_top(const struct lk__place *p, const struct lk__sight *s, const struct lk_face *f)
{
    (void)p, (void)s;
    return middle(f, 1);
}

static float by_bottom(const struct lk__place *p,
                       const struct lk__sight *s,
                       const struct lk_face *f)
{
    return -by_top(p, s, f);
}

static float by_smallest(const struct lk__place *p,
                         const struct lk__sight *s,
                         const struct lk_face *f)
{
    (void)p, (void)s;
    return (f->box[2] - f->box[0]) * (f->box[3] - f->box[1]);
}

static float by_largest(const struct lk__place *p,
                        const struct lk__sight *s,
                        const struct lk_face *f)
{
    return -by_smallest(p, s, f);
}

static float by_worst(const struct lk__place *p, const struct lk__sight *s, const struct lk_face *f)
{
    (void)p, (void)s;
    return f->score;
}

static float by_best(const struct lk__place *p, const struct lk__sight *s, const struct lk_face *f)
{
    return -by_worst(p, s, f);
}

static float by_center(const struct lk__place *p,
                       const struct lk__sight *s,
                       const struct lk_face *f)
{
    (void)p;
    return hypotf(middle(f, 0) - (float)s->width / 2, middle(f, 1) - (float)s->height / 2);
}

static float by_point(const struct lk__place *p, const struct lk__sight *s, const struct lk_face *f)
{
    const float side[2] = {(float)s->width, (float)s->height};
    float off[2];
    for (int k = 0; k < 2; k++)
        off[k] = middle(f, k) - (p->at_percent[k] ? p->at[k] * side[k] / 100 : p->at[k]);
    return hypotf(off[0], off[1]);
}

/* Nobody who is not like that person at all. */
static float by_likeness(const struct lk__place *p,
                         const struct lk__sight *s,
                         const struct lk_face *f)
{
    (void)p;
    float cosine = s->like ? lk_embedding_cosine(s->like, &f->embedding) : NAN;
    return cosine >= s->same_person ? -cosine : INFINITY;
}

static const struct lk__place_order orders[] = {
    {"largest", by_largest}, {"smallest", by_smallest}, {"left", by_left},     {"right", by_right},
    {"top", by_top},         {"bottom", by_bottom},     {"best", by_best},     {"worst", by_worst},
    {"center", by_center},   {"at", by_point},          {"like", by_likeness},
};

/* ---- reading ---- */

enum { MOST_TEXT = 64, MOST_INDEX = 9999, OLDEST = 150 };

static const struct lk__place_order *order_named(const char *name)
{
    for (size_t i = 0; i < LK_ARRAY_LENGTH(orders); i++) {
        if (!strcmp(orders[i].name, name))
            return &orders[i];
    }
    return NULL;
}

/* Digits alone. */
static bool read_index(const char *text, int *out)
{
    size_t n = strspn(text, "0123456789");
    if (!n || n > 4 || text[n])
        return false;
    *out = (int)strtol(text, NULL, 10);
    return *out <= MOST_INDEX;
}

/* LOW-HIGH, of which one may be left out. */
static bool read_ages(const char *text, struct lk__place *out)
{
    const char *dash = strchr(text, '-');
    char low[MOST_TEXT] = "";
    int years[2] = {0, OLDEST};
    if (!dash || (dash == text && !dash[1]))
        return false;
    memcpy(low, text, (size_t)(dash - text));
    if ((*low && !read_index(low, &years[0])) || (dash[1] && !read_index(dash + 1, &years[1])))
        return false;
    out->age_low = (float)years[0];
    out->age_high = (float)years[1];
    return years[0] <= years[1];
}

/* XxY, each with a % behind it or in pixels. */
static bool read_point(const char *text, struct lk__place *out)
{
    for (int k = 0; k < 2; k++) {
        size_t n = strspn(text, "0123456789.");
        char *end;
        if (!n || n > 9)
            return false;
        out->at[k] = strtof(text, &end);
        if (end != text + n)
            return false;
        out->at_percent[k] = *end == '%';
        text = end + out->at_percent[k];
        if (k == 0 && *text++ != 'x')
            return false;
    }
    return !*text && isfinite(out->at[0]) && isfinite(out->at[1]);
}

static bool read_filter(const char *word, const char *rest, struct lk__place *out)
{
    const bool woman = !strcmp(word, "woman"), man = !strcmp(word, "man");
    if (woman || man)
        out->gender = woman ? 'f' : 'm';
    return ((woman || man) && !rest) || (!strcmp(word, "age") && rest && read_ages(rest, out));
}

static bool read_order(const char *word, const char *rest, struct lk__place *out)
{
    out->all = !strcmp(word, "all") && !rest;
    if (out->all)
        return true;
    if (read_index(word, &out->index)) {
        out->order = order_named("left");
        return !rest;
    }
    out->order = order_named(word);
    if (!out->order)
        return false;
    if (out->order->key == by_point)
        return rest && read_point(rest, out);
    return !rest || (out->order->key != by_likeness && read_index(rest, &out->index));
}

bool lk__place_read(const char *text, struct lk__place *out)
{
    struct lk__place place = {.order = &orders[0], .age_high = OLDEST};
    char copy[MOST_TEXT], *at = copy;
    bool is_last = !text;
    if (text && snprintf(copy, sizeof copy, "%s", text) >= (int)sizeof copy)
        return false;
    while (!is_last) {
        char *plus = strchr(at, '+'), *colon;
        is_last = !plus;
        if (plus)
            *plus = 0;
        colon = strchr(at, ':');
        if (colon)
            *colon = 0;
        const char *rest = colon ? colon + 1 : NULL;
        if (!read_filter(at, rest, &place) && (!is_last || !read_order(at, rest, &place)))
            return false;
        at = plus ? plus + 1 : at;
    }
    *out = place;
    return true;
}

/* ---- choosing ---- */

bool lk__place_has_filter(const struct lk__place *place)
{
    return place->gender || place->age_low > 0 || place->age_high < OLDEST;
}

bool lk__place_is_likeness(const struct lk__place *place)
{
    return place->order && place->order->key == by_likeness;
}

static bool passes(const struct lk__place *place, const struct lk_face *face)
{
    const bool any_age = place->age_low <= 0 && place->age_high >= OLDEST;
    return (!place->gender || place->gender == face->gender) &&
           (any_age || (face->age >= place->age_low && face->age <= place->age_high));
}

bool lk__place_takes(const struct lk__place *place, const struct lk__sight *sight, size_t i)
{
    if (!passes(place, &sight->faces[i].face))
        return false;
    if (place->all)
        return true;
    const float own = place->order->key(place, sight, &sight->faces[i].face);
    int before = 0;
    for (size_t k = 0; k < sight->n; k++) {
        float other = place->order->key(place, sight, &sight->faces[k].face);
        before += passes(place, &sight->faces[k].face) && (other < own || (other == own && k < i));
    }
    return own < INFINITY && before == place->index;
}

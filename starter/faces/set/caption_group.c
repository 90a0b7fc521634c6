// SPDX-License-Identifier: Apache-2.0
/* Captions of two and three people: how many, who, and who is where. The places are the viewer's
 * and go by shot.cx; people[] is in drawing order.
 */
#include <string.h>

#include "words.h"

struct group {
    struct rng *r;
    int n;
    const struct person *at[PEOPLE_MAX]; /* left to right */
    bool opened;                         /* with "@picture of " */
};

static const char *const counts[PEOPLE_MAX + 1][2] = {
    {"", ""}, {"", ""}, {"two", "2"}, {"three", "3"}};

static struct group group_of(struct rng *r, const struct picture *p)
{
    struct group g = {.r = r, .n = p->people};
    for (int i = 0; i < g.n; i++) {
        int j = i;
        for (; j > 0 && g.at[j - 1]->shot.cx > p->person[i].shot.cx; j--)
            g.at[j] = g.at[j - 1];
        g.at[j] = &p->person[i];
    }
    return g;
}

static void say_count(struct text *t, struct rng *r, int n, const char *noun)
{
    text_say(t, counts[n][rng_chance(r, 0.1f)]);
    text_say(t, " ");
    text_say(t, noun);
}

static bool all_children(const struct group *g)
{
    for (int i = 0; i < g->n; i++)
        if (g->at[i]->look.age != CHILD)
            return false;
    return true;
}

/* "two women", "@man and two girls", "three people" */
static void say_kinds(struct text *t, const struct group *g)
{
    const struct look *kind[PEOPLE_MAX];
    int count[PEOPLE_MAX] = {0}, kinds = 0;
    for (int i = 0; i < g->n; i++) {
        int k = 0;
        while (k < kinds && strcmp(noun_plain(&g->at[i]->look, false), noun_plain(kind[k], false)))
            k++;
        kind[k] = &g->at[i]->look;
        kinds += k == kinds;
        count[k]++;
    }
    if (kinds == 3 || rng_chance(g->r, 0.3f)) {
        bool young = all_children(g) && rng_chance(g->r, 0.7f);
        say_count(t, g->r, g->n, young ? (rng_chance(g->r, 0.5f) ? "children" : "kids") : "people");
        return;
    }
    for (int k = 0, from = rng_below(g->r, kinds); k < kinds; k++) {
        int which = (from + k) % kinds;
        text_say(t, k ? " and " : "");
        if (count[which] > 1) {
            say_count(t, g->r, count[which], noun_plain(kind[which], true));
        } else {
            text_say(t, "@");
            text_say(t, noun_plain(kind[which], false));
        }
    }
}

/* One person of the group, briefly. */
static void say_member(struct text *t, struct rng *r, const struct person *p, int n)
{
    struct subject s = {.r = r, .p = p};
    text_say(t, "@");
    say_noun(t, &s, 0.2f);
    if (rng_chance(r, 0.7f))
        say_objects(t, &s, 0.8f, n == 2 ? 2 : 1);
    else
        say_worn(t, &s, 0.8f, 1, "");
}

/* "@man on the left and @girl with braids on the right", from either side */
static void say_placed(struct text *t, const struct group *g)
{
    static const char *const places[PEOPLE_MAX + 1][PEOPLE_MAX] = {
        [2] = {"on the left", "on the right"},
        [3] = {"on the left", "in the middle", "on the right"}};
    bool back = rng_chance(g->r, 0.3f), first = !g->opened && rng_chance(g->r, 0.3f);
    for (int i = 0; i < g->n; i++) {
        int k = back ? g->n - 1 - i : i;
        text_say(t, text_link(i, g->n));
        if (first) {
            text_say(t, places[g->n][k]);
            text_say(t, " is ");
        }
        say_member(t, g->r, g->at[k], g->n);
        if (!first) {
            text_say(t, " ");
            text_say(t, places[g->n][k]);
        }
    }
}

/* "@boy between @man and @woman" */
static void say_between(struct text *t, const struct group *g)
{
    struct group sides = {.r = g->r, .n = 2, .at = {g->at[0], g->at[2]}};
    say_member(t, g->r, g->at[1], 2);
    text_say(t, " between ");
    say_kinds(t, &sides);
}

static void say_side_by_side(struct text *t, const struct group *g)
{
    static const char *const links[] = {" and ", " next to ", " and ", " beside "};
    int first = rng_below(g->r, g->n);
    for (int i = 0; i < g->n; i++) {
        const char *link = g->n == 2 ? pick(g->r, links, COUNT_OF(links)) : i == 1 ? ", " : " and ";
        text_say(t, i ? link : "");
        say_member(t, g->r, g->at[(first + i) % g->n], g->n);
    }
}

static void say_count_and_places(struct text *t, const struct group *g)
{
    say_kinds(t, g);
    text_say(t, ": ");
    say_placed(t, g);
}

/* Where the place and the light are everyone's, as in photographs they are. */
static void say_surroundings(struct text *t, const struct group *g, const struct person *first)
{
    struct subject s = {.r = g->r, .p = first};
    if (rng_chance(g->r, 0.45f))
        say_told(t, &s, TOPIC_PLACE, AS_AT, ", ", "");
    if (rng_chance(g->r, 0.18f))
        say_told(t, &s, TOPIC_LIGHT, AS_PHRASE, ", ", "");
}

void caption_group(struct text *t, struct rng *r, const struct picture *p)
{
    static void (*const styles[])(struct text *, const struct group *) = {
        say_kinds, say_placed, say_count_and_places, say_side_by_side, say_between};
    static const char *const openings[] = {"@picture of ",        "@photo of ", "portrait of ",
                                           "@group portrait of ", "photo of ",  "@3d render of "};
    const float shares[] = {0.25f, 0.32f, 0.13f, 0.2f, p->people == 3 ? 0.15f : 0};
    struct group g = group_of(r, p);
    int style = rng_weighted(r, shares, COUNT_OF(styles));
    g.opened = rng_chance(r, 0.3f);
    if (g.opened)
        text_say(t, pick(r, openings, COUNT_OF(openings)));
    styles[style](t, &g);
    say_surroundings(t, &g, &p->person[0]);
}

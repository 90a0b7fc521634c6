// SPDX-License-Identifier: Apache-2.0
/* What a record of each kind shows. Everything follows from (seed of the set, index of the record).
 */
#include "dataset.h"
#include "who/who.h"

const char *const kind_names[KIND_COUNT] = {"portrait", "pair",   "wide", "identity",
                                            "relit",    "turned", "aged"};
/* A record's pictures, and the greatest yaw in degrees. */
static const struct {
    int pictures;
    float yaw;
    const char *suffix[RECORD_PICTURES];
} kinds[KIND_COUNT] = {
    [KIND_PORTRAIT] = {1, 20, {""}},      [KIND_PAIR] = {3, 30, {"_a", "_b", "_ab"}},
    [KIND_WIDE] = {1, 60, {""}},          [KIND_IDENTITY] = {1, 35, {""}},
    [KIND_RELIT] = {2, 25, {"_a", "_b"}}, [KIND_TURNED] = {2, 45, {"_a", "_b"}},
    [KIND_AGED] = {2, 25, {"_a", "_b"}},
};

/* part: 0 the first person and the picture, 1 the second picture, 2.. people, 5 the identity */
static uint64_t record_seed(const struct dataset *d, long index, uint64_t part)
{
    struct rng r = rng_make(d->seed * 0x100000001b3u + (uint64_t)index, FOR_RECORD + part);
    return rng_next(&r) >> 16;
}

static float yaw_limit(const struct dataset *d)
{
    return (d->max_yaw > 0 ? d->max_yaw : kinds[d->kind].yaw) * DEGREE;
}

int record_pictures(int kind)
{
    return kinds[kind].pictures;
}

const char *record_suffix(int kind, int picture)
{
    return kinds[kind].suffix[picture];
}

static struct person person_made(struct identity id, struct look k, struct shot s)
{
    struct person p = {id, k, s};
    person_settle(&p);
    return p;
}

static struct person person_drawn(uint64_t seed, float max_yaw)
{
    struct look k = look_make(seed, -1);
    return person_made(identity_make(seed, k.gender), k, shot_make(seed, max_yaw));
}

static void swap_people(struct person *a, struct person *b)
{
    struct person t = *a;
    *a = *b;
    *b = t;
}

/* Far people first: nearer ones cover them. */
static void order_by_distance(struct picture *p)
{
    for (int i = 1; i < p->people; i++)
        for (int j = i; j > 0 && p->person[j].shot.height < p->person[j - 1].shot.height; j--)
            swap_people(&p->person[j], &p->person[j - 1]);
}

/* All stand in the place and the light of the first. */
static void share_surroundings(struct picture *p)
{
    const struct shot *first = &p->person[0].shot;
    for (int i = 1; i < p->people; i++) {
        struct shot *s = &p->person[i].shot;
        s->place = first->place;
        s->wall = first->wall;
        s->light = first->light;
        s->light_x = first->light_x;
        s->light_y = first->light_y;
    }
}

/* Two or three people side by side, as they pose for a photograph; children are shorter. */
static void group_make(const struct dataset *d, long index, struct picture *p, struct rng *r)
{
    static const struct {
        float first, step, least, most;
    } rows[PEOPLE_MAX + 1] = {
        [2] = {0.28f, 0.44f, 0.32f, 0.38f}, [3] = {0.185f, 0.315f, 0.28f, 0.31f}};
    int n = p->people;
    for (int i = 0; i < n; i++) {
        struct person *w = &p->person[i];
        *w = person_drawn(record_seed(d, index, (uint64_t)i + 2), minf(yaw_limit(d), 12 * DEGREE));
        w->shot.roll *= 0.6f;
        w->shot.height = rng_range(r, rows[n].least, rows[n].most);
        w->shot.cx = rows[n].first + rows[n].step * (float)i + rng_range(r, -0.02f, 0.02f);
        w->shot.cy = 0.45f + rng_range(r, -0.05f, 0.05f) + (w->look.age == CHILD ? 0.06f : 0);
    }
    share_surroundings(p);
    order_by_distance(p);
}

static void portrait_make(const struct dataset *d, long index, struct picture *p)
{
    uint64_t seed = record_seed(d, index, 0);
    struct rng r = rng_make(seed, FOR_PORTRAIT);
    bool empty = rng_chance(&r, d->scenes);
    *p = (struct picture){.people = !empty, .scene = rng_below(&r, SCENE_COUNT), .seed = seed};
    p->person[0] = person_drawn(seed, yaw_limit(d));
    if (p->people && rng_chance(&r, d->groups)) {
        p->people = rng_chance(&r, 0.65f) ? 2 : 3;
        group_make(d, index, p, &r);
    }
}

static bool pair_same(const struct dataset *d, long index)
{
    struct rng r = rng_make(record_seed(d, index, 0), FOR_PAIR_SAME);
    return rng_chance(&r, 0.22f);
}

/* a: target; b: source, another shot and look of identity B; ab: the right answer. */
static void pair_make(const struct dataset *d, long index, struct picture p[3])
{
    uint64_t seed_a = record_seed(d, index, 0), seed_b = record_seed(d, index, 1);
    struct rng r = rng_make(seed_a, FOR_PAIR);
    struct person a = person_drawn(seed_a, yaw_limit(d));
    int gender = rng_chance(&r, 0.7f) ? a.look.gender : 1 - a.look.gender;
    bool same = pair_same(d, index);
    if (same)
        gender = a.look.gender;
    struct person b = person_made(same ? a.id : identity_make(seed_b, gender),
                                  look_make(seed_b, gender), shot_make(seed_b, yaw_limit(d)));
    struct person ab = {b.id, a.look, a.shot};
    const struct person *all[3] = {&a, &b, &ab};
    for (int i = 0; i < 3; i++) {
        p[i] = (struct picture){.people = 1, .seed = i == 1 ? seed_b : seed_a};
        p[i].person[0] = *all[i];
    }
}

/* Somewhere in its slot of the width, far or near; alone, now and then a tight close-up. */
static void wide_place(struct shot *s, struct rng *r, int i, int n, float centre)
{
    float slot = 1.0f / (float)n, most = minf(0.60f, 0.85f * slot), t = rng_unit(r);
    bool close = rng_chance(r, 0.12f) && n == 1;
    s->height = close ? 0.60f + 0.15f * t : 0.10f + (most - 0.10f) * t;
    float half = s->height * 0.45f, from = slot * (float)i + half,
          to = slot * (float)(i + 1) - half;
    s->cx = to > from ? rng_range(r, from, to) : slot * ((float)i + 0.5f);
    float room = s->height * 0.62f,
          cy = rng_range(r, room, maxf(1 - s->height * 0.5f, room + 0.01f));
    s->cy = mixf(cy, 0.5f, close ? 0.7f : centre);
}

static void wide_make(const struct dataset *d, long index, struct picture *p)
{
    uint64_t seed = record_seed(d, index, 0);
    struct rng r = rng_make(seed, FOR_WIDE);
    static const float people[PEOPLE_MAX + 1] = {0.15f, 0.48f, 0.22f, 0.15f};
    int n = rng_weighted(&r, people, PEOPLE_MAX + 1);
    *p = (struct picture){.people = n, .scene = rng_below(&r, SCENE_COUNT), .seed = seed};
    float centre = rng_unit(&r) * 0.2f;
    for (int i = 0; i < p->people; i++) {
        p->person[i] = person_drawn(record_seed(d, index, (uint64_t)i + 2), yaw_limit(d));
        p->person[i].shot.roll *= 1.5f;
        wide_place(&p->person[i].shot, &r, i, p->people, centre);
    }
    share_surroundings(p);
    order_by_distance(p);
}

/* Many shots of one identity over twenty years, as an album has them: gender stays, skin stays for
 * half of the identities. */
static void album_make(const struct dataset *d, long index, struct picture *p)
{
    uint64_t seed = record_seed(d, index, 0), who = record_seed(d, index / d->shots, 5);
    struct rng r = rng_make(who, FOR_ALBUM);
    int gender = rng_below(&r, 2);
    bool keep_skin = rng_below(&r, 2) == 0;
    struct look own = look_make(who, gender);
    struct rng mine = rng_make(seed, FOR_ALBUM);
    int years = own.years + rng_below(&mine, 21) - 10;
    years = years < YEARS_LEAST ? YEARS_LEAST : years > YEARS_MOST ? YEARS_MOST : years;
    struct look k = look_at(seed, gender, years);
    if (keep_skin) {
        k.skin = own.skin;
        k.tone = own.tone;
    }
    *p = (struct picture){.people = 1, .seed = seed};
    p->person[0] = person_made(identity_make(who, gender), k, shot_make(seed, yaw_limit(d)));
    p->person[0].shot.height *=
        1.16f; /* fills more of the picture: it will be aligned and cropped */
    p->person[0].shot.cy += 0.02f;
}

static void relight(const struct dataset *d, struct person *w, uint64_t seed)
{
    (void)d;
    struct shot other = shot_make(seed, 0), *s = &w->shot;
    for (uint64_t i = 1; other.light == s->light; i++)
        other = shot_make(seed + i, 0);
    s->light = other.light;
    s->light_x = copysignf(other.light_x, -s->light_x);
    s->light_y = other.light_y;
}

/* The eyes keep to where they looked. */
static void turn(const struct dataset *d, struct person *w, uint64_t seed)
{
    struct rng r = rng_make(seed, FOR_TURN);
    struct shot other = shot_make(seed, 0), *s = &w->shot;
    float most = yaw_limit(d), yaw = s->yaw, least = minf(15 * DEGREE, most * 0.5f);
    while (fabsf(yaw - s->yaw) < least)
        yaw = rng_range(&r, -most, most);
    s->gaze = clampf(s->gaze + (s->yaw - yaw) * 1.2f, -1, 1);
    s->yaw = yaw;
    s->pitch = other.pitch;
    s->roll = other.roll;
}

static void age(const struct dataset *d, struct person *w, uint64_t seed)
{
    (void)d;
    enum { APART = 15 };
    struct rng r = rng_make(seed, FOR_AGE);
    int years = w->look.years, younger = years - APART - YEARS_LEAST + 1,
        older = YEARS_MOST - years - APART + 1;
    younger = younger > 0 ? younger : 0;
    int step = rng_below(&r, younger + (older > 0 ? older : 0));
    w->look =
        look_aged(&w->look, step < younger ? YEARS_LEAST + step : years + APART + step - younger);
    person_settle(w);
}

/* a: a portrait; b: the same but for one thing. */
static void changed_make(const struct dataset *d, long index, struct picture p[2])
{
    static void (*const changes[KIND_COUNT])(const struct dataset *, struct person *, uint64_t) = {
        [KIND_RELIT] = relight, [KIND_TURNED] = turn, [KIND_AGED] = age};
    uint64_t seed = record_seed(d, index, 0);
    p[0] = (struct picture){.people = 1, .seed = seed};
    p[0].person[0] = person_drawn(seed, yaw_limit(d));
    p[1] = p[0];
    changes[d->kind](d, &p[1].person[0], record_seed(d, index, 1));
}

void record_make(const struct dataset *d, long index, struct picture p[RECORD_PICTURES])
{
    static void (*const makers[KIND_COUNT])(const struct dataset *, long, struct picture *) = {
        [KIND_PORTRAIT] = portrait_make, [KIND_PAIR] = pair_make,     [KIND_WIDE] = wide_make,
        [KIND_IDENTITY] = album_make,    [KIND_RELIT] = changed_make, [KIND_TURNED] = changed_make,
        [KIND_AGED] = changed_make,
    };
    makers[d->kind](d, index, p);
}

long record_identity(const struct dataset *d, long index, int picture)
{
    if (d->kind == KIND_IDENTITY)
        return index / d->shots;
    if (d->kind == KIND_PAIR)
        return index * 2 + (picture > 0 && !pair_same(d, index));
    return index;
}

// SPDX-License-Identifier: Apache-2.0
/* What a record of each kind shows. Everything follows from (seed of the set, index of the record).
 */
#include "dataset.h"

#define DEGREE 0.01745329f

const char *const kind_names[KIND_COUNT] = {"portrait", "pair", "wide", "identity"};

static uint64_t record_seed(const struct dataset *d, long index, uint64_t purpose)
{
    struct rng r = rng_make(d->seed * 0x100000001b3u + (uint64_t)index, 100 + purpose);
    return rng_next(&r) >> 16;
}

static float yaw_limit(const struct dataset *d)
{
    static const float own[KIND_COUNT] = {20, 30, 50, 35};
    return (d->max_yaw > 0 ? d->max_yaw : own[d->kind]) * DEGREE;
}

int record_pictures(int kind)
{
    return kind == KIND_PAIR ? 3 : 1;
}

const char *record_suffix(int kind, int picture)
{
    static const char *const pair[3] = {"_a", "_b", "_ab"};
    return kind == KIND_PAIR ? pair[picture] : "";
}

static struct person person_make(uint64_t seed, float max_yaw)
{
    struct look k = look_make(seed, -1);
    return (struct person){identity_make(seed, k.gender), k, shot_make(seed, max_yaw)};
}

static void portrait_make(const struct dataset *d, long index, struct picture *p)
{
    uint64_t seed = record_seed(d, index, 0);
    struct rng r = rng_make(seed, 10);
    *p = (struct picture){.people = rng_unit(&r) < d->scenes ? 0 : 1,
                          .scene = rng_below(&r, SCENE_COUNT),
                          .seed = seed};
    p->person[0] = person_make(seed, yaw_limit(d));
}

static bool pair_same(const struct dataset *d, long index)
{
    struct rng r = rng_make(record_seed(d, index, 0), 11);
    return rng_unit(&r) < 0.22f;
}

/* a: target; b: source, another shot and look of identity B; ab: the right answer. */
static void pair_make(const struct dataset *d, long index, struct picture p[3])
{
    uint64_t seed_a = record_seed(d, index, 0), seed_b = record_seed(d, index, 1);
    struct rng r = rng_make(seed_a, 12);
    struct person a = person_make(seed_a, yaw_limit(d));
    int gender = rng_unit(&r) < 0.7f ? a.look.gender : 1 - a.look.gender;
    struct person b = {identity_make(seed_b, gender), look_make(seed_b, gender),
                       shot_make(seed_b, yaw_limit(d))};
    if (pair_same(d, index)) {
        b.id = a.id;
        b.look = look_make(seed_b, a.look.gender);
    }
    struct person ab = {b.id, a.look, a.shot};
    const struct person *all[3] = {&a, &b, &ab};
    for (int i = 0; i < 3; i++) {
        p[i] = (struct picture){.people = 1, .seed = i == 1 ? seed_b : seed_a};
        p[i].person[0] = *all[i];
    }
}

static void wide_make(const struct dataset *d, long index, struct picture *p)
{
    uint64_t seed = record_seed(d, index, 0);
    struct rng r = rng_make(seed, 13);
    static const float people[4] = {0.15f, 0.48f, 0.22f, 0.15f};
    *p = (struct picture){
        .people = rng_weighted(&r, people, 4), .scene = rng_below(&r, SCENE_COUNT), .seed = seed};
    int n = p->people;
    float first = rng_unit(&r) * 0.2f;
    for (int i = 0; i < n; i++) {
        struct person *w = &p->person[i];
        *w = person_make(record_seed(d, index, (uint64_t)i + 2), yaw_limit(d));
        float slot = 1.0f / (float)n, t = rng_unit(&r), most = minf(0.60f, 0.85f * slot);
        w->shot.height = 0.10f + (most - 0.10f) * t;
        w->shot.roll *= 2;
        float half = w->shot.height * 0.45f, from = slot * (float)i + half,
              to = slot * (float)(i + 1) - half;
        w->shot.cx = n == 1      ? rng_range(&r, half, 1 - half)
                     : to > from ? rng_range(&r, from, to)
                                 : slot * ((float)i + 0.5f);
        float room = w->shot.height * 0.62f;
        w->shot.cy =
            rng_range(&r, room, maxf(1 - w->shot.height * 0.5f, room + 0.01f)) * (1 - first) +
            first * 0.5f;
    }
    for (int i = 1; i < n; i++) /* far people first: nearer ones cover them */
        for (int j = i; j > 0 && p->person[j].shot.height < p->person[j - 1].shot.height; j--) {
            struct person swap = p->person[j];
            p->person[j] = p->person[j - 1];
            p->person[j - 1] = swap;
        }
}

/* Many shots of one identity, whose gender stays; skin and age stay for half of the identities. */
static void identity_record(const struct dataset *d, long index, struct picture *p)
{
    uint64_t seed = record_seed(d, index, 0), who = record_seed(d, index / d->shots, 5);
    struct rng r = rng_make(who, 14);
    int gender = rng_below(&r, 2), skin = rng_below(&r, 6);
    bool keep_skin = rng_below(&r, 2) == 0, keep_age = rng_below(&r, 2) == 0;
    struct look own = look_make(who, gender), k = look_make(seed, gender);
    if (keep_skin)
        k.skin = skin;
    if (keep_age && own.age != k.age) {
        k.age = own.age;
        k.years = own.years;
        if (own.age == CHILD)
            k.beard = BEARD_NONE;
        k.hair_colour = own.hair_colour;
    }
    *p = (struct picture){.people = 1, .seed = seed};
    p->person[0] = (struct person){identity_make(who, gender), k, shot_make(seed, yaw_limit(d))};
    p->person[0].shot.height *=
        1.16f; /* fills more of the picture: it will be aligned and cropped */
    p->person[0].shot.cy += 0.02f;
}

void record_make(const struct dataset *d, long index, struct picture p[RECORD_PICTURES])
{
    static void (*const makers[KIND_COUNT])(const struct dataset *, long, struct picture *) = {
        portrait_make, pair_make, wide_make, identity_record};
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

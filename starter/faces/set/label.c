// SPDX-License-Identifier: Apache-2.0
/* Labels: one row of float32 per picture. Person 0 (the farthest) is described in full, people 1
 * and 2 by box and points. Absent people are zeros; classes of absent people are -1. The list of
 * columns is followed by the names of each class and of the values of masks.
 */
#include "dataset.h"
#include "who/who.h"

struct row {
    float *v; /* NULL when only names are wanted */
    FILE *names;
    int n;
};

static void put(struct row *r, const char *name, int index, float value)
{
    if (r->names) {
        if (index < 0)
            fprintf(r->names, "%d\t%s\n", r->n, name);
        else
            fprintf(r->names, "%d\t%s_%d\n", r->n, name, index);
    }
    if (r->v)
        r->v[r->n] = value;
    r->n++;
}

static void put_face(struct row *r, const struct face_truth *t, const char *box, const char *points)
{
    for (int i = 0; i < 4; i++)
        put(r, box, i, t->box[i]);
    for (int i = 0; i < 10; i++)
        put(r, points, i, t->points[i / 2][i % 2]);
}

static int class_value(const struct picture *p, int person, int kind)
{
    bool shown = kind == CLASS_SCENE ? p->people == 0 : p->people > person;
    if (kind == CLASS_WALL && p->person[0].shot.place != PLACE_COLOUR)
        shown = false;
    struct picture alone = *p;
    alone.person[0] = p->person[person];
    return shown ? picture_class(&alone, kind) : -1;
}

/* What tells the people of a group apart: where they stand, and their classes under numbered names.
 */
static void put_others(struct row *r, const struct picture *p)
{
    for (int i = 0; i < PEOPLE_MAX; i++) {
        char name[48];
        snprintf(name, sizeof name, i ? "cx%d" : "cx", i);
        put(r, name, -1, i < p->people ? p->person[i].shot.cx : 0);
        for (int kind = 0; i > 0 && kind < CLASS_COUNT; kind++) {
            if (kind == CLASS_SCENE)
                continue;
            snprintf(name, sizeof name, "%s%d", classes[kind].option, i);
            put(r, name, -1, (float)class_value(p, i, kind));
        }
    }
}

/* Which topics the picture's caption, as data sets write it, mentions. */
static void put_said(struct row *r, const struct picture *p)
{
    char words[CAPTION_MAX], name[32];
    unsigned said = caption_write(p, p->seed, words, sizeof words);
    for (int i = 0; i < TOPIC_COUNT; i++) {
        snprintf(name, sizeof name, "said_%s", topic_names[i]);
        put(r, name, -1, (float)(said >> i & 1));
    }
}

static int fill(struct row *r, const struct picture *p, const struct face_truth *t, long identity)
{
    static const struct face_truth nobody;
    static const char *const boxes[PEOPLE_MAX] = {"box", "box1", "box2"},
                             *const points[PEOPLE_MAX] = {"point", "point1", "point2"};
    const struct person *w = &p->person[0];
    bool any = p->people > 0;
    put(r, "has_person", -1, any);
    put(r, "people", -1, (float)p->people);
    put(r, "identity", -1, any ? (float)identity : -1);
    put(r, "identity_seed_low24", -1, any ? (float)(w->id.seed & 0xffffff) : -1);
    put(r, "identity_gender", -1, any ? (float)w->id.gender : -1);
    for (int i = 0; i < PEOPLE_MAX; i++)
        put_face(r, i < p->people && t ? &t[i] : &nobody, boxes[i], points[i]);
    const struct face_truth *first = any && t ? &t[0] : &nobody;
    for (int i = 0; i < 136; i++)
        put(r, "dense", i, first->dense[i / 2][i % 2]);
    put(r, "yaw", -1, any ? w->shot.yaw * 57.29578f : 0);
    put(r, "pitch", -1, any ? w->shot.pitch * 57.29578f : 0);
    put(r, "roll", -1, any ? w->shot.roll * 57.29578f : 0);
    put(r, "light_x", -1, any ? w->shot.light_x : 0);
    put(r, "light_y", -1, any ? w->shot.light_y : 0);
    put(r, "years", -1, any ? (float)w->look.years : 0);
    for (int i = 0; i < CLASS_COUNT; i++)
        put(r, classes[i].option, -1, (float)class_value(p, 0, i));
    for (int i = 0; i < G_COUNT; i++)
        put(r, geometry_names[i], -1, any ? w->id.g[i] : 0);
    put_others(r, p);
    put_said(r, p);
    return r->n;
}

int label_count(void)
{
    static const struct picture nothing;
    struct row r = {0};
    return fill(&r, &nothing, NULL, 0);
}

static void list_names(FILE *out, const struct class_names *c)
{
    fprintf(out, "#%s", c->option);
    for (int i = 0; i < c->count; i++)
        fprintf(out, "\t%s", c->names[i]);
    fputc('\n', out);
}

void label_names(FILE *out)
{
    static const struct picture nothing;
    struct row r = {.names = out};
    fill(&r, &nothing, NULL, 0);
    for (int i = 0; i < CLASS_COUNT; i++)
        list_names(out, &classes[i]);
    list_names(out, &(struct class_names){"mask", mask_names, MASK_COUNT});
}

void label_row(const struct picture *p, const struct face_truth *t, long identity, float *row)
{
    struct row r = {.v = row};
    fill(&r, p, t, identity);
}

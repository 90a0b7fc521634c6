// SPDX-License-Identifier: Apache-2.0
/* What the files of hair share: the row that describes a style, a lock, and the head it grows on.
 */
#ifndef STARTER_FACES_FORM_HAIR_H
#define STARTER_FACES_FORM_HAIR_H

#include "form.h"

enum { LOCK_POINTS = 44 };       /* at most */
#define GOLDEN_ANGLE 2.39996323f /* spreads points evenly, in whatever number */

enum { TIE_NONE, TIE_TAIL, TIE_BUN, TIE_BRAIDS };
/* Tags of hair beyond the numbers of locks. */
enum { TAG_BAND = 60000, TAG_SHELL };

/* Where a lock is combed to. The parts are added, laid along the head, and made one direction. */
struct comb {
    float side; /* away from the parting, on top of the head */
    float down, back;
    float whorl; /* away from the crown */
    float out;   /* off the head */
};

struct hair_style {
    int locks, points, sides; /* of the whole scalp; of one lock; round one lock */
    float length, ragged;     /* ragged: how much lengths differ, 0..1 */
    float temples;            /* length at the sides as a share of that on top */
    float width, flat, blunt; /* half width; thickness over width; blunt: width of the tip */
    float shell, lift;        /* heights above the scalp: of the ground, of the top layer */
    float quiff;              /* lift added above the forehead */
    struct comb comb;
    float stiff;              /* share of the combed direction taken up at each step */
    float curl, pitch, order; /* radius and length of a turn; order: 1 waves run in step */
    float part;               /* x of the parting for part_left; 0: in the middle */
    float hem;                /* y at which locks are cut; 0: uncut */
    float line;               /* degrees by which the hairline lies higher in front */
    bool parted;
    bool ball;   /* locks stand on a ball of height `lift` round the head */
    bool covers; /* lies over the ears and hangs to the trunk */
    bool bangs;  /* takes a fringe */
    int tie;
};

extern const struct hair_style hair_styles[HAIR_COUNT];

/* A lock on its way to a tube: n points, the outward direction and the radius at each. */
struct lock {
    struct vec3 path[LOCK_POINTS], face[LOCK_POINTS];
    float radius[LOCK_POINTS];
    int n;
};

struct hair {
    const struct body *b;
    const struct hair_style *style;
    struct model *m;
    struct vec3 ear[2], knot[2]; /* knot: where tied hair gathers, on either side */
    bool tuck[2];                /* behind the ear, which shows what hangs on it */
    float part;                  /* x of the parting */
    int joint, tag;              /* of the next lock */
    struct rng rng;
    uint32_t seed;
};

/* How one lock differs from the style's others. */
struct strand {
    struct vec3 root, lean; /* lean: its own direction, added to the combed one */
    float length, width, height, curl, phase;
    bool face; /* may lie over the face */
    float end; /* y below which it stops */
    int side;  /* of the parting, -1 or 1 */
};

/* Elevation of the hairline at an angle from the front; both in degrees. */
float hair_line(const struct hair *h, float degrees);
/* v3_heading, in degrees. */
struct vec3 hair_direction(float degrees, float elevation);
/* Height of an afro's ball over the scalp. */
float hair_puff(const struct hair *h, float elevation, float degrees);
/* The ground that locks grow from. */
void hair_shell(const struct hair *h);

/* Distance to everything hair lies on, and its gradient. face: whether hair may lie on the face. */
float hair_ground(const struct hair *h, struct vec3 p, bool face, struct vec3 *normal);
/* The most hair may stand off at a height: hats press it flat. */
float hair_ceiling(const struct body *b, float y);

/* From the strand's root, combed and curled as h->style says. */
void lock_grow(const struct hair *h, const struct strand *s, struct lock *l);
/* Turns a bare path into tapered radii and faces that look away from `middle`. */
void lock_shape(struct lock *l, struct vec3 middle, float width, float blunt);
/* Adds it as a tube; what is shorter than three points is nothing. */
void lock_add(struct hair *h, const struct lock *l, float flat, int mat);

/* The knots of a tied style, and what hangs from them. */
void hair_tied(struct hair *h);

#endif

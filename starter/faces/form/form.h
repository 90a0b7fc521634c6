// SPDX-License-Identifier: Apache-2.0
/* Bodies: the measures of a person, the solids of head and trunk, and the model, one list of
 * triangles that everything visible is added to.
 */
#ifndef STARTER_FACES_FORM_H
#define STARTER_FACES_FORM_H

#include "faces.h"

/* ---- the model ---- */

enum {
    MAT_NONE,
    MAT_HEAD,
    MAT_EAR,
    MAT_NECK,
    MAT_EYE,
    MAT_MOUTH, /* the hollow of the mouth, and the tongue */
    MAT_TEETH,
    MAT_HAIR,
    MAT_SCALP, /* the ground under hair: seen where locks leave gaps */
    MAT_BEARD,
    MAT_FRAME, /* of glasses */
    MAT_GLASS, /* of sunglasses */
    MAT_METAL, /* earrings */
    MAT_CLOTH,
    MAT_COLLAR,
    MAT_BUTTON,
    MAT_HAT,
    MAT_HAT_BAND,
    MAT_HAND,
    MAT_SLEEVE,
    MAT_COUNT
};

struct vertex {
    struct vec3 p, n; /* camera space: turned and placed, before projection */
    struct vec3 t;    /* rest position; hair and beard: direction of the strand, camera space */
    float u, v;       /* along the columns and rows of the grid it came from, 0..1 */
};

struct triangle {
    int corner[3];
    uint8_t mat;
    uint16_t tag; /* which lock, which finger: lets paint vary a tint */
};

enum { MODEL_VERTICES = 260000, MODEL_TRIANGLES = 440000, GRID_MAX = 168 * 172 };

struct model {
    struct vertex *vertex;     /* [MODEL_VERTICES] */
    struct triangle *triangle; /* [MODEL_TRIANGLES] */
    int vertices, triangles;
};

/* A rectangular mesh at rest: rows x cols points. Seen from outside, columns run to the right when
 * rows run down; `flip` turns it inside out. */
struct grid {
    int rows, cols;
    bool wrap;       /* the last column repeats the first */
    bool flip, both; /* both: seen from both sides */
    struct vec3 p[GRID_MAX];
    struct vec3 posed[GRID_MAX];
};

enum { JOINT_HEAD, JOINT_NECK, JOINT_TRUNK }; /* NECK: between the two by height */

struct pose {
    float m[9];
    struct vec3 pivot;
};

struct body;
/* Where a rest point of a joint comes to lie. */
struct vec3 body_place(const struct body *b, int joint, struct vec3 p);
/* Adds the grid; what the model has no room for is left out whole. */
void model_grid(struct model *m, struct grid *g, const struct body *b, int joint, int mat, int tag);
/* An ellipsoid; axes are half lengths. */
void model_ball(struct model *m,
                struct grid *g,
                const struct body *b,
                int joint,
                struct vec3 middle,
                struct vec3 axes,
                int mat,
                int tag);
/* A tube through n points; radius[i] at each. closed: a ring. flat: its thickness towards `face`,
 * as a share of its width; 1 is round. */
struct tube {
    const struct vec3 *path;
    const float *radius;
    int n, sides;
    bool closed;
    float flat;
    const struct vec3 *face; /* [n] outward directions; NULL: any */
};
void model_tube(struct model *m,
                struct grid *g,
                const struct body *b,
                const struct tube *tube,
                int joint,
                int mat,
                int tag);

/* ---- the person, measured once ---- */

struct body {
    const struct identity *id;
    const struct look *look;
    const struct shot *shot;
    float child, male, old;           /* 0..1; male is the identity's lean */
    float width;                      /* of head against the average */
    float top, chin;                  /* y */
    float eye_x, eye_y, eye_z, eye_r; /* eyeball */
    float eye_w, eye_h, eye_tilt;     /* opening between the lids */
    float lid_up, lid_low;            /* share of the opening that expression leaves */
    float brow_y, brow_t, brow_tilt, brow_arch, brow_gap,
        brow_lift; /* lift: inner end, sad + angry - */
    float nose_y, nose_w, nose_tip, nose_bridge;
    float mouth_y, mouth_w, lip_up, lip_low, open, smile, mouth_z;
    float cheek;            /* raised by smiling, 0..1 */
    float neck_r, shoulder; /* radius; half width of the shoulders */
    struct vec3 skin, hair, brow, cloth, hat, iris, lips;
    float shading; /* size of a sample in head space, for soft edges */
    struct pose head, trunk;
    struct head_shape {
        struct vec3 skull, skull_r, face, face_r, jaw, jaw_r, corner, mandible, chin, chin_r, bone,
            bone_r, cheek, cheek_r, muzzle, muzzle_r, brow_in, brow_out, socket, socket_r, eye,
            bridge, nose, tip, wing, nostril, nostril_r, neck_top, neck_low;
        float corner_r, brow_r, lid_r, bridge_r, nose_r, tip_r, wing_r;
    } shape;
};

void body_make(struct body *b, const struct person *p);
/* Distance to head and neck, without ears and hair; negative inside. */
float head_distance(const struct body *b, struct vec3 p);
/* The surface straight behind (x, y), as a camera in front sees it. */
struct vec3 head_front(const struct body *b, float x, float y);
/* The surface in a direction from HEAD_MIDDLE. */
struct vec3 head_towards(const struct body *b, struct vec3 dir);
/* Outward normal of the distance at p. */
struct vec3 head_normal(const struct body *b, struct vec3 p);
/* Distance to trunk, shoulders and arms as clothes cover them. */
float trunk_distance(const struct body *b, struct vec3 p);
#define HEAD_MIDDLE v3(0, -0.05f, 0.02f)

/* Curves of the front, shared by form, paint and ground truth. q: x over the half mouth, -1..1; t:
 * along a brow from the nose (0) outwards (1); u: along an eye from the nose (-1) outwards (1). */
float body_mouth(const struct body *b, float q);
/* Edges of the lips at q: 0 top, 1 upper lip's lower edge, 2 lower lip's upper edge, 3 bottom. */
float body_lip(const struct body *b, float q, int edge);
float body_brow(const struct body *b, float t);
float body_lid(const struct body *b, float u, bool upper);
/* x, y of head space to an eye's own: dx outwards and dy up from its middle, tilt undone. */
void body_eye(const struct body *b, float x, float y, float *dx, float *dy);
/* Whether skin at rest position p gives way to eyeball or mouth. */
bool head_opening(const struct body *b, struct vec3 p);
/* How far (x, y) of the front is inside the beard: > 0 inside. */
float beard_mask(const struct body *b, float x, float y);

/* ---- parts; each adds its meshes ---- */

void head_build(struct model *m, struct grid *g, const struct body *b);
void ears_build(struct model *m, struct grid *g, const struct body *b);
void eyes_build(struct model *m, struct grid *g, const struct body *b);
void mouth_build(struct model *m, struct grid *g, const struct body *b);
void hair_build(struct model *m, struct grid *g, const struct body *b);
void beard_build(struct model *m, struct grid *g, const struct body *b);
void hat_build(struct model *m, struct grid *g, const struct body *b);
void glasses_build(struct model *m, struct grid *g, const struct body *b);
void earrings_build(struct model *m, struct grid *g, const struct body *b);
void trunk_build(struct model *m, struct grid *g, const struct body *b);
void hand_build(struct model *m, struct grid *g, const struct body *b);
/* Middle of the ear on side s (-1, 1), and where an earring hangs. */
struct vec3 ear_middle(const struct body *b, float s);
struct vec3 ear_lobe(const struct body *b, float s);

#endif

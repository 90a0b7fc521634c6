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
    MAT_HAND, /* bare arms and legs too */
    MAT_SLEEVE,
    MAT_COUNT
};

/* Tags of some of them; more in hair.h and wear.h. */
enum { SIDE_RIGHT, SIDE_LEFT }; /* the person's: of MAT_EAR, MAT_EYE, MAT_GLASS */
enum { MOUTH_HOLLOW, MOUTH_TONGUE };
enum { TEETH_UPPER, TEETH_LOWER };
enum { SCALP_HAIR, SCALP_BEARD };

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

/* Room for twice what the hairiest people need, and for the head, the largest grid. */
enum { MODEL_VERTICES = 260000, MODEL_TRIANGLES = 440000, HEAD_ROWS = 150, HEAD_COLS = 165 };

/* A rectangular mesh at rest: rows x cols points, 2 x 2 at least. Seen from outside, columns run to
 * the right when rows run down. */
struct grid {
    int rows, cols;
    bool wrap; /* the last column repeats the first */
    bool flip; /* turned inside out */
    bool both; /* seen from both sides */
    struct vec3 p[HEAD_ROWS * HEAD_COLS], posed[HEAD_ROWS * HEAD_COLS];
};

struct model {
    struct vertex *vertex;     /* [MODEL_VERTICES] */
    struct triangle *triangle; /* [MODEL_TRIANGLES] */
    int vertices, triangles;
    struct grid *grid; /* the mesh at work */
};

enum { JOINT_HEAD, JOINT_NECK, JOINT_TRUNK }; /* NECK: between the two by height */

struct body;
/* Begins a mesh that is neither flipped nor seen from both sides; its points are the caller's to
 * set, all of them. rows * cols must not exceed the head's. */
struct grid *grid_start(struct model *m, int rows, int cols, bool wrap);
/* Adds the mesh begun last; what the model has no room for is left out whole. */
void model_grid(struct model *m, const struct body *b, int joint, int mat, int tag);
/* An ellipsoid; axes are half lengths. */
void model_ball(struct model *m,
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
void model_tube(
    struct model *m, const struct body *b, const struct tube *t, int joint, int mat, int tag);

/* ---- the person, measured once: lengths and places in head space, angles in radians ---- */

struct pose {
    float m[9]; /* rotation, row by row, about the pivot */
    struct vec3 pivot;
};

struct body {
    const struct identity *id;
    const struct look *look;
    const struct shot *shot;
    float child, male, old;           /* 0..1; male is the identity's lean */
    float width;                      /* of the head, against the average */
    float top, chin;                  /* y */
    float eye_x, eye_y, eye_z, eye_r; /* eyeball */
    float eye_w, eye_h, eye_tilt;     /* opening between the lids */
    float lid_up, lid_low;            /* share of the opening that expression leaves */
    float brow_y, brow_t, brow_tilt, brow_arch, brow_gap; /* t: half its thickness */
    float brow_lift;                                      /* of the inner end: sad +, angry - */
    float nose_y, nose_w, nose_tip, nose_bridge;          /* w: against the average */
    float mouth_y, mouth_z, mouth_w;                      /* w: half width */
    float lip_up, lip_low, open, smile;                   /* smile: corners raised, about -1..1 */
    float cheek;                                          /* raised by smiling, 0..1 */
    float neck_r, shoulder;                               /* radius; half width of the shoulders */
    struct vec3 skin, hair, brow, cloth, hat, iris, lips; /* colours */
    float shading; /* size of a sample, for soft edges; set by who draws */
    struct pose head, trunk;
    /* Lumps of the right half: middles, radii (_r) and ends of capsules. */
    struct head_shape {
        struct vec3 skull, skull_r, face, face_r, jaw, jaw_r, corner, mandible, chin, chin_r, bone,
            bone_r, cheek, cheek_r, muzzle, muzzle_r, brow_in, brow_out, socket, socket_r, eye,
            bridge, nose, tip, wing, nostril, nostril_r, neck_top, neck_low;
        float corner_r, brow_r, lid_r, bridge_r, nose_r, tip_r, wing_r;
    } shape;
};

/* Borrows the person. */
void body_make(struct body *b, const struct person *p);
/* Where a rest point of a joint comes to lie, camera space. */
struct vec3 body_place(const struct body *b, int joint, struct vec3 p);

#define HEAD_MIDDLE v3(0, -0.05f, 0.02f) /* where the rays that find the head start */
/* Distance to head and neck, without ears and hair; negative inside. */
float head_distance(const struct body *b, struct vec3 p);
/* Distance to the neck alone, between its ends. */
float neck_distance(const struct body *b, struct vec3 p);
/* The surface straight behind (x, y), as a camera in front sees it. */
struct vec3 head_front(const struct body *b, float x, float y);
/* How far from HEAD_MIDDLE along the unit vector dir the head is `lift` away, found from r on. */
float head_ray(
    const struct body *b, struct vec3 dir, float lift, float r, int steps, float tolerance);
/* The surface in a direction from HEAD_MIDDLE; any length. */
struct vec3 head_towards(const struct body *b, struct vec3 dir);
/* Outward normal of the distance at p. */
struct vec3 head_normal(const struct body *b, struct vec3 p);
/* Distance to trunk, shoulders and arms as clothes cover them. */
float trunk_distance(const struct body *b, struct vec3 p);

/* Curves of the front, shared by form, paint and ground truth. q: x over the half mouth, -1..1; t:
 * along a brow from the nose (0) outwards (1); u: along an eye from the nose (-1) outwards (1). */
enum lip_edge { LIP_TOP, LIP_UPPER, LIP_LOWER, LIP_BOTTOM }; /* UPPER, LOWER: where they meet */
/* y of the line between the lips, and of an edge of them. */
float body_mouth(const struct body *b, float q);
float body_lip(const struct body *b, float q, enum lip_edge edge);
/* y of a brow's middle line. */
float body_brow(const struct body *b, float t);
/* y of a lid in the eye's own frame, see body_eye. */
float body_lid(const struct body *b, float u, bool upper);
/* x, y of head space to an eye's own: dx outwards and dy up from its middle, tilt undone. */
void body_eye(const struct body *b, float x, float y, float *dx, float *dy);
/* Whether skin at rest position p gives way to eyeball or mouth. */
bool head_opening(const struct body *b, struct vec3 p);
/* How far (x, y) of the front is inside the beard: > 0 inside. */
float beard_mask(const struct body *b, float x, float y);
/* Middle of the ear on side s (-1, 1), and where an earring hangs. */
struct vec3 ear_middle(const struct body *b, float s);
struct vec3 ear_lobe(const struct body *b, float s);

/* ---- parts: each adds its meshes, or none if the person has no such thing ---- */

typedef void build_fn(struct model *m, const struct body *b);

build_fn head_build, ears_build, eyes_build, mouth_build, hair_build, beard_build, hat_build,
    glasses_build, earrings_build, trunk_build, hand_build;

#endif

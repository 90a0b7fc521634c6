// SPDX-License-Identifier: Apache-2.0
/* Shared by the renderer's own files: the canvas with its geometry buffer, and the modelled person.
 */
#ifndef STARTER_FACES_BODY_H
#define STARTER_FACES_BODY_H

#include "faces.h"

enum { GRID_MAX = 112 * 100 };
enum {
    MAT_NONE,
    MAT_HEAD,
    MAT_EAR,
    MAT_NECK,
    MAT_HAIR,
    MAT_BEARD,
    MAT_FRAME,
    MAT_CLOTH,
    MAT_COLLAR
};

/* One sample of the geometry buffer. */
struct sample {
    float z;       /* larger is nearer */
    struct vec3 n; /* normal, camera space */
    struct vec3 t; /* position before the pose: where procedural paint looks */
    int mat;
};

/* A rectangular mesh: rows x cols points; normals point to (d row) x (d col) times `flip`. */
struct grid {
    int rows, cols;
    float flip;
    struct vec3 p[GRID_MAX];
    struct vec3 n[GRID_MAX];
};

struct pose {
    float m[9];
    struct vec3 pivot;
};

struct canvas {
    int size, samples, side; /* side = size * samples */
    struct sample *buffer;   /* [side,side] */
    float *depth;            /* [side,side] blurred depth, scratch [2] */
    struct vec3 *linear;     /* [size,size] linear light */
    struct grid grid, shell;
    struct vec3 *screen; /* [GRID_MAX] projected points */
    struct vec3 *turned; /* [GRID_MAX] normals in camera space */
    float scale, ox, oy; /* head space to samples: ox + scale * x, oy - scale * y */
    int x0, y0, x1, y1;  /* samples touched since canvas_clear */
};

/* Everything the paint and the meshes need of a person, worked out once. */
struct body {
    const struct identity *id;
    const struct look *look;
    const struct shot *shot;
    float top, chin;
    float w[6], width, child, male, old;
    float eye_x, eye_y, eye_w, eye_h, eye_tilt;
    float brow_y, brow_t, brow_tilt, brow_arch;
    float nose_y, nose_w, nose_tip, nose_bridge;
    float mouth_y, mouth_w, lip_up, lip_low, open, smile;
    struct vec3 skin, hair, brow, cloth, iris, lips;
    float shading; /* size of a sample in head space, for soft edges */
    struct pose head, neck, torso;
};

void body_make(struct body *b, const struct person *p);
/* Half width of the bare head at height y, and z of its front surface at (x, y). */
float body_width(const struct body *b, float y);
float body_front(const struct body *b, float x, float y);
/* A horizontal cut through the bare head: half width, and depths before and behind its centre. */
struct section {
    float y, width, front, back, centre;
};
struct section section_at(const struct body *b, float y);
/* Curves of the front, shared by paint and ground truth. q: x over the half mouth, -1..1; t: along
 * a brow from the nose (0) outwards (1); u: along an eye from the nose (-1) outwards (1). */
float body_mouth(const struct body *b, float q);
float body_brow(const struct body *b, float t);
float body_lid(const struct body *b, float u, bool upper);
struct vec3 pose_apply(const struct pose *p, struct vec3 v);

void head_draw(struct canvas *c, const struct body *b);
void ears_draw(struct canvas *c, const struct body *b);
void hair_draw(struct canvas *c, const struct body *b);
void beard_draw(struct canvas *c, const struct body *b);
void glasses_draw(struct canvas *c, const struct body *b);
void clothes_draw(struct canvas *c, const struct body *b);
/* How far (x, y) is inside the beard: > 0 inside. */
float beard_mask(const struct body *b, float x, float y);

void grid_normals(struct grid *g, bool wrap);
void grid_draw(struct canvas *c, const struct grid *g, const struct pose *pose, int mat);
/* Draws an ellipsoid; axes are half lengths. */
void ball_draw(
    struct canvas *c, const struct pose *pose, struct vec3 middle, struct vec3 axes, int mat);
/* Draws a closed or open tube through n points. */
void tube_draw(struct canvas *c,
               const struct pose *pose,
               const struct vec3 *path,
               int n,
               float radius,
               bool closed,
               int mat);
void canvas_clear(struct canvas *c);
/* Perspective projection to samples. */
struct vec3 canvas_project(const struct canvas *c, struct vec3 v);

void truth_find(const struct canvas *c, const struct body *b, struct face_truth *t);

/* What light meets at a sample. */
struct surface {
    struct vec3 colour, normal;
    float gloss, shine, wrap; /* broad and sharp highlight, softness of the terminator */
    float glow;               /* white added after light: reflections in the eye */
    float occlusion;
    bool hair;
};
void skin_paint(const struct body *b, const struct sample *s, struct surface *out);
void cloth_paint(const struct body *b, const struct sample *s, struct surface *out);
void hair_paint(const struct body *b, const struct sample *s, struct surface *out);
/* Shades the samples and lays them over c->linear. */
void person_light(struct canvas *c, const struct body *b, uint8_t *mask);

struct vec3 backdrop_colour(const struct shot *shot, float u, float v);
struct vec3 scene_colour(int scene, uint64_t seed, float u, float v);

#endif

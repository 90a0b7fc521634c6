// SPDX-License-Identifier: Apache-2.0
/* Samplers: how noise becomes a latent, step by step, as diffusers' schedulers of the same name do.
 *
 * A sampler is one row of the table in samplers.c. The row says by which rules schedule.c lays out
 * the times (data, no code), and names the functions of its sampler_*.c that take one step and that
 * noise a latent to begin in the middle. Scalars are computed in float32 in diffusers' order, so
 * that a latent stays within 1e-5 of its own.
 *
 * Noise levels are σ = √((1−ᾱ)/ᾱ) for all samplers but DDIM, whose level is ᾱ itself. */
#ifndef LK_STAGES_DIFFUSE_SAMPLERS_H
#define LK_STAGES_DIFFUSE_SAMPLERS_H

#include <stddef.h>

#include "base/error.h"
#include "base/rng.h"
#include "catalog/checkpoint.h"

#define LK_TRAIN_STEPS 1000
/* Leading spacing puts DPM++'s first time at steps + 1, which must exist. */
#define LK_MAX_STEPS (LK_TRAIN_STEPS - 2)

enum lk_schedule { LK_SCHEDULE_NORMAL, LK_SCHEDULE_KARRAS };

/* From where Karras' σmin and σmax are taken. */
enum lk__karras { LK__KARRAS_NONE, LK__KARRAS_OF_STEPS, LK__KARRAS_OF_TABLE };

/* The times of one picture. */
struct lk__plan {
    int steps;
    float timestep[LK_MAX_STEPS]; /* what the UNet is told: 999 … 0, with fractions where diffusers
                                     has them */
    float from[LK_MAX_STEPS], to[LK_MAX_STEPS]; /* noise level before and after step i */
    float noise_scale;                          /* of the first noise */
};

/* A latent on its way. All arrays [n], n = C·H·W; they belong to the caller. */
struct lk__walk {
    size_t n;
    float *x;           /* the latent */
    float *last;        /* what a multistep sampler remembers: the x₀ predicted one step before */
    float *noise;       /* scratch */
    int taken;          /* steps since the start, 0 in the first one */
    struct lk_rng *rng; /* for ancestral noise */
};

struct lk_sampler {
    const char *name;
    enum lk_spacing spacing; /* diffusers' own when the checkpoint does not say */
    enum lk__karras karras;
    int spare;        /* spaces one time more than steps and leaves the last out */
    int whole;        /* timesteps are rounded to integers */
    int alpha_levels; /* levels are ᾱ, else σ */
    int scaled_input; /* the UNet sees x/√(σ²+1), and the first noise is ×σmax (×√(σmax²+1) with
                         leading spacing) */
    /* One step: x at from[i] → x at to[i]; epsilon [n] is the predicted noise. */
    void (*step)(const struct lk__plan *plan, int i, const float *epsilon, struct lk__walk *walk);
    /* x (a clean latent) → x noised to level from[i]; noise in walk->noise. */
    void (*noised)(const struct lk__plan *plan, int i, struct lk__walk *walk);
};

extern const struct lk_sampler lk__sampler_ddim, lk__sampler_euler, lk__sampler_euler_a,
    lk__sampler_dpmpp_2m;

/* LK_E_INPUT lists the samplers that there are. */
int lk_sampler_find(const char *name, const struct lk_sampler **out, struct lk_error *err);
/* name: "normal" or "karras"; LK_E_INPUT says which samplers have the schedule. */
int lk_schedule_find(const struct lk_sampler *sampler,
                     const char *name,
                     enum lk_schedule *out,
                     struct lk_error *err);

/* steps 1 … LK_MAX_STEPS. */
int lk__plan_make(const struct lk_sampler *sampler,
                  enum lk_schedule schedule,
                  enum lk_spacing spacing,
                  int steps,
                  struct lk__plan *out,
                  struct lk_error *err);

/* out [n] = what the UNet sees of x at step i. */
void lk__sampler_input(const struct lk_sampler *sampler,
                       const struct lk__plan *plan,
                       int i,
                       const float *x,
                       size_t n,
                       float *out);

#endif

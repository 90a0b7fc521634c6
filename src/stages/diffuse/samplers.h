// SPDX-License-Identifier: Apache-2.0
/* Samplers: how noise becomes a latent, step by step, as diffusers' schedulers of the same name do.
 *
 * A sampler is one row: data that says by which rules schedule.c lays out the calls of the UNet,
 * and one function, in sampler/NAME.c, that takes the predicted noise of one call. Samplers of
 * second order call the UNet twice a step; their function sees which call it is. Scalars are
 * computed in float32 in diffusers' order, so that a latent stays within 1e-5 of its own. */
#ifndef LK_STAGES_DIFFUSE_SAMPLERS_H
#define LK_STAGES_DIFFUSE_SAMPLERS_H

#include <stddef.h>

#include "base/error.h"
#include "base/rng.h"
#include "catalog/checkpoint.h"

#define LK_TRAIN_STEPS 1000
/* Leading spacing puts DPM++'s first time at steps + 1, which must exist. */
#define LK_MAX_STEPS (LK_TRAIN_STEPS - 2)
#define LK__PAST 4

/* Names in samplers.c, levels in schedule.c. */
enum lk_schedule {
    LK_SCHEDULE_NORMAL, /* the checkpoint's or the sampler's spacing of times */
    LK_SCHEDULE_KARRAS,
    LK_SCHEDULE_EXPONENTIAL,
    LK_SCHEDULE_BETA,
    LK_SCHEDULE_SGM_UNIFORM,
    LK_SCHEDULE_SIMPLE,
    LK_SCHEDULE_ALIGN_YOUR_STEPS,
    LK_SCHEDULE_GIVEN, /* --sigmas */
};

/* What a latent is, and what its noise level means. */
enum lk__latent {
    LK__LATENT_SIGMA, /* x₀ + σ·noise; the UNet sees x/√(σ²+1) */
    LK__LATENT_RATE,  /* α·x₀ + s·noise, α = 1/√(σ²+1), s = σ·α; the level is σ */
    LK__LATENT_ALPHA, /* √ᾱ·x₀ + √(1−ᾱ)·noise; the level is ᾱ */
};

/* Whose largest and smallest σ the Karras, exponential and beta schedules keep. */
enum lk__range { LK__RANGE_OF_STEPS, LK__RANGE_OF_TABLE };

/* Where a step of two calls asks for the second time. */
enum lk__middle {
    LK__MIDDLE_NONE,
    LK__MIDDLE_END,  /* at σ′ */
    LK__MIDDLE_HALF, /* at √(σ·σ′) */
    LK__MIDDLE_DOWN, /* at √(σ·σ_down) */
};

/* Which times the UNet is told. */
enum lk__times {
    LK__TIMES_REAL,         /* with fractions */
    LK__TIMES_WHOLE_KARRAS, /* whole in the Karras schedule */
    LK__TIMES_WHOLE,
};

/* How the ᾱ after a step is found. */
enum lk__after {
    LK__AFTER_BACK, /* 1000/n times earlier, whatever comes next; ᾱ₀ at last */
    LK__AFTER_NEXT, /* at the next time; 1 at last */
};

struct lk__table {
    float alpha[LK_TRAIN_STEPS]; /* ᾱ */
    float sigma[LK_TRAIN_STEPS], log_sigma[LK_TRAIN_STEPS];
};

/* One run of the UNet. */
struct lk__call {
    float timestep; /* what the UNet is told: 999 … 0 */
    float level;    /* of noise in what it sees */
    float from, to; /* levels before and after the step to which the call belongs */
    int step;       /* 0 … steps − 1 */
    int second;     /* it is the second call of a step */
    int ends;       /* it is the last call of a step */
};

/* The calls of one picture. */
struct lk__plan {
    int steps;         /* as asked for */
    int calls;         /* steps; 2·steps − 1 with two calls a step; steps + 1 for PNDM */
    float noise_scale; /* of the first noise */
    double eta;        /* share of fresh noise */
    struct lk__call call[2 * LK_MAX_STEPS];
    struct lk__table table;
};

/* A latent on its way. All arrays [n], n = C·H·W; they belong to the caller. */
struct lk__walk {
    size_t n;
    float *x;              /* the latent */
    float *kept;           /* the latent before the step, for its second call */
    float *past[LK__PAST]; /* what a sampler remembers of its calls, newest first */
    float *noise;          /* scratch */
    const float *away;     /* CFG++: the noise predicted for the negative prompt; else NULL */
    int taken;             /* calls since the start, 0 in the first one */
    struct lk_rng *rng;    /* for ancestral noise */
};

struct lk_sampler {
    const char *name;
    enum lk_spacing spacing; /* diffusers' own when the checkpoint does not say */
    enum lk__latent latent;
    enum lk__range range;
    enum lk__middle middle;
    enum lk__times times;
    enum lk__after after;
    int spare;       /* spaces one time more than steps and leaves the last out */
    int twice;       /* the second time is called for twice (PNDM) */
    int distilled;   /* times of a consistency model: 50 were trained */
    int keeps_noise; /* does not end at σ = 0 but at the smallest σ */
    int takes_eta;   /* --eta goes with it */
    double eta;      /* its default */
    int takes_away;  /* CFG++ goes with it */
    /* One call: epsilon [n] is the noise predicted for x at call i. */
    void (*step)(const struct lk__plan *plan, int i, const float *epsilon, struct lk__walk *walk);
};

/* LK_E_INPUT lists the samplers that there are. */
int lk_sampler_find(const char *name, const struct lk_sampler **out, struct lk_error *err);
/* Whether it knows the normal schedule alone. */
int lk_sampler_has_own_times(const struct lk_sampler *sampler);
/* LK_E_INPUT lists the schedules, or says which samplers know only the normal one. */
int lk_schedule_find(const struct lk_sampler *sampler,
                     const char *name,
                     enum lk_schedule *out,
                     struct lk_error *err);

struct lk__plan_options {
    enum lk_schedule schedule;
    enum lk_spacing spacing; /* LK_SPACING_OWN: the sampler's */
    int steps;               /* 1 … LK_MAX_STEPS */
    const float *sigmas;     /* [steps + 1], falling, the last one 0: with LK_SCHEDULE_GIVEN */
    double eta;              /* < 0: the sampler's own */
    int zero_snr;            /* the checkpoint's */
    int sdxl;                /* it is one of SDXL, or its refiner */
};
int lk__plan_make(const struct lk_sampler *sampler,
                  const struct lk__plan_options *options,
                  struct lk__plan *out,
                  struct lk_error *err);
/* The call with which the step begins. */
int lk__plan_call_of_step(const struct lk__plan *plan, const struct lk_sampler *sampler, int step);

/* out [n] = what the UNet sees of x at call i. */
void lk__sampler_input(const struct lk_sampler *sampler,
                       const struct lk__plan *plan,
                       int i,
                       const float *x,
                       size_t n,
                       float *out);
/* out [n] = the clean latent that x at call i is, where epsilon is its noise. */
void lk__sampler_clean(const struct lk_sampler *sampler,
                       const struct lk__plan *plan,
                       int i,
                       const float *x,
                       const float *epsilon,
                       size_t n,
                       float *out);
/* walk->x (a clean latent) → noised to the level of call i; noise in walk->noise. */
void lk__sampler_noised(const struct lk_sampler *sampler,
                        const struct lk__plan *plan,
                        int i,
                        struct lk__walk *walk);

#endif

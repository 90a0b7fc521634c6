// SPDX-License-Identifier: Apache-2.0
/* Which calls of the UNet a picture takes, at which times, and how noisy it is there.
 *
 *   β_t = (linspace(√0.00085, √0.012, 1000)_t)²,  ᾱ_t = Π(1−β),  σ_t = √((1−ᾱ_t)/ᾱ_t)
 *
 * The normal schedule takes times, as diffusers spaces them:
 *   linspace   0 … 999 in equal parts, both ends
 *   leading    multiples of ⌊1000/n⌋, plus 1 (steps_offset of SD 1.x)
 *   trailing   1000 − i·1000/n, minus 1
 * and the σ there, between times linear in σ. The others take σ (curves.h), and the timestep is
 * where log σ lies in the table.
 *
 * ᾱ must be torch's float32 bit for bit: at t = 0 the last bit of ᾱ is 1e-4 of 1−ᾱ. torch's
 * linspace rounds once (fused multiply-add), its cumprod multiplies in double. The rest follows
 * numpy, in double with a float32 table. */
#include <math.h>

#include "stages/diffuse/curves.h"
#include "stages/diffuse/sampler/sampler.h"

/* The times that a consistency model was trained on: every 20th, 19 … 999. */
#define TRAINED 50

/* Zero terminal SNR (arXiv 2305.08891, algorithm 1): √ᾱ is shifted to end at 0 and scaled to begin
 * as before. The end stays at 2⁻²⁴, as in diffusers, so that σ is finite. */
static void end_at_zero(float *alpha)
{
    const int last = LK_TRAIN_STEPS - 1;
    const float end = sqrtf(alpha[last]), first = sqrtf(alpha[0]), scale = first / (first - end);
    double product = 1;
    float before = 1;
    for (int i = 0; i <= last; i++) {
        const float root = (sqrtf(alpha[i]) - end) * scale, bar = root * root;
        product *= 1 - (1 - bar / before);
        before = bar;
        alpha[i] = (float)product;
    }
    alpha[last] = 0x1p-24f;
}

static void table_fill(struct lk__table *t, int zero_snr)
{
    const int n = LK_TRAIN_STEPS;
    const float first = (float)sqrt(0.00085), last = (float)sqrt(0.012);
    const float step = (last - first) / (float)(n - 1);
    double product = 1;
    for (int i = 0; i < n; i++) {
        float root = i < n / 2 ? (float)(first + (double)step * i)
                               : (float)(last - (double)step * (n - 1 - i));
        float beta = root * root;
        product *= 1 - beta;
        t->alpha[i] = (float)product;
    }
    if (zero_snr)
        end_at_zero(t->alpha);
    for (int i = 0; i < n; i++) {
        t->sigma[i] = sqrtf((1 - t->alpha[i]) / t->alpha[i]);
        t->log_sigma[i] = (float)log(t->sigma[i]);
    }
}

/* The i-th of n times, from noisy to clean. */
static double spaced(enum lk_spacing spacing, int n, int spare, int i)
{
    int all = n + spare, k = all - 1 - i;
    switch (spacing) {
    case LK_SPACING_LEADING:
        return k * (LK_TRAIN_STEPS / all) + 1;
    case LK_SPACING_TRAILING:
        return rint(LK_TRAIN_STEPS - i * ((double)LK_TRAIN_STEPS / n)) - 1;
    default:
        return lk__linspace(0, LK_TRAIN_STEPS - 1, all, k);
    }
}

static double sigma_at(const struct lk__table *t, double time)
{
    if (time >= LK_TRAIN_STEPS - 1)
        return t->sigma[LK_TRAIN_STEPS - 1];
    int k = (int)time;
    double slope = (double)t->sigma[k + 1] - t->sigma[k];
    return slope * (time - k) + t->sigma[k];
}

static double time_of(const struct lk__table *t, double sigma)
{
    double log_sigma = log(sigma > 1e-10 ? sigma : 1e-10);
    int low = 0;
    while (low < LK_TRAIN_STEPS - 2 && t->log_sigma[low + 1] <= log_sigma)
        low++;
    double w = (t->log_sigma[low] - log_sigma) / (t->log_sigma[low] - t->log_sigma[low + 1]);
    w = fmin(fmax(w, 0), 1);
    return (1 - w) * low + w * (low + 1);
}

/* The same of a level between two steps, which diffusers looks for in f32. */
static float time_between(const struct lk__table *t, float sigma)
{
    const float *logs = t->log_sigma;
    const int found = (int)time_of(t, sigma);
    const int low = found < LK_TRAIN_STEPS - 2 ? found : LK_TRAIN_STEPS - 2;
    const float share = (logs[low] - (float)log(sigma)) / (logs[low] - logs[low + 1]);
    const float w = fminf(fmaxf(share, 0), 1);
    return (1 - w) * (float)low + w * (float)(low + 1);
}

/* What the UNet is told. diffusers cuts the fractions of its exponential and beta schedules where
 * it rounds those of the others. */
static float told(const struct lk_sampler *sampler, enum lk_schedule schedule, double time)
{
    const int cut = schedule == LK_SCHEDULE_EXPONENTIAL || schedule == LK_SCHEDULE_BETA;
    if (sampler->times == LK__TIMES_WHOLE)
        return (float)(cut ? floor(time) : rint(time));
    if (sampler->times == LK__TIMES_WHOLE_KARRAS && schedule == LK_SCHEDULE_KARRAS)
        return (float)rint(time);
    return (float)time;
}

/* The σ of all steps; times [n] are those of the normal schedule. */
static void fill_sigmas(const struct lk_sampler *sampler,
                        const struct lk__plan_options *o,
                        const struct lk__table *t,
                        const double *times,
                        double *sigmas)
{
    const int n = o->steps, of_table = sampler->range == LK__RANGE_OF_TABLE;
    const struct lk__curve curve = {
        .table = t,
        .n = n,
        .high = of_table ? t->sigma[LK_TRAIN_STEPS - 1] : sigma_at(t, times[0]),
        .low = of_table ? t->sigma[0] : sigma_at(t, times[n - 1]),
        .sdxl = o->sdxl,
    };
    for (int i = 0; i < n; i++) {
        if (o->schedule == LK_SCHEDULE_NORMAL)
            sigmas[i] = sigma_at(t, times[i]);
        else if (o->schedule == LK_SCHEDULE_GIVEN)
            sigmas[i] = o->sigmas[i];
        else
            sigmas[i] = lk__curve_at(o->schedule, &curve, i);
    }
}

/* Where the second call of a step asks; 0: nowhere, the step has one call. */
static float middle_of(const struct lk_sampler *sampler, double eta, float from, float to)
{
    const float down = lk__ancestral_of(from, to, (float)eta).down;
    switch (to > 0 ? sampler->middle : LK__MIDDLE_NONE) {
    case LK__MIDDLE_END:
        return to;
    case LK__MIDDLE_HALF:
        return expf(logf(from) + 0.5F * (logf(to) - logf(from)));
    case LK__MIDDLE_DOWN:
        return down > 0 ? expf(logf(from) + 0.5F * (logf(down) - logf(from))) : 0;
    default:
        return 0;
    }
}

static void add_call(struct lk__plan *plan, struct lk__call call)
{
    plan->call[plan->calls++] = call;
}

static void lay_sigmas(const struct lk_sampler *sampler,
                       const struct lk__plan_options *o,
                       const double *times,
                       struct lk__plan *plan)
{
    double sigmas[LK_MAX_STEPS + 1] = {0};
    const int n = o->steps, normal = o->schedule == LK_SCHEDULE_NORMAL;
    fill_sigmas(sampler, o, &plan->table, times, sigmas);
    sigmas[n] = !sampler->keeps_noise ? 0 : normal ? plan->table.sigma[0] : sigmas[n - 1];
    for (int i = 0; i < n; i++) {
        const float from = (float)sigmas[i], to = (float)sigmas[i + 1];
        const double time = normal ? times[i] : time_of(&plan->table, sigmas[i]);
        const float middle = middle_of(sampler, plan->eta, from, to);
        struct lk__call call = {.timestep = told(sampler, o->schedule, time),
                                .level = from,
                                .from = from,
                                .to = to,
                                .step = i,
                                .ends = middle == 0};
        add_call(plan, call);
        if (middle == 0)
            continue;
        if (sampler->middle != LK__MIDDLE_END)
            call.timestep = time_between(&plan->table, middle);
        else
            call.timestep = (float)(normal ? times[i + 1] : time_of(&plan->table, sigmas[i + 1]));
        call.level = middle;
        call.second = call.ends = 1;
        add_call(plan, call);
    }
}

static void lay_alphas(const struct lk_sampler *sampler, const double *times, struct lk__plan *plan)
{
    const float *alpha = plan->table.alpha;
    const int n = plan->steps;
    for (int i = 0; i < n; i++) {
        const int time = (int)times[i], before = time - LK_TRAIN_STEPS / n;
        struct lk__call call = {.timestep = (float)time,
                                .level = alpha[time],
                                .from = alpha[time],
                                .to = alpha[before > 0 ? before : 0],
                                .step = i,
                                .ends = 1};
        if (sampler->after == LK__AFTER_NEXT)
            call.to = i + 1 < n ? alpha[(int)times[i + 1]] : 1;
        if (sampler->twice && i == 1) { /* the second call of step 0 */
            struct lk__call again = call;
            again.step = 0;
            add_call(plan, again);
        }
        add_call(plan, call);
    }
}

static int check(const struct lk_sampler *sampler,
                 const struct lk__plan_options *o,
                 struct lk_error *err)
{
    const int most = sampler->distilled ? TRAINED : LK_MAX_STEPS;
    if (o->steps < 1 || o->steps > most)
        return lk_fail(err, LK_E_INPUT, "--steps: %d is not a number from 1 to %d%s%s", o->steps,
                       most, sampler->distilled ? ", the most of --sampler " : "",
                       sampler->distilled ? sampler->name : "");
    if (o->eta >= 0 && !sampler->takes_eta)
        return lk_fail(err, LK_E_INPUT, "--eta does not go with --sampler %s: leave it out",
                       sampler->name);
    if (o->schedule != LK_SCHEDULE_GIVEN)
        return 0;
    if (sampler->latent == LK__LATENT_ALPHA)
        return lk_fail(err, LK_E_INPUT,
                       "--sigmas does not go with --sampler %s, which has its own times: take "
                       "another sampler",
                       sampler->name);
    for (int i = 0; i < o->steps; i++) {
        if (!(o->sigmas[i] > o->sigmas[i + 1] && o->sigmas[i] <= 1000) || o->sigmas[o->steps] != 0)
            return lk_fail(err, LK_E_INPUT,
                           "--sigmas: they must fall from at most 1000 to a last one of 0");
    }
    return 0;
}

int lk__plan_make(const struct lk_sampler *sampler,
                  const struct lk__plan_options *options,
                  struct lk__plan *out,
                  struct lk_error *err)
{
    double times[LK_MAX_STEPS] = {0};
    const int n = options->steps;
    enum lk_spacing spacing =
        options->spacing == LK_SPACING_OWN ? sampler->spacing : options->spacing;
    int rc = check(sampler, options, err);
    if (rc)
        return rc;
    out->steps = n;
    out->calls = 0;
    out->noise_scale = 1;
    out->eta = options->eta >= 0 ? options->eta : sampler->eta;
    table_fill(&out->table, options->zero_snr);
    for (int i = 0; i < n; i++) {
        double time = spaced(spacing, n, sampler->spare, i);
        times[i] = sampler->times == LK__TIMES_WHOLE ? rint(time) : (float)time;
        if (sampler->distilled)
            times[i] =
                (TRAINED - (int)lk__linspace_open(0, TRAINED, n, i)) * (LK_TRAIN_STEPS / TRAINED) -
                1;
    }
    if (sampler->latent == LK__LATENT_ALPHA)
        lay_alphas(sampler, times, out);
    else
        lay_sigmas(sampler, options, times, out);
    if (sampler->latent == LK__LATENT_SIGMA) {
        float most = out->call[0].from;
        out->noise_scale = spacing == LK_SPACING_LEADING ? sqrtf(most * most + 1) : most;
    }
    return 0;
}

int lk__plan_call_of_step(const struct lk__plan *plan, const struct lk_sampler *sampler, int step)
{
    int call = 0;
    if (sampler->latent == LK__LATENT_ALPHA) /* of PNDM too: diffusers does not heed the time that
                                                is told twice */
        return step;
    for (int ended = 0; ended < step; call++)
        ended += plan->call[call].ends;
    return call;
}

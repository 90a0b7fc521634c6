// SPDX-License-Identifier: Apache-2.0
/* From a request to lk_draw: what the user did not say, the model's entry in the catalogue says;
 * what that does not say is SD 1.5's custom. */
#include "pipeline/drawing/paint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "pipeline/drawing/hires.h"
#include "pipeline/drawing/loras.h"

static int choose_text(char **member, const char *model, const char *custom, struct lk_error *err)
{
    if (*member)
        return 0;
    const char *value = model ? model : custom;
    *member = strdup(value);
    return *member ? 0 : lk_fail_memory(err, "an option", strlen(value));
}

/* The seed of the first picture; 32 bits, as other programs draw them, so that it can be used
 * there. */
static int64_t choose_seed(int64_t asked)
{
    return asked >= 0 ? asked : (int64_t)randombytes_random();
}

/* A sampler that the user chose may have its own times, which the model's schedule is not for. */
static int choose_schedule(lk_result *result,
                           const char *model,
                           const char *custom,
                           struct lk_error *err)
{
    struct lk_request *request = &result->request;
    const struct lk_sampler *sampler = NULL;
    int rc = lk_sampler_find(request->sampler, &sampler, err);
    if (rc)
        return rc;
    if (!request->schedule && model && strcmp(model, "normal") &&
        lk_sampler_has_own_times(sampler)) {
        lk__result_note(
            result,
            "the model's schedule '%s' is not for %s, which has its own times: normal is taken",
            model, sampler->name);
        model = "normal";
    }
    return choose_text(&request->schedule, model, custom, err);
}

static int fill_in(lk_result *result, const struct lk__painter *painter, struct lk_error *err)
{
    struct lk_request *request = &result->request;
    const struct lk_model_defaults *model = &painter->entry->defaults;
    struct lk_draw_options custom;
    lk_draw_options_init(&custom);
    custom.width = custom.height = lk_checkpoint_side(painter->checkpoint);
    if (!request->width) {
        request->width = model->width ? model->width : custom.width;
        request->height = model->height ? model->height : custom.height;
    }
    if (!request->steps)
        request->steps = model->steps ? model->steps : custom.steps;
    if (request->guidance < 0)
        request->guidance = model->guidance > 0 ? (double)model->guidance : custom.guidance;
    if (!request->upscale && request->task == LK_TASK_PORTRAIT)
        request->upscale = model->upscale ? model->upscale : 1;
    request->seed = choose_seed(request->seed);
    if (request->variation_strength > 0)
        request->variation_seed = choose_seed(request->variation_seed);
    int rc = choose_text(&request->sampler, model->sampler, custom.sampler, err);
    return rc ? rc : choose_schedule(result, model->schedule, custom.schedule, err);
}

/* What the drawing starts from and follows. sized: the user said --size. */
static int look_at_pictures(lk_engine *engine,
                            lk_result *result,
                            bool sized,
                            const struct lk_identity *face,
                            const struct lk_watch *watch,
                            struct lk__brief *brief,
                            struct lk_error *err)
{
    struct lk_request *request = &result->request;
    struct lk__retouch *retouch = &brief->retouch;
    int rc = brief->redrawn ? lk__retouch_given(request, brief->redrawn, brief->redrawn_mask,
                                                &engine->debug, retouch, err)
                            : lk__retouch_open(result, sized, &engine->debug, retouch, err);
    rc = rc || brief->redrawn ? rc : lk__guides_open(engine, result, &brief->guides, err);
    rc = rc || brief->redrawn
             ? rc
             : lk__image_prompts_make(engine, result, face, watch, &brief->image_prompts, err);
    brief->options.width = request->width;
    brief->options.height = request->height;
    brief->options.init = retouch->mask ? retouch->init : retouch->picture;
    brief->options.mask = retouch->init_mask;
    brief->options.strength = brief->redrawn ? request->redraw_strength : request->strength;
    brief->options.fill = strcmp(request->inpaint_fill, "noise") ? LK_FILL_ORIGINAL : LK_FILL_NOISE;
    brief->options.controls = brief->guides.uses;
    brief->options.n_controls = brief->guides.n;
    brief->options.control_mode = lk__guides_mode(request);
    brief->options.adapters = brief->image_prompts.uses;
    brief->options.n_adapters = brief->image_prompts.n;
    if (!rc && request->hires > 1 && !brief->redrawn)
        rc = lk__hires_open(engine, request, &brief->options, &brief->hires, err);
    return rc;
}

static void label(lk_engine *engine, lk_result *result)
{
    snprintf(result->model, sizeof result->model, "%s",
             lk_checkpoint_name(engine->painter.checkpoint));
}

static enum lk_prediction prediction_of(const char *name)
{
    return !strcmp(name, "v")         ? LK_PREDICTION_V
           : !strcmp(name, "epsilon") ? LK_PREDICTION_EPSILON
                                      : LK_PREDICTION_AUTO;
}

/* The prompts by the painter's text encoder, and by the refiner's. */
static int encode(lk_engine *engine,
                  lk_result *result,
                  const struct lk_watch *watch,
                  struct lk__brief *brief,
                  struct lk_error *err)
{
    const struct lk_request *request = &result->request;
    const int steps = lk__request_steps(request, engine->painter.entry);
    const char *prompt = brief->redrawn_as ? brief->redrawn_as : request->prompt;
    struct lk_inversions inversions = {0};
    int rc = lk__inversions_open(engine->catalog, request, &inversions, err);
    rc = rc ? rc
            : lk__conditions_make(&engine->painter, &inversions, prompt, steps, watch, result,
                                  &brief->conditions, err);
    if (!rc && request->refiner)
        rc = lk__conditions_make(&engine->refiner, &inversions, prompt, steps, watch, result,
                                 &brief->refined, err);
    lk__inversions_close(&inversions);
    if (!rc && !lk_drawer_has_room(engine->painter.drawer, request->width, request->height)) {
        lk_text_rest(engine->painter.text);
        if (request->refiner)
            lk_text_rest(engine->refiner.text);
    }
    return rc;
}

/* What is refused for its words alone, before networks are made. */
static int check_words(lk_engine *engine, const struct lk_request *request, struct lk_error *err)
{
    const struct lk_sampler *sampler = NULL;
    const struct lk_model_entry *entry = NULL;
    enum lk_schedule schedule;
    struct lk_inversions inversions = {0};
    int rc = request->sampler ? lk_sampler_find(request->sampler, &sampler, err) : 0;
    if (!rc && sampler && request->schedule)
        rc = lk_schedule_find(sampler, request->schedule, &schedule, err);
    if (!rc && request->refiner)
        rc = lk_catalog_find(engine->catalog, LK_ROLE_REFINER, request->refiner, &entry, err);
    rc = rc ? rc : lk__loras_check(engine->catalog, request, err);
    rc = rc ? rc : lk__inversions_open(engine->catalog, request, &inversions, err);
    lk__inversions_close(&inversions);
    return rc;
}

int lk__brief_open(lk_engine *engine,
                   lk_result *result,
                   const struct lk_identity *face,
                   const struct lk_watch *watch,
                   struct lk__brief *brief,
                   struct lk_error *err)
{
    struct lk_request *request = &result->request;
    const bool sized = request->width != 0;
    int rc = lk__sampling_read(request, &brief->sampling, err);
    rc = rc ? rc : check_words(engine, request, err);
    rc = rc ? rc : lk__engine_painter(engine, request, err);
    rc = rc || !request->refiner ? rc : lk__engine_refiner(engine, request, err);
    rc = rc ? rc : lk__adapters_open(engine, request, err);
    rc = rc ? rc : lk__loras_apply(engine, result, err);
    rc = rc ? rc : fill_in(result, &engine->painter, err);
    if (rc)
        return rc;
    lk_draw_options_init(&brief->options);
    brief->options.steps = request->steps;
    brief->options.guidance = request->guidance;
    brief->options.sampler = request->sampler;
    brief->options.schedule = request->schedule;
    lk__sampling_apply(&brief->sampling, request, &brief->options);
    brief->options.prediction = prediction_of(request->prediction);
    brief->options.rng = strcmp(request->rng, "philox") ? LK_RNG_TORCH : LK_RNG_PHILOX;
    brief->request = request;
    brief->upscale = request->task == LK_TASK_PORTRAIT && !brief->redrawn ? request->upscale : 1;
    label(engine, result);
    rc = lk__preview_open(engine, result, watch, &brief->preview, &brief->options.preview, err);
    rc = rc ? rc : look_at_pictures(engine, result, sized, face, watch, brief, err);
    if (!rc && brief->upscale > 1)
        rc = lk__engine_upscaler(engine, LK__ENLARGES_PICTURES, request->upscaler, err);
    return rc ? rc : encode(engine, result, watch, brief, err);
}

void lk__brief_close(struct lk__brief *brief)
{
    lk__conditions_close(&brief->conditions);
    lk__conditions_close(&brief->refined);
    lk__retouch_close(&brief->retouch);
    lk__guides_free(&brief->guides);
    lk__image_prompts_free(&brief->image_prompts);
    *brief = (struct lk__brief){0};
}

int lk__enlarge(const lk_engine *engine,
                struct lk_picture **picture,
                int factor,
                const struct lk_upscale_options *options,
                const struct lk_watch *watch,
                struct lk_error *err)
{
    const lk_upscaler *upscaler = engine->upscalers[LK__ENLARGES_PICTURES].upscaler;
    const int own = lk_upscaler_factor(upscaler);
    int width = (*picture)->width * factor, height = (*picture)->height * factor;
    if (factor > 1 && own == 1)
        return lk_fail(err, LK_E_INPUT, "the upscaler does not enlarge: its factor is 1");
    do {
        struct lk_picture *larger;
        int rc = lk_upscale(upscaler, *picture, options, watch, &larger, err);
        if (rc)
            return rc;
        lk_picture_free(*picture);
        *picture = larger;
    } while ((*picture)->width < width);
    if ((*picture)->width == width)
        return 0;
    struct lk_picture *exact;
    int rc = lk_picture_resize(*picture, width, height, &exact, err);
    if (rc)
        return rc;
    lk_picture_free(*picture);
    *picture = exact;
    return 0;
}

/* The drawing, at its size; with --hires twice. */
static int draw(lk_engine *engine,
                struct lk__brief *brief,
                int i,
                const struct lk_watch *watch,
                struct lk_picture **out,
                struct lk_error *err)
{
    struct lk_draw_options options = brief->options, hires = brief->hires;
    const struct lk_request *request = brief->request;
    options.seed = hires.seed = (uint64_t)lk__sampling_seed(request, i);
    options.variation.seed = hires.variation.seed =
        (uint64_t)lk__sampling_variation_seed(request, i);
    const struct lk_draw_refiner refiner = {engine->refiner.drawer, &brief->refined.value,
                                            request->refiner_switch};
    options.refiner = hires.refiner = brief->refined.count ? &refiner : NULL;
    const struct lk_conditioning *conditioning = &brief->conditions.value;
    float *latents = NULL;
    struct lk_picture *picture = NULL;
    int rc = lk__guides_draw(engine, &brief->guides, request, &brief->retouch, options.width,
                             options.height, watch, err);
    rc = rc ? rc
            : lk_draw(engine->painter.drawer, &options, conditioning, watch, &picture,
                      hires.width ? &latents : NULL, err);
    if (!rc)
        lk_debug_picture(&engine->debug, "draw/decoded", picture);
    if (!rc && hires.width) {
        rc = lk__guides_draw(engine, &brief->guides, request, &brief->retouch, hires.width,
                             hires.height, watch, err);
        rc = rc ? rc
                : lk__hires(engine, request, &hires, conditioning, latents, watch, &picture, err);
        lk_debug_picture(&engine->debug, "draw/hires", picture);
    }
    free(latents);
    if (rc)
        lk_picture_free(picture);
    else
        *out = picture;
    return rc;
}

int lk__paint(lk_engine *engine,
              struct lk__brief *brief,
              int i,
              const struct lk_watch *watch,
              struct lk_picture **out,
              struct lk_error *err)
{
    struct lk_picture *picture;
    int rc = draw(engine, brief, i, watch, &picture, err);
    if (rc)
        return rc;
    rc = lk__retouch_paste(&brief->retouch, &picture, err);
    if (!rc && brief->upscale > 1) {
        rc = lk__enlarge(engine, &picture, brief->upscale, NULL, watch, err);
        lk_debug_picture(&engine->debug, "draw/enlarged", picture);
    }
    if (rc)
        lk_picture_free(picture);
    else
        *out = picture;
    return rc;
}

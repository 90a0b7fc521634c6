// SPDX-License-Identifier: Apache-2.0
#include "stages/diffuse/adapter/images.h"

#include <stdlib.h>
#include <string.h>

static const char *const NAMES[LK__IMAGE_INPUTS] = {"image_k_0", "image_v_0", "image_k_1",
                                                    "image_v_1", "image_k_2", "image_v_2",
                                                    "image_k_3", "image_v_3"};

/* ---- in the graph ---- */

void lk__image_inputs_add(lk_graph *graph,
                          const lk_checkpoint *checkpoint,
                          int n,
                          struct lk__image_inputs *out)
{
    *out = (struct lk__image_inputs){.n = n};
    lk__crossings_read(checkpoint, &out->crossings);
    const int64_t dims[] = {LK_DYNAMIC, LK_DYNAMIC, lk__crossings_width(&out->crossings)};
    for (int i = 0; i < n; i++) {
        out->k[i] = lk_graph_input(graph, NAMES[2 * i], LK_F32, 3, dims);
        out->v[i] = lk_graph_input(graph, NAMES[2 * i + 1], LK_F32, 3, dims);
    }
}

lk_value lk__image_inputs_attend(lk_graph *graph,
                                 const struct lk__image_inputs *inputs,
                                 const char *name,
                                 lk_value q,
                                 lk_value y,
                                 int heads)
{
    const struct lk__crossings *c = &inputs->crossings;
    const int at = lk__crossings_find(c, name);
    if (at == c->n) /* lk__images_init refuses it: no adapter serves so many */
        return y;
    const int width = c->width[at], from = c->from[at];
    for (int i = 0; i < inputs->n; i++) {
        lk_value k = lk_graph_slice(graph, inputs->k[i], 2, from, from + width);
        lk_value v = lk_graph_slice(graph, inputs->v[i], 2, from, from + width);
        lk_value seen = lk_graph_attention(graph, q, k, v, heads, width / heads, 0);
        y = lk_graph_add(graph, y, seen);
    }
    return y;
}

/* ---- in a step ---- */

static int check_fit(const char *name,
                     const struct lk_adapter_info *info,
                     const lk_checkpoint *checkpoint,
                     struct lk_error *err)
{
    const struct lk_checkpoint_config *c = lk_checkpoint_config(checkpoint);
    struct lk__crossings crossings;
    lk__crossings_read(checkpoint, &crossings);
    if (info->context == c->unet.context && info->layers == crossings.n &&
        !memcmp(info->width, crossings.width, sizeof crossings.width))
        return 0;
    return lk_fail(
        err, LK_E_INPUT,
        "ip-adapter '%s' is made for %s (%d layers, %d numbers a token) and does not fit "
        "the UNet of checkpoint '%s' (%s, %d, %d): take one of its family",
        name, lk_adapter_family(info), info->layers, info->context, lk_checkpoint_name(checkpoint),
        lk_family_name(c->family), crossings.n, c->unet.context);
}

int lk_adapter_check_fit(const lk_adapter *adapter,
                         const lk_checkpoint *checkpoint,
                         struct lk_error *err)
{
    return check_fit(lk_adapter_name(adapter), lk_adapter_info(adapter), checkpoint, err);
}

static int check_use(const struct lk_adapter_use *use, struct lk_error *err)
{
    const char *name = use->prompt->name;
    if (!(use->weight >= -10 && use->weight <= 10))
        return lk_fail(err, LK_E_INPUT, "--ip-adapter: the weight %g of '%s' is not from -10 to 10",
                       use->weight, name);
    if (!(use->start >= 0 && use->start < use->end && use->end <= 1))
        return lk_fail(err, LK_E_INPUT,
                       "--ip-adapter: from %g to %g of the steps ('%s') is no part of 0 to 1",
                       use->start, use->end, name);
    return 0;
}

int lk__images_init(struct lk__images *images,
                    const lk_checkpoint *checkpoint,
                    const struct lk_adapter_use *uses,
                    int n,
                    struct lk_error *err)
{
    *images = (struct lk__images){.uses = uses, .n = n};
    if (n > LK_ADAPTERS)
        return lk_fail(err, LK_E_INPUT, "--ip-adapter: %d at once are more than %d", n,
                       LK_ADAPTERS);
    int rc = 0;
    for (int i = 0; i < n && !rc; i++) {
        rc = check_fit(uses[i].prompt->name, &uses[i].prompt->adapter, checkpoint, err);
        rc = rc ? rc : check_use(&uses[i], err);
    }
    return rc;
}

void lk__images_free(struct lk__images *images)
{
    for (int i = 0; i < LK__IMAGE_INPUTS; i++)
        free(images->values[i]);
}

/* values [batch, n]: weight·what each row sees */
static void fill(
    float *values, const float *const of[2], size_t n, int batch, int negative, float weight)
{
    for (int b = 0; b < batch; b++) {
        const float *from = of[b < negative];
        for (size_t k = 0; k < n; k++)
            values[(size_t)b * n + k] = weight * from[k];
    }
}

int lk__images_fill(struct lk__images *images,
                    int at,
                    int steps,
                    int batch,
                    int negative,
                    const char *names[LK__IMAGE_INPUTS],
                    struct lk_array arrays[LK__IMAGE_INPUTS],
                    struct lk_error *err)
{
    for (int i = 0; i < 2 * images->n; i++) {
        const struct lk_adapter_use *use = &images->uses[i / 2];
        const struct lk_image_prompt *prompt = use->prompt;
        const size_t n = (size_t)prompt->tokens * (size_t)prompt->width;
        const size_t bytes = (size_t)batch * n * sizeof(float);
        float *values = realloc(images->values[i], bytes);
        if (!values)
            return lk_fail_memory(err, "an image prompt", bytes);
        images->values[i] = values;
        const bool is_on = (double)at / steps >= use->start && (double)(at + 1) / steps <= use->end;
        const float *const k[2] = {prompt->k[0], prompt->k[1]};
        const float *const v[2] = {prompt->v[0], prompt->v[1]};
        if (i % 2)
            fill(values, v, n, batch, negative, is_on ? (float)use->weight : 0);
        else
            fill(values, k, n, batch, negative, 1);
        names[i] = NAMES[i];
        arrays[i] = (struct lk_array){LK_F32, 3, {batch, prompt->tokens, prompt->width}, values};
    }
    return 0;
}

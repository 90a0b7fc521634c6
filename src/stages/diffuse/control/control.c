// SPDX-License-Identifier: Apache-2.0
/* A ControlNet adds to every output that the UNet keeps going down, and to its middle:
 *
 *   h = conv_in(z) + hint(picture);   kept_i, middle = the UNet's own way down from h
 *   residual_i = weight·zero_conv_i(kept_i)
 *
 * hint() halves the picture three times, to the size of the latent:
 *
 *   conv_in ─ silu ─ (conv ─ silu ─ conv stride 2 ─ silu) ×3 ─ conv_out
 *
 * With prompt or ControlNet first, output i of n counts 10^(i/(n−1) − 1): a tenth where the picture
 * is finest, all of it in the middle (diffusers' guess mode; the authors' 0.825^(12−i) is the
 * same).
 *
 * Several ControlNets are added up. In steps outside of its range a ControlNet is not run: it adds
 * 0, as in diffusers' pipelines. */
#include "stages/diffuse/control/control.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stages/diffuse/net.h"
#include "stages/diffuse/networks.h"
#include "stages/diffuse/unet/trunk.h"

struct lk_control {
    lk_checkpoint *checkpoint;
    lk_session *session;
};

/* ---- the graph ---- */

#define HINT "controlnet_cond_embedding."

static const struct lk_tensor *weight_of(const struct lk__net *net, const char *name)
{
    char full[LK__NAME_SIZE];
    lk__name(full, "%s.weight", name);
    return lk_checkpoint_tensor(net->checkpoint, net->part, full);
}

/* A convolution of the channels that its weight has. */
static lk_value hint_layer(const struct lk__net *net, lk_value x, const char *name, int stride)
{
    const struct lk_tensor *w = weight_of(net, name);
    const int is_conv = w && w->rank == 4;
    return lk__net_conv(net, x, name, is_conv ? (int)w->shape[1] : 1,
                        is_conv ? (int)w->shape[0] : 1, 3, stride);
}

/* picture [N,3,8h,8w] → [N,width 0,h,w]. LDM numbers all layers through: behind the last block
 * comes conv_out. */
static lk_value hint(const struct lk__net *net, lk_value x)
{
    const struct lk_tensor *last = weight_of(net, HINT "conv_out");
    x = hint_layer(net, x, HINT "conv_in", 1);
    for (int i = 0;; i++) {
        char name[LK__NAME_SIZE];
        lk__name(name, HINT "blocks.%d", i);
        x = lk_graph_activation(net->graph, x, LK_SILU);
        if (!weight_of(net, name) || weight_of(net, name) == last)
            break;
        x = hint_layer(net, x, name, i % 2 ? 2 : 1);
    }
    return hint_layer(net, x, HINT "conv_out", 1);
}

static int build(const struct lk__net *net, struct lk_error *err)
{
    const struct lk_unet_config *c = &lk_checkpoint_config(net->checkpoint)->unet;
    const int64_t dims[] = {LK_DYNAMIC, 3, LK_DYNAMIC, LK_DYNAMIC};
    char name[LK__NAME_SIZE], output[LK__NAME_SIZE];
    struct lk__trunk trunk;
    lk_value seen = hint(net, lk_graph_input(net->graph, "hint", LK_F32, 4, dims));
    int rc = lk__trunk_build(net->graph, net->checkpoint, seen, &trunk, err);
    if (rc)
        return rc;
    for (int i = 0; i < trunk.n_skips; i++) {
        const struct lk__skip *skip = &trunk.skips[i];
        lk__name(name, "controlnet_down_blocks.%d", i);
        lk__name(output, "residual_%d", i);
        lk_graph_output(net->graph, output,
                        lk__net_conv(net, skip->value, name, skip->channels, skip->channels, 1, 1));
    }
    const int deepest = c->width[c->levels - 1];
    lk_graph_output(
        net->graph, "residual_middle",
        lk__net_conv(net, trunk.middle, "controlnet_mid_block", deepest, deepest, 1, 1));
    return lk_graph_status(net->graph, err);
}

int lk_control_graph(const lk_checkpoint *control, lk_graph **out, struct lk_error *err)
{
    struct lk__net net = {.checkpoint = control, .part = LK_PART_UNET};
    int rc = lk_graph_new("control", &net.graph, err);
    rc = rc ? rc : build(&net, err);
    if (rc) {
        lk_graph_free(net.graph);
        return lk_fail_context(err, rc, "ControlNet '%s'", lk_checkpoint_name(control));
    }
    *out = net.graph;
    return 0;
}

/* ---- opening ---- */

int lk_control_open(lk_runtime *runtime,
                    const char *path,
                    const char *device,
                    lk_control **out,
                    struct lk_error *err)
{
    lk_graph *graph = NULL;
    lk_control *control = calloc(1, sizeof *control);
    if (!control)
        return lk_fail_memory(err, "a ControlNet", sizeof *control);
    int rc = lk_checkpoint_open_control(path, &control->checkpoint, err);
    rc = rc ? rc : lk_control_graph(control->checkpoint, &graph, err);
    rc = rc ? rc : lk_session_of_graph(runtime, graph, NULL, device, &control->session, err);
    lk_graph_free(graph);
    if (rc)
        lk_control_free(control);
    else
        *out = control;
    return rc;
}

void lk_control_free(lk_control *control)
{
    if (!control)
        return;
    lk_session_release(control->session);
    lk_checkpoint_free(control->checkpoint);
    free(control);
}

lk_checkpoint *lk_control_checkpoint(const lk_control *control)
{
    return control->checkpoint;
}

/* ---- at work ---- */

/* The same levels, widths and words (small ones read none): what a ControlNet adds must have the
 * shape that it is added to. */
static int check_fit(const lk_control *control,
                     const lk_checkpoint *checkpoint,
                     struct lk_error *err)
{
    const struct lk_unet_config *c = &lk_checkpoint_config(control->checkpoint)->unet;
    const struct lk_unet_config *u = &lk_checkpoint_config(checkpoint)->unet;
    if (c->levels == u->levels && !memcmp(c->resnets, u->resnets, sizeof c->resnets) &&
        (!c->context || c->context == u->context) && c->added == u->added &&
        c->in_channels == u->out_channels && !memcmp(c->width, u->width, sizeof c->width))
        return 0;
    return lk_fail(err, LK_E_INPUT,
                   "ControlNet '%s' (%d levels of %d channels and more, %d numbers a token) does "
                   "not fit the UNet of checkpoint '%s' (%d, %d, %d): give one of its family by "
                   "--control-model",
                   lk_checkpoint_name(control->checkpoint), c->levels, c->width[0], c->context,
                   lk_checkpoint_name(checkpoint), u->levels, u->width[0], u->context);
}

static int check_use(const struct lk_control_use *use, struct lk_error *err)
{
    const char *name = lk_checkpoint_name(use->control->checkpoint);
    if (!(use->weight >= -10 && use->weight <= 10))
        return lk_fail(err, LK_E_INPUT, "--control: the weight %g of '%s' is not from -10 to 10",
                       use->weight, name);
    if (!(use->start >= 0 && use->start < use->end && use->end <= 1))
        return lk_fail(err, LK_E_INPUT,
                       "--control: from %g to %g of the steps ('%s') is no part of 0 to 1",
                       use->start, use->end, name);
    return 0;
}

/* hint: malloc'd [3,height,width] */
static int make_hint(const struct lk__controls *c,
                     const struct lk_picture *picture,
                     float **hint,
                     struct lk_error *err)
{
    const size_t pixels = (size_t)c->height * c->width, bytes = 3 * pixels * sizeof **hint;
    struct lk_picture *sized = NULL, *real = NULL;
    int rc = 0;
    if (picture->width != c->width || picture->height != c->height)
        rc = lk_picture_resize(picture, c->width, c->height, &sized, err);
    rc = rc ? rc : lk_picture_convert(sized ? sized : picture, LK_PIXEL_F32, &real, err);
    lk_picture_free(sized);
    if (rc)
        return rc;
    float *planes = malloc(bytes);
    for (size_t k = 0; planes && k < pixels; k++)
        for (size_t i = 0; i < 3; i++)
            planes[i * pixels + k] = real->f32[k * (size_t)real->channels + i];
    lk_picture_free(real);
    *hint = planes;
    return planes ? 0 : lk_fail_memory(err, "a ControlNet's picture", bytes);
}

/* The next one of what is added: [batch,channels,height,width], of which memory and batch come with
 * the first step. */
static void add_residual(struct lk__controls *c, const char *name, int channels, const int size[2])
{
    c->residuals[c->n_residuals] =
        (struct lk_array){LK_F32, 4, {0, channels, size[0], size[1]}, NULL};
    snprintf(c->names[c->n_residuals++], sizeof *c->names, "%s", name);
}

/* In the order in which the UNet keeps them: conv_in's, then each level's resnets and its halving;
 * at last the middle's. */
static int make_residuals(struct lk__controls *c,
                          const lk_checkpoint *checkpoint,
                          int factor,
                          struct lk_error *err)
{
    const struct lk_unet_config *u = &lk_checkpoint_config(checkpoint)->unet;
    int size[] = {c->height / factor, c->width / factor};
    c->residuals = calloc(LK__SKIPS_MAX + 1, sizeof *c->residuals);
    c->names = calloc(LK__SKIPS_MAX + 1, sizeof *c->names);
    if (!c->residuals || !c->names)
        return lk_fail_memory(err, "a ControlNet's outputs", LK__SKIPS_MAX * sizeof *c->residuals);
    add_residual(c, "residual_0", u->width[0], size);
    for (int level = 0; level < u->levels; level++) {
        const int halves = level + 1 < u->levels;
        for (int j = 0; j < u->resnets[level] + halves; j++) {
            char name[sizeof *c->names];
            for (int k = 0; k < 2 && j == u->resnets[level]; k++)
                size[k] = (size[k] + 1) / 2;
            snprintf(name, sizeof name, "residual_%d", c->n_residuals);
            add_residual(c, name, u->width[level], size);
        }
    }
    add_residual(c, "residual_middle", u->width[u->levels - 1], size);
    return 0;
}

int lk__controls_init(struct lk__controls *c,
                      const lk_checkpoint *checkpoint,
                      const struct lk_control_use *uses,
                      int n,
                      enum lk_control_mode mode,
                      int width,
                      int height,
                      struct lk_error *err)
{
    *c =
        (struct lk__controls){.uses = uses, .n = n, .mode = mode, .width = width, .height = height};
    const int factor = 1 << (lk_checkpoint_config(checkpoint)->vae.levels - 1);
    int rc = 0;
    if (n > LK_CONTROLS)
        return lk_fail(err, LK_E_INPUT, "--control: %d at once are more than %d", n, LK_CONTROLS);
    for (int i = 0; i < n && !rc; i++) {
        rc = check_fit(uses[i].control, checkpoint, err);
        rc = rc ? rc : check_use(&uses[i], err);
        rc = rc ? rc : make_hint(c, uses[i].hint, &c->hints[i], err);
    }
    return rc ? rc : make_residuals(c, checkpoint, factor, err);
}

void lk__controls_free(struct lk__controls *c)
{
    for (int i = 0; i < LK_CONTROLS; i++)
        free(c->hints[i]);
    for (int i = 0; i < c->n_residuals; i++)
        free(c->residuals[i].data);
    free(c->residuals);
    free(c->names);
}

static size_t row_size(const struct lk_array *a)
{
    size_t n = 1;
    for (int d = 1; d < a->rank; d++)
        n *= (size_t)a->shape[d];
    return n;
}

/* The rows from number `first` on. */
static struct lk_array rows_from(const struct lk_array *a, int first)
{
    struct lk_array rows = *a;
    rows.shape[0] -= first;
    rows.data = (float *)a->data + (size_t)first * row_size(a);
    return rows;
}

/* residual += weight·output; false when one is no number */
static int add_up(struct lk_array *residual, const struct lk_array *output, float weight)
{
    const size_t n = (size_t)residual->shape[0] * row_size(residual);
    float *sum = residual->data;
    const float *add = output->data;
    for (size_t k = 0; k < n; k++) {
        if (!isfinite(add[k]))
            return 0;
        sum[k] += weight * add[k];
    }
    return 1;
}

/* Of output k; the middle's is the last. */
static float weight_at(const struct lk__controls *c, const struct lk_control_use *use, int k)
{
    const double share = (double)k / (c->n_residuals - 1) - 1;
    return (float)(c->mode == LK_CONTROL_BALANCED ? use->weight : use->weight * pow(10, share));
}

/* For the rows from number `first` on. */
static int run_one(struct lk__controls *c,
                   int i,
                   int first,
                   size_t n_inputs,
                   const struct lk_array inputs[LK__TRUNK_INPUTS],
                   const struct lk_watch *watch,
                   struct lk_error *err)
{
    const char *in_names[LK__TRUNK_INPUTS + 1] = {"sample", "timestep", "context", "added"};
    const struct lk_control_use *use = &c->uses[i];
    struct lk_array in[LK__TRUNK_INPUTS + 1];
    for (size_t k = 0; k < n_inputs; k++)
        in[k] = rows_from(&inputs[k], first);
    in_names[n_inputs] = "hint";
    in[n_inputs] = (struct lk_array){LK_F32, 4, {1, 3, c->height, c->width}, c->hints[i]};
    const char *names[LK__SKIPS_MAX + 1];
    struct lk_array out[LK__SKIPS_MAX + 1] = {0};
    for (int k = 0; k < c->n_residuals; k++)
        names[k] = c->names[k];
    int rc = lk_session_run(use->control->session, n_inputs + 1, in_names, in,
                            (size_t)c->n_residuals, names, out, watch, err);
    const char *name = lk_checkpoint_name(use->control->checkpoint);
    for (int k = 0; k < c->n_residuals && !rc; k++) {
        struct lk_array sum = rows_from(&c->residuals[k], first);
        if (out[k].rank != 4 || memcmp(out[k].shape, sum.shape, 4 * sizeof(int64_t)))
            rc = lk_fail(err, LK_E_INPUT, "ControlNet '%s' does not fit the UNet at %s", name,
                         names[k]);
        else if (!add_up(&sum, &out[k], weight_at(c, use, k)))
            rc = lk_fail(err, LK_E_INPUT,
                         "ControlNet '%s' gives no numbers (NaN or infinity): its weights are "
                         "damaged; take another file",
                         name);
    }
    for (int k = 0; k < c->n_residuals; k++)
        free(out[k].data);
    return rc;
}

/* 0 for a batch of that size. */
static int clear(struct lk_array *residual, int64_t batch, struct lk_error *err)
{
    int64_t *shape = residual->shape;
    const size_t bytes = (size_t)(batch * shape[1] * shape[2] * shape[3]) * sizeof(float);
    void *data = shape[0] == batch ? residual->data : realloc(residual->data, bytes);
    if (!data)
        return lk_fail_memory(err, "a ControlNet's outputs", bytes);
    residual->data = data;
    shape[0] = batch;
    memset(data, 0, bytes);
    return 0;
}

int lk__controls_run(struct lk__controls *c,
                     int at,
                     int steps,
                     int negative,
                     size_t n_inputs,
                     const struct lk_array inputs[LK__TRUNK_INPUTS],
                     const struct lk_watch *watch,
                     struct lk_error *err)
{
    const int first = c->mode == LK_CONTROL_FIRST ? negative : 0;
    int rc = 0;
    for (int k = 0; k < c->n_residuals && !rc; k++)
        rc = clear(&c->residuals[k], inputs[0].shape[0], err);
    for (int i = 0; i < c->n && !rc; i++) {
        const struct lk_control_use *use = &c->uses[i];
        if ((double)at / steps >= use->start && (double)(at + 1) / steps <= use->end)
            rc = run_one(c, i, first, n_inputs, inputs, watch, err);
    }
    return rc;
}

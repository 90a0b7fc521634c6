// SPDX-License-Identifier: Apache-2.0
/* Networks of relative inverse depth (Ranftl et al. 2022, arXiv 1907.01341):
 *
 *   in   [1,3,h,w] RGB, (v/255 − mean)/deviation
 *   out  [1,h',w'] or [1,1,h',w']: larger is nearer
 *   seen out, resized, then (out − min)/(max − min)
 *
 * A network of a free size sees the picture in its aspect, at the side that needs the smaller
 * change, rounded to what its patches divide; one of a fixed size sees it stretched. */
#include "stages/diffuse/control/depth.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "runtime/contract.h"

struct family {
    const char *name;
    int side, unit; /* of a free size */
    float mean[3], deviation[3];
};

#define IMAGENET                                                                                   \
    {0.485f, 0.456f, 0.406f},                                                                      \
    {                                                                                              \
        0.229f, 0.224f, 0.225f                                                                     \
    }

static const struct family families[] = {
    /* Yang et al. 2024, arXiv 2401.10891 and 2406.09414 */
    {"depth-anything", 518, 14, IMAGENET},
    /* Ranftl et al. 2021, arXiv 2103.13413: DPT large and hybrid, MiDaS 3 */
    {"dpt", 384, 32, {0.5f, 0.5f, 0.5f}, {0.5f, 0.5f, 0.5f}},
    /* MiDaS 2.1 */
    {"midas", 256, 32, IMAGENET},
};

enum { MOST = 2048 }; /* pixels of a side that a network is shown */

struct lk_depth {
    const struct family *family;
    lk_session *session;
    char *path;
    struct lk_contract contract;
    const char *input, *output;
    int width, height; /* that it asks for; −1: any */
};

static int read_ports(lk_depth *d, struct lk_error *err)
{
    const struct lk_port *in, *out;
    const size_t inputs = lk_session_inputs(d->session, &in);
    const size_t outputs = lk_session_outputs(d->session, &out);
    if (inputs != 1 || outputs != 1 || !lk_port_fits(in, 4, (const int64_t[]){1, 3, -1, -1}) ||
        (!lk_port_fits(out, 3, (const int64_t[]){1, -1, -1}) &&
         !lk_port_fits(out, 4, (const int64_t[]){1, 1, -1, -1})))
        return lk_contract_fail(&d->contract, d->session, err);
    d->input = in->name;
    d->output = out->name;
    d->height = in->shape[2] > 0 && in->shape[2] <= MOST ? (int)in->shape[2] : -1;
    d->width = in->shape[3] > 0 && in->shape[3] <= MOST ? (int)in->shape[3] : -1;
    return 0;
}

int lk_depth_open(lk_runtime *runtime,
                  const char *family,
                  const char *path,
                  const char *device,
                  lk_depth **out,
                  struct lk_error *err)
{
    lk_depth *d = calloc(1, sizeof *d);
    if (!d || !(d->path = strdup(path))) {
        free(d);
        return lk_fail_memory(err, "a depth network", sizeof *d);
    }
    for (size_t i = 0; i < LK_ARRAY_LENGTH(families); i++)
        if (!strcmp(families[i].name, family))
            d->family = &families[i];
    int rc = d->family ? 0
                       : lk_fail(err, LK_E_INPUT,
                                 "depth family '%s' is not known: the families are "
                                 "depth-anything, dpt, midas",
                                 family);
    d->contract = (struct lk_contract){.path = d->path,
                                       .role = "depth",
                                       .family = d->family ? d->family->name : "",
                                       .expects = "one input [1,3,H,W] and one output [1,h,w]"};
    rc = rc ? rc : lk_session_open(runtime, path, device, &d->session, err);
    rc = rc ? rc : read_ports(d, err);
    if (rc)
        lk_depth_free(d);
    else
        *out = d;
    return rc;
}

void lk_depth_free(lk_depth *d)
{
    if (!d)
        return;
    lk_session_release(d->session);
    free(d->path);
    free(d);
}

static int to_unit(double side, int unit)
{
    const int whole = (int)lrint(side / unit) * unit;
    return whole < unit ? unit : whole > MOST ? MOST / unit * unit : whole;
}

/* What the network is shown. */
static void choose_size(const lk_depth *d,
                        const struct lk_picture *picture,
                        int *width,
                        int *height)
{
    const struct family *f = d->family;
    const double across = (double)f->side / picture->width,
                 down = (double)f->side / picture->height;
    const double scale = fabs(1 - across) < fabs(1 - down) ? across : down;
    *width = d->width > 0 ? d->width : to_unit(scale * picture->width, f->unit);
    *height = d->height > 0 ? d->height : to_unit(scale * picture->height, f->unit);
}

/* *tensor: malloc'd [3,height,width]; rounded to 8 bits before, as files are. */
static int make_tensor(const lk_depth *d,
                       const struct lk_picture *picture,
                       int width,
                       int height,
                       float **tensor,
                       struct lk_error *err)
{
    struct lk_picture *bytes = NULL, *sized = NULL;
    const size_t pixels = (size_t)width * (size_t)height;
    float *out = malloc(3 * pixels * sizeof *out);
    int rc = out ? lk_picture_convert(picture, LK_PIXEL_U8, &bytes, err)
                 : lk_fail_memory(err, "a depth network", 3 * pixels * sizeof *out);
    rc = rc ? rc : lk_picture_resize(bytes, width, height, &sized, err);
    for (size_t k = 0; !rc && k < pixels; k++)
        for (size_t c = 0; c < 3; c++)
            out[c * pixels + k] =
                ((float)sized->u8[k * (size_t)sized->channels + c] / 255 - d->family->mean[c]) /
                d->family->deviation[c];
    lk_picture_free(bytes);
    lk_picture_free(sized);
    if (rc)
        free(out);
    else
        *tensor = out;
    return rc;
}

/* low, and 1/(high − low), 0 of a plain */
static void range(const float *values, size_t n, float *low, float *scale)
{
    float high = *low = values[0];
    for (size_t k = 0; k < n; k++) {
        *low = fminf(*low, values[k]);
        high = fmaxf(high, values[k]);
    }
    *scale = high > *low ? 1 / (high - *low) : 0;
}

/* values of a grey picture → u8, stretched from the least to the most */
static int stretch(const struct lk_picture *grey, struct lk_picture **out, struct lk_error *err)
{
    const size_t n = 3 * (size_t)grey->width * (size_t)grey->height;
    float low, scale;
    range(grey->f32, n, &low, &scale);
    int rc = lk_picture_new(grey->width, grey->height, 3, LK_PIXEL_U8, out, err);
    for (size_t k = 0; !rc && k < n; k++)
        (*out)->u8[k] = (uint8_t)lrintf((grey->f32[k] - low) * scale * 255);
    return rc;
}

/* depth [h,w]. Resized between ¼ and ¾, so that nothing that overshoots is cut off. */
static int show(const float *depth,
                int h,
                int w,
                int width,
                int height,
                struct lk_picture **out,
                struct lk_error *err)
{
    const size_t n = (size_t)h * (size_t)w;
    struct lk_picture *grey = NULL, *sized = NULL;
    float low, scale;
    range(depth, n, &low, &scale);
    int rc = lk_picture_new(w, h, 3, LK_PIXEL_F32, &grey, err);
    for (size_t k = 0; !rc && k < 3 * n; k++)
        grey->f32[k] = 0.25f + (depth[k / 3] - low) * scale / 2;
    rc = rc ? rc : lk_picture_resize(grey, width, height, &sized, err);
    rc = rc ? rc : stretch(sized, out, err);
    lk_picture_free(grey);
    lk_picture_free(sized);
    return rc;
}

int lk_depth_see(const lk_depth *d,
                 const struct lk_picture *picture,
                 int width,
                 int height,
                 const struct lk_watch *watch,
                 struct lk_picture **out,
                 struct lk_error *err)
{
    int w, h;
    float *tensor = NULL;
    choose_size(d, picture, &w, &h);
    int rc = make_tensor(d, picture, w, h, &tensor, err);
    if (rc)
        return rc;
    const struct lk_array in = {LK_F32, 4, {1, 3, h, w}, tensor};
    struct lk_array seen = {0};
    rc = lk_session_run(d->session, 1, &d->input, &in, 1, &d->output, &seen, watch, err);
    free(tensor);
    if (rc)
        return rc;
    const int64_t *side = seen.shape + seen.rank - 2;
    const bool fits = seen.dtype == LK_F32 && (seen.rank == 3 || seen.rank == 4) && side[0] > 0 &&
                      side[1] > 0 && side[0] <= 2 * MOST && side[1] <= 2 * MOST &&
                      lk_array_count(&seen) == (size_t)(side[0] * side[1]);
    rc = fits ? lk_contract_finite(&d->contract, &seen, err)
              : lk_contract_fail(&d->contract, d->session, err);
    rc = rc ? rc : show(seen.data, (int)side[0], (int)side[1], width, height, out, err);
    lk_arrays_free(&seen, 1);
    return rc;
}

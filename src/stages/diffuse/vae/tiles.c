// SPDX-License-Identifier: Apache-2.0
#include "stages/diffuse/vae/tiles.h"

#include <stdlib.h>
#include <string.h>

/* One axis cut into tiles. */
struct cut {
    int whole, tile, count;
};

static struct cut cut_axis(int whole, int tile, int overlap)
{
    if (whole <= tile)
        return (struct cut){whole, whole, 1};
    int step = tile - overlap;
    return (struct cut){whole, tile, (whole - overlap + step - 1) / step};
}

static int start_of(const struct cut *c, int i)
{
    return c->count == 1 ? 0 : (int)((long)i * (c->whole - c->tile) / (c->count - 1));
}

/* Weight of pixel k of tile i: 1 inside and at the border of the whole, rising from the tile's own
 * edges over `ramp` pixels. */
static float weight_at(const struct cut *c, int i, int scale, int ramp, int k)
{
    float left = i > 0 ? ((float)k + 0.5f) / (float)ramp : 1;
    float right = i + 1 < c->count ? ((float)(c->tile * scale - k) - 0.5f) / (float)ramp : 1;
    float least = left < right ? left : right;
    return least < 1 ? least : 1;
}

struct job {
    const struct lk__tiles *t;
    struct cut y, x;
    float *in, *out; /* one tile */
    float *sum;      /* [out_channels, H, W] */
    float *weight;   /* [H, W] */
};

static void take(const struct job *j, const float *whole, int y0, int x0)
{
    const int s = j->t->in_scale;
    const size_t w = (size_t)j->x.tile * s, h = (size_t)j->y.tile * s;
    const size_t stride = (size_t)j->t->width * s, plane = stride * j->t->height * s;
    for (int c = 0; c < j->t->in_channels; c++) {
        const float *from = whole + c * plane + (size_t)y0 * s * stride + (size_t)x0 * s;
        for (size_t y = 0; y < h; y++)
            memcpy(j->in + (c * h + y) * w, from + y * stride, w * sizeof(float));
    }
}

static void give(const struct job *j, int iy, int ix)
{
    const int s = j->t->out_scale, ramp = j->t->overlap > 0 ? j->t->overlap * s : 1;
    const int h = j->y.tile * s, w = j->x.tile * s;
    const size_t stride = (size_t)j->t->width * s, plane = stride * j->t->height * s;
    const size_t origin =
        (size_t)start_of(&j->y, iy) * s * stride + (size_t)start_of(&j->x, ix) * s;
    for (int y = 0; y < h; y++) {
        float wy = weight_at(&j->y, iy, s, ramp, y);
        for (int x = 0; x < w; x++) {
            float weight = wy * weight_at(&j->x, ix, s, ramp, x);
            size_t at = origin + y * stride + x;
            j->weight[at] += weight;
            for (int c = 0; c < j->t->out_channels; c++)
                j->sum[c * plane + at] += weight * j->out[((size_t)c * h + y) * w + x];
        }
    }
}

static int run_all(struct job *j, const float *in, float *out, struct lk_error *err)
{
    const size_t plane = (size_t)j->t->height * j->t->out_scale * j->t->width * j->t->out_scale;
    for (int iy = 0; iy < j->y.count; iy++) {
        for (int ix = 0; ix < j->x.count; ix++) {
            take(j, in, start_of(&j->y, iy), start_of(&j->x, ix));
            int rc = j->t->run(j->t->user, j->in, j->y.tile, j->x.tile, j->out, err);
            if (rc)
                return rc;
            give(j, iy, ix);
        }
    }
    for (int c = 0; c < j->t->out_channels; c++) {
        for (size_t k = 0; k < plane; k++)
            out[c * plane + k] = j->sum[c * plane + k] / j->weight[k];
    }
    return 0;
}

int lk__tiles_run(const struct lk__tiles *t, const float *in, float *out, struct lk_error *err)
{
    struct job j = {
        .t = t,
        .y = cut_axis(t->height, t->tile, t->overlap),
        .x = cut_axis(t->width, t->tile, t->overlap),
    };
    if (j.y.count == 1 && j.x.count == 1)
        return t->run(t->user, in, t->height, t->width, out, err);
    /* Sides are at most LK_DRAW_MAX_SIDE pixels: none of these products overflows. */
    const size_t tile = (size_t)j.y.tile * j.x.tile, whole = (size_t)t->height * t->width;
    const size_t n_in = tile * t->in_channels * t->in_scale * t->in_scale;
    const size_t out_area = (size_t)t->out_scale * t->out_scale;
    const size_t n_out = tile * t->out_channels * out_area, n_plane = whole * out_area;
    const size_t total = n_in + n_out + n_plane * (t->out_channels + 1);
    float *memory = calloc(total, sizeof *memory);
    if (!memory)
        return lk_fail_memory(err, "tiled decoding", total * sizeof *memory);
    j.in = memory, j.out = j.in + n_in;
    j.weight = j.out + n_out, j.sum = j.weight + n_plane;
    int rc = run_all(&j, in, out, err);
    free(memory);
    return rc;
}

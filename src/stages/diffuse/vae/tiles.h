// SPDX-License-Identifier: Apache-2.0
/* A network run over a large picture in overlapping tiles, so that its memory does not grow with
 * the picture.
 *
 * Tiles all have the same size and are spread evenly, so that none is a thin strip at the border
 * whose group norms would see next to nothing. Where they overlap, each is weighted by a ramp that
 * rises from its own edge over `overlap`; the weights of a pixel are normalised to 1, so that tiles
 * which agree are reproduced exactly. */
#ifndef LK_STAGES_DIFFUSE_TILES_H
#define LK_STAGES_DIFFUSE_TILES_H

#include "base/error.h"

/* Positions are in latent pixels; one is in_scale (out_scale) pixels wide going in (out). */
struct lk__tiles {
    int height, width; /* of the whole, in latent pixels */
    int tile, overlap; /* side of a tile; 0 ≤ overlap < tile */
    int in_channels, in_scale;
    int out_channels, out_scale;
    /* in [in_channels, h·in_scale, w·in_scale] → out [out_channels, h·out_scale, w·out_scale] */
    int (*run)(void *user, const float *in, int h, int w, float *out, struct lk_error *err);
    void *user;
};

/* in, out: as those of run, for the whole. out is written only on success of all tiles. A whole
 * that fits one tile is one call of run. */
int lk__tiles_run(const struct lk__tiles *tiles, const float *in, float *out, struct lk_error *err);

#endif

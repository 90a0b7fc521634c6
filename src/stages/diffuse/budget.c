// SPDX-License-Identifier: Apache-2.0
#include "stages/diffuse/budget.h"

#include <limits.h>

#include "base/size.h"
#include "stages/diffuse/vae/autoencoder.h"

/* As many f32 tensors of the widest level are alive at once, at most: two of a UNet's feed-forward
 * layers (8 and 4 times its width) with what is kept around them; three and a bit of the decoder's
 * last level but one, at full size. */
static const double unet_tensors = 18, vae_tensors = 3.3;

/* Scores of one attention, before and behind the softmax; our kernels store none. */
static double scores(const struct lk__extent *e, int level, int heads, int parts)
{
    const double tokens = (double)(e->height >> level) * (e->width >> level);
    return parts == LK__UNSCORED ? 0
                                 : 2.0 * e->rows * heads * tokens * tokens / parts * sizeof(float);
}

/* Of each token that may go, 3 of 4, to each that stays, where tokens are matched. */
static double likenesses(const struct lk__extent *e)
{
    const double tokens = (double)e->height * e->width;
    return e->merges ? e->rows * 0.75 * tokens * 0.25 * tokens * sizeof(float) : 0;
}

size_t lk__unet_work(const lk_checkpoint *checkpoint, const struct lk__extent *e, int parts)
{
    const struct lk_unet_config *c = &lk_checkpoint_config(checkpoint)->unet;
    double most = likenesses(e);
    for (int i = 0; i < c->levels; i++) {
        const double bytes = c->attention[i] ? scores(e, i, c->heads[i], parts) : 0;
        most = bytes > most ? bytes : most;
    }
    const double pixels = (double)e->rows * e->height * e->width;
    return (size_t)(most + unet_tensors * pixels * c->width[0] * sizeof(float));
}

size_t lk__vae_work(const lk_checkpoint *checkpoint, const struct lk__extent *e, int parts)
{
    const struct lk_vae_config *c = &lk_checkpoint_config(checkpoint)->vae;
    const double factor = 1 << (c->levels - 1), area = (double)e->height * e->width;
    const int widest = c->levels > 1 && c->width[1] > c->width[0] ? c->width[1] : c->width[0];
    const double pictures = vae_tensors * area * factor * factor * widest * sizeof(float);
    const double attention = scores(e, 0, 1, parts);
    return (size_t)(pictures > attention ? pictures : attention);
}

void lk__network_close(struct lk__network *network)
{
    lk_repeated_free(network->steps);
    lk_session_release(network->session);
    *network = (struct lk__network){0};
}

/* Loading takes more than what stays, but then nothing runs. */
static size_t peak(const struct lk__budget *b, const lk_graph *graph, bool streams, size_t work)
{
    if (!streams && lk_runtime_packs(b->runtime, b->device))
        return lk_graph_packed_bytes(b->runtime, graph, b->device) + work;
    const size_t load = lk_graph_load_bytes(graph, streams);
    const size_t run = lk_graph_bytes(graph, streams) + work;
    return load > run ? load : run;
}

bool lk__budget_is_ample(const struct lk__budget *b,
                         const lk_graph *graph,
                         lk__work *work,
                         const struct lk__extent *extent,
                         const struct lk__network *network)
{
    const bool packed =
        network->session ? network->parts == LK__UNSCORED : lk_runtime_packs(b->runtime, b->device);
    const size_t bytes = work(b->checkpoint, extent, packed ? LK__UNSCORED : 1);
    return network->session ? lk_session_reserve(network->session, bytes)
                            : lk_runtime_make_room(b->runtime, peak(b, graph, false, bytes));
}

/* The least thrift with which the graph and its runs fit; false when none is enough. Packed weights
 * are no more than the same unpacked, so without room for them only streaming helps. */
static bool choose(const struct lk__budget *b,
                   const lk_graph *graph,
                   lk__work *work,
                   const struct lk__extent *extent,
                   struct lk_graph_thrift *out)
{
    static const int parts[] = {1, 2, 4, 8, 16, 32, 64};
    const bool packs = lk_runtime_packs(b->runtime, b->device);
    for (int streams = 0; streams <= 1; streams++) {
        const bool packed = packs && !streams;
        for (size_t i = 0; i < (packed ? 1 : LK_ARRAY_LENGTH(parts)); i++) {
            *out = (struct lk_graph_thrift){packed ? LK__UNSCORED : parts[i], streams};
            const size_t bytes = work(b->checkpoint, extent, out->parts);
            if (lk_runtime_make_room(b->runtime, peak(b, graph, streams, bytes)))
                return true;
        }
    }
    return false;
}

int lk__budget_open(const struct lk__budget *b,
                    lk_graph *graph,
                    lk__work *work,
                    const struct lk__extent *extent,
                    struct lk__network *network,
                    struct lk_error *err)
{
    struct lk_graph_thrift thrift;
    if (network->session &&
        lk_session_reserve(network->session, work(b->checkpoint, extent, network->parts)))
        return 0;
    lk__network_close(network);
    if (!choose(b, graph, work, extent, &thrift)) {
        const size_t least = peak(b, graph, true, work(b->checkpoint, extent, thrift.parts));
        return lk_fail(err, LK_E_FAILED,
                       "checkpoint '%s': its %s needs at least %zu MB for a latent of %dx%d beside "
                       "what else is in use, more than is left of the %zu MB for networks: raise "
                       "--memory, or draw a smaller picture by --size",
                       lk_checkpoint_name(b->checkpoint), work == lk__unet_work ? "UNet" : "VAE",
                       (least >> 20) + 1, extent->width, extent->height,
                       lk_runtime_budget(b->runtime) >> 20);
    }
    lk_graph_save(graph, thrift);
    int rc = lk_session_of_graph(b->runtime, graph, NULL, b->device, &network->session, err);
    rc = rc ? rc : lk_repeated_new(network->session, &network->steps, err);
    if (rc) {
        lk__network_close(network);
        return rc;
    }
    network->parts = thrift.parts;
    lk_session_reserve(network->session, work(b->checkpoint, extent, thrift.parts));
    return 0;
}

/* A tile of that side, or the whole where that is smaller. */
static struct lk__extent tile_of(const struct lk__extent *whole, int side)
{
    struct lk__extent tile = *whole;
    tile.height = side < whole->height ? side : whole->height;
    tile.width = side < whole->width ? side : whole->width;
    return tile;
}

int lk__budget_open_vae(const struct lk__budget *b,
                        lk_graph *graph,
                        const struct lk__extent *whole,
                        int tile,
                        struct lk__network *network,
                        struct lk_error *err)
{
    static const int smaller[] = {80, 64, 48, 32, 24, 16};
    const bool is_large = (size_t)whole->height * whole->width > LK__VAE_WHOLE;
    const int usual = tile ? tile : is_large ? LK__VAE_TILE : INT_MAX;
    struct lk_graph_thrift thrift;
    struct lk__extent extent = tile_of(whole, usual);
    int side = tile;
    bool fits =
        network->session &&
        lk_session_reserve(network->session, lk__vae_work(b->checkpoint, &extent, network->parts));
    if (!fits)
        lk__network_close(network);
    for (size_t i = 0; !fits && !choose(b, graph, lk__vae_work, &extent, &thrift) && !tile &&
                       i < LK_ARRAY_LENGTH(smaller);
         i++) {
        side = smaller[i];
        extent = tile_of(whole, side);
    }
    int rc = lk__budget_open(b, graph, lk__vae_work, &extent, network, err);
    network->tile = side;
    return rc;
}

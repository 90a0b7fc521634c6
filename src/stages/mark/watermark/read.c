// SPDX-License-Identifier: Apache-2.0
/* Reading. Where the tile lies is found first: a cut by d pixels turns the carrier k by
 * e^{2πi k·d/128}, so one transform of what the sync carriers have, times what they should have,
 * gives the correlation for all 128² places at once. At the best few the code is read; its check
 * decides.
 *
 * A carrier counts by its mark over its noise, which differ by radius. Before the place is known,
 * the mark is taken to be even and the noise to be all there is; afterwards the sync carriers tell
 * both.
 *
 * Chance: at most PLACES·(2·STEPS + 2) words are checked, each passing with 2^-32: below 6e-7. */
#include <math.h>
#include <string.h>

#include "stages/mark/watermark.h"
#include "stages/mark/watermark/code.h"
#include "stages/mark/watermark/tile.h"

enum {
    CELLS = LK__TILE * LK__TILE,
    PLACES = 8, /* that are looked at closely */
    REACH = 3,  /* radii on either side that tell of one */
    PART = 512, /* pixels of a side that are looked at when the size is not known */
    STEPS = 140 /* sizes per octave: at most 2/3 of a pixel off at the rim of PART */
};

/* Another size is looked at closely only where chance would come once in ten thousand sizes. */
static const float SURE = 5.5f;

struct place {
    int x, y;
    float score; /* correlation, in standard deviations of what chance gives */
};

struct reader {
    const struct lk_key *key;
    struct lk__layout layout;
    struct lk__tile tile;
    float complex values[LK__CARRIERS_MAX]; /* measured */
};

/* weights[radius]: 1 / (mean square there + mean square of all). */
static void weights_before(const struct reader *r, float weights[LK__RADIUS_MOST + 1])
{
    float square[LK__RADIUS_MOST + 1] = {0}, all = 0;
    int count[LK__RADIUS_MOST + 1] = {0};
    for (int i = 0; i < r->layout.count; i++) {
        float re = crealf(r->values[i]), im = cimagf(r->values[i]), v = re * re + im * im;
        square[r->layout.carriers[i].radius] += v;
        count[r->layout.carriers[i].radius]++;
        all += v;
    }
    all /= (float)r->layout.count;
    for (int i = LK__RADIUS_LEAST; i <= LK__RADIUS_MOST; i++)
        weights[i] = all > 0 ? 1 / (square[i] / (float)count[i] + all) : 0;
}

static float complex expected(const struct lk__carrier *carrier)
{
    return (float)carrier->sign[0] + (float)carrier->sign[1] * I;
}

/* Keeps the best, best first. */
static void offer(struct place best[PLACES - 1], struct place place)
{
    int i = PLACES - 1;
    for (; i > 0 && place.score > best[i - 1].score; i--) {
        if (i < PLACES - 1)
            best[i] = best[i - 1];
    }
    if (i < PLACES - 1)
        best[i] = place;
}

/* Waves are longer than a pixel: around a peak all places score, and only the peak counts. */
static bool is_peak(const kiss_fft_cpx *plane, int x, int y)
{
    static const int around[4][2] = {{1, 0}, {-1, 0}, {0, 1}, {0, -1}};
    float here = plane[y * LK__TILE + x].r;
    for (int i = 0; i < 4; i++) {
        int nx = (x + around[i][0] + LK__TILE) % LK__TILE;
        int ny = (y + around[i][1] + LK__TILE) % LK__TILE;
        if (plane[ny * LK__TILE + nx].r > here)
            return false;
    }
    return true;
}

/* r->tile.frequencies[].r: the correlation for each place; returns its standard deviation. */
static float correlate(struct reader *r)
{
    float weights[LK__RADIUS_MOST + 1], square = 0;
    kiss_fft_cpx *product = r->tile.cells;
    weights_before(r, weights);
    memset(product, 0, CELLS * sizeof *product);
    for (int i = 0; i < r->layout.sync; i++) {
        const struct lk__carrier *c = &r->layout.carriers[i];
        float complex v = weights[c->radius] * r->values[i] * conjf(expected(c));
        product[lk__tile_index(c->x, c->y)] = (kiss_fft_cpx){crealf(v), cimagf(v)};
        square += crealf(v) * crealf(v) + cimagf(v) * cimagf(v);
    }
    kiss_fftnd(r->tile.forward, product, r->tile.frequencies);
    return sqrtf(square / 2);
}

/* The best places; the first is always that of a picture which is not cut. */
static void find_places(struct reader *r, struct place places[PLACES])
{
    float deviation = correlate(r);
    const kiss_fft_cpx *plane = r->tile.frequencies;
    for (int i = 0; i < PLACES; i++)
        places[i] = (struct place){0, 0, -INFINITY};
    for (int i = 0; i < CELLS && deviation > 0; i++) {
        int x = i % LK__TILE, y = i / LK__TILE;
        if (is_peak(plane, x, y))
            offer(places + 1, (struct place){x, y, plane[i].r / deviation});
    }
}

/* out: the two parts of carrier i as they would be without the cut, times the key's signs. */
static void turned_back(const struct reader *r, int i, const struct place *place, float out[2])
{
    const struct lk__carrier *c = &r->layout.carriers[i];
    double angle = 2 * M_PI * ((c->x * place->x + c->y * place->y) % LK__TILE) / LK__TILE;
    float complex v = r->values[i] * ((float)cos(angle) - (float)sin(angle) * I);
    out[0] = crealf(v) * c->sign[0];
    out[1] = cimagf(v) * c->sign[1];
}

static float agreement(const struct reader *r, const struct place *place, uint64_t id)
{
    int8_t code[LK__CODE_SIGNS];
    lk__code_write(r->key, id, code);
    int agree = 0, all = 2 * (r->layout.count - r->layout.sync);
    for (int i = r->layout.sync; i < r->layout.count; i++) {
        float parts[2];
        turned_back(r, i, place, parts);
        for (int part = 0; part < 2; part++)
            agree += parts[part] * code[lk__layout_sign(&r->layout, i, part)] > 0;
    }
    return (float)agree / (float)all;
}

/* weights[radius]: mean of what the sync carriers around that radius have of their sign, over its
 * variance. */
static void weights_after(const struct reader *r,
                          const struct place *place,
                          float weights[LK__RADIUS_MOST + 1])
{
    float sum[LK__RADIUS_MOST + 1] = {0}, square[LK__RADIUS_MOST + 1] = {0};
    float count[LK__RADIUS_MOST + 1] = {0};
    for (int i = 0; i < r->layout.sync; i++) {
        float parts[2];
        turned_back(r, i, place, parts);
        int at = r->layout.carriers[i].radius;
        for (int near = at - REACH; near <= at + REACH; near++) {
            if (near < LK__RADIUS_LEAST || near > LK__RADIUS_MOST)
                continue;
            sum[near] += parts[0] + parts[1];
            square[near] += parts[0] * parts[0] + parts[1] * parts[1];
            count[near] += 2;
        }
    }
    for (int i = LK__RADIUS_LEAST; i <= LK__RADIUS_MOST; i++) {
        float mean = sum[i] / count[i], variance = square[i] / count[i] - mean * mean;
        weights[i] = mean > 0 && variance > 0 ? mean / variance : 0;
    }
}

static struct lk_watermark read_at(const struct reader *r, const struct place *place)
{
    float soft[LK__CODE_SIGNS] = {0}, weights[LK__RADIUS_MOST + 1];
    weights_after(r, place, weights);
    for (int i = r->layout.sync; i < r->layout.count; i++) {
        float parts[2];
        turned_back(r, i, place, parts);
        for (int part = 0; part < 2; part++)
            soft[lk__layout_sign(&r->layout, i, part)] +=
                weights[r->layout.carriers[i].radius] * parts[part];
    }
    struct lk_watermark out = {0};
    out.found = lk__code_read(r->key, soft, &out.id);
    if (out.found)
        out.agreement = agreement(r, place, out.id);
    return out;
}

static int read_scaled(struct reader *r,
                       const struct lk__field *field,
                       double scale,
                       struct lk_watermark *out,
                       struct lk_error *err)
{
    struct place places[PLACES];
    int rc = lk__tile_measure(&r->tile, field, scale, &r->layout, r->values, err);
    if (rc)
        return rc;
    find_places(r, places);
    for (int i = 0; i < PLACES && !out->found; i++) {
        if (scale == 1 || places[i].score > SURE)
            *out = read_at(r, &places[i]);
    }
    return 0;
}

/* The middle of the field, at most `most` on a side. */
static void cut(struct lk__field *field, int most)
{
    int width = field->width < most ? field->width : most;
    int height = field->height < most ? field->height : most;
    int x0 = (field->width - width) / 2, y0 = (field->height - height) / 2;
    for (int y = 0; y < height; y++)
        memmove(field->detail + (size_t)y * (size_t)width,
                field->detail + (size_t)(y0 + y) * (size_t)field->width + x0,
                (size_t)width * sizeof *field->detail);
    field->width = width;
    field->height = height;
}

/* All sizes from half to twice. */
static int read_resized(struct reader *r,
                        struct lk__field *field,
                        struct lk_watermark *out,
                        struct lk_error *err)
{
    int rc = 0;
    cut(field, PART);
    for (int i = -STEPS; i <= STEPS && !rc && !out->found; i++)
        rc = read_scaled(r, field, exp2((double)i / STEPS), out, err);
    return rc;
}

int lk_watermark_read(const struct lk_picture *picture,
                      const struct lk_key *key,
                      enum lk_watermark_search search,
                      struct lk_watermark *out,
                      struct lk_error *err)
{
    struct lk_watermark found = {0};
    struct lk__field field = {0};
    struct reader r = {.key = key};
    int rc = lk__tile_make(&r.tile, err);
    rc = rc ? rc : lk__field_make(picture, &field, err);
    if (!rc) {
        lk__layout_make(key, &r.layout);
        rc = read_scaled(&r, &field, 1, &found, err);
    }
    if (!rc && !found.found && search == LK_WATERMARK_RESIZED)
        rc = read_resized(&r, &field, &found, err);
    lk__field_free(&field);
    lk__tile_free(&r.tile);
    if (!rc)
        *out = found;
    return rc;
}

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
 * Chance: at most PLACES·(SIZES + 1) words are checked, each passing with 2^-32: below 6e-7. */
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "base/wide.h"
#include "stages/mark/watermark.h"
#include "stages/mark/watermark/code.h"
#include "stages/mark/watermark/tile.h"

enum {
    CELLS = LK__TILE * LK__TILE,
    PLACES = 8,  /* that are looked at closely */
    REACH = 3,   /* radii on either side that tell of one */
    PART = 512,  /* pixels of a side that are looked at when the size is not known */
    STEPS = 140, /* sizes per octave: at most 2/3 of a pixel off at the rim of PART */
    SIZES = 2 * STEPS + 1,
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
};

/* What is seen at one size. */
struct look {
    const struct reader *reader;
    float complex values[LK__CARRIERS_MAX]; /* measured */
    float plane[CELLS]; /* [LK__TILE, LK__TILE]: the correlation for each place */
};

/* weights[radius]: 1 / (mean square there + mean square of all). */
static void weights_before(const struct look *l, float weights[LK__RADIUS_MOST + 1])
{
    const struct lk__layout *layout = &l->reader->layout;
    float square[LK__RADIUS_MOST + 1] = {0}, all = 0;
    int count[LK__RADIUS_MOST + 1] = {0};
    for (int i = 0; i < layout->count; i++) {
        float re = crealf(l->values[i]), im = cimagf(l->values[i]), v = re * re + im * im;
        square[layout->carriers[i].radius] += v;
        count[layout->carriers[i].radius]++;
        all += v;
    }
    all /= (float)layout->count;
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
static bool is_peak(const float *plane, int x, int y)
{
    static const int around[4][2] = {{1, 0}, {-1, 0}, {0, 1}, {0, -1}};
    float here = plane[y * LK__TILE + x];
    for (int i = 0; i < 4; i++) {
        int nx = (x + around[i][0] + LK__TILE) % LK__TILE;
        int ny = (y + around[i][1] + LK__TILE) % LK__TILE;
        if (plane[ny * LK__TILE + nx] > here)
            return false;
    }
    return true;
}

/* Fills l->plane; *deviation: its standard deviation. */
static int correlate(struct look *l, float *deviation)
{
    const struct lk__layout *layout = &l->reader->layout;
    float weights[LK__RADIUS_MOST + 1], square = 0;
    float complex product[LK__CARRIERS_MAX];
    weights_before(l, weights);
    for (int i = 0; i < layout->sync; i++) {
        const struct lk__carrier *c = &layout->carriers[i];
        float complex v = weights[c->radius] * l->values[i] * conjf(expected(c));
        product[i] = v;
        square += crealf(v) * crealf(v) + cimagf(v) * cimagf(v);
    }
    *deviation = sqrtf(square / 2);
    return lk__tile_sum(&l->reader->tile, layout, layout->sync, product, l->plane);
}

/* Of a row of the plane. */
LK_WIDE static float greatest(const float row[LK__TILE])
{
    float lane[8], most;
    memcpy(lane, row, sizeof lane);
    for (int x = 8; x < LK__TILE; x += 8)
        for (int k = 0; k < 8; k++)
            lane[k] = row[x + k] > lane[k] ? row[x + k] : lane[k];
    most = lane[0];
    for (int k = 1; k < 8; k++)
        most = lane[k] > most ? lane[k] : most;
    return most;
}

/* The best places that score more than `least`; the first is always that of a picture which is not
 * cut. */
static int find_places(struct look *l, float least, struct place places[PLACES])
{
    float deviation;
    struct place *best = places + 1;
    const int rc = correlate(l, &deviation);
    for (int i = 0; i < PLACES; i++)
        places[i] = (struct place){0, 0, i ? least : -INFINITY};
    for (int y = 0; y < LK__TILE && !rc && deviation > 0; y++) {
        const float *row = l->plane + y * LK__TILE;
        if (!(greatest(row) / deviation > best[PLACES - 2].score))
            continue;
        for (int x = 0; x < LK__TILE; x++) {
            const float score = row[x] / deviation;
            if (score > best[PLACES - 2].score && is_peak(l->plane, x, y))
                offer(best, (struct place){x, y, score});
        }
    }
    return rc;
}

/* out: the two parts of carrier i as they would be without the cut, times the key's signs. */
static void turned_back(const struct look *l, int i, const struct place *place, float out[2])
{
    const struct lk__carrier *c = &l->reader->layout.carriers[i];
    double angle = 2 * M_PI * ((c->x * place->x + c->y * place->y) % LK__TILE) / LK__TILE;
    float complex v = l->values[i] * ((float)cos(angle) - (float)sin(angle) * I);
    out[0] = crealf(v) * c->sign[0];
    out[1] = cimagf(v) * c->sign[1];
}

static float agreement(const struct look *l, const struct place *place, uint64_t id)
{
    const struct lk__layout *layout = &l->reader->layout;
    int8_t code[LK__CODE_SIGNS];
    lk__code_write(l->reader->key, id, code);
    int agree = 0, all = 2 * (layout->count - layout->sync);
    for (int i = layout->sync; i < layout->count; i++) {
        float parts[2];
        turned_back(l, i, place, parts);
        for (int part = 0; part < 2; part++)
            agree += parts[part] * code[lk__layout_sign(layout, i, part)] > 0;
    }
    return (float)agree / (float)all;
}

/* weights[radius]: mean of what the sync carriers around that radius have of their sign, over its
 * variance. */
static void weights_after(const struct look *l,
                          const struct place *place,
                          float weights[LK__RADIUS_MOST + 1])
{
    const struct lk__layout *layout = &l->reader->layout;
    float sum[LK__RADIUS_MOST + 1] = {0}, square[LK__RADIUS_MOST + 1] = {0};
    float count[LK__RADIUS_MOST + 1] = {0};
    for (int i = 0; i < layout->sync; i++) {
        float parts[2];
        turned_back(l, i, place, parts);
        int at = layout->carriers[i].radius;
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

static struct lk_watermark read_at(const struct look *l, const struct place *place)
{
    const struct lk__layout *layout = &l->reader->layout;
    float soft[LK__CODE_SIGNS] = {0}, weights[LK__RADIUS_MOST + 1];
    weights_after(l, place, weights);
    for (int i = layout->sync; i < layout->count; i++) {
        float parts[2];
        turned_back(l, i, place, parts);
        for (int part = 0; part < 2; part++)
            soft[lk__layout_sign(layout, i, part)] +=
                weights[layout->carriers[i].radius] * parts[part];
    }
    struct lk_watermark out = {0};
    out.found = lk__code_read(l->reader->key, soft, &out.id);
    if (out.found)
        out.agreement = agreement(l, place, out.id);
    return out;
}

/* 0; −1: no memory. */
static int read_scaled(const struct reader *r,
                       const struct lk__field *field,
                       double scale,
                       struct lk_watermark *out)
{
    struct look *look = malloc(sizeof *look);
    struct place places[PLACES];
    if (!look)
        return -1;
    look->reader = r;
    int rc = lk__tile_measure(&r->tile, field, scale, &r->layout, look->values);
    rc = rc ? rc : find_places(look, scale == 1 ? -INFINITY : SURE, places);
    for (int i = 0; i < PLACES && !rc && !out->found; i++) {
        if (scale == 1 || places[i].score > SURE)
            *out = read_at(look, &places[i]);
    }
    free(look);
    return rc;
}

/* The middle of a field, at most `most` on a side; detail [most, most] is to be filled. */
static struct lk__field middle_of(const struct lk__field *field, int most, float *detail)
{
    const int width = field->width < most ? field->width : most;
    const int height = field->height < most ? field->height : most;
    const int x0 = (field->width - width) / 2, y0 = (field->height - height) / 2;
    for (int y = 0; y < height; y++)
        memcpy(detail + (size_t)y * (size_t)width,
               field->detail + (size_t)(y0 + y) * (size_t)field->width + x0,
               (size_t)width * sizeof *detail);
    return (struct lk__field){width, height, NULL, detail, field->gain, field->square};
}

/* Sizes are read side by side; the first in their order that shows a mark is taken, whoever came
 * first. */
struct search {
    const struct reader *reader;
    const struct lk__field *field;
    struct lk_watermark found[SIZES];
    atomic_int first; /* size so far that shows one; SIZES: none */
    atomic_bool failed;
};

static void read_size(void *what, size_t i)
{
    struct search *s = what;
    const int size = (int)i;
    int first = atomic_load(&s->first);
    if (size >= first)
        return;
    if (read_scaled(s->reader, s->field, exp2((double)(size - STEPS) / STEPS), &s->found[i]))
        atomic_store(&s->failed, true);
    while (s->found[i].found && size < first &&
           !atomic_compare_exchange_weak(&s->first, &first, size))
        ;
}

/* All sizes from half to twice. */
static int read_resized(const struct reader *r,
                        const struct lk__field *field,
                        int threads,
                        struct lk_watermark *out)
{
    float *detail = malloc((size_t)PART * PART * sizeof *detail);
    if (!detail)
        return -1;
    const struct lk__field middle = middle_of(field, PART, detail);
    struct search search = {.reader = r, .field = &middle, .first = SIZES};
    lk_parallel(threads, SIZES, read_size, &search);
    free(detail);
    if (atomic_load(&search.failed))
        return -1;
    if (atomic_load(&search.first) < SIZES)
        *out = search.found[atomic_load(&search.first)];
    return 0;
}

int lk_watermark_read(const lk_watermark_ground *ground,
                      const struct lk_key *key,
                      enum lk_watermark_search search,
                      int threads,
                      struct lk_watermark *out,
                      struct lk_error *err)
{
    struct lk_watermark found = {0};
    struct reader r = {.key = key};
    lk__layout_make(key, &r.layout);
    int rc = lk__tile_make(&r.tile);
    rc = rc ? rc : read_scaled(&r, &ground->field, 1, &found);
    if (!rc && !found.found && search == LK_WATERMARK_RESIZED)
        rc = read_resized(&r, &ground->field, threads, &found);
    lk__tile_free(&r.tile);
    if (rc)
        return lk_fail_memory(err, "the watermark", sizeof(struct look));
    *out = found;
    return 0;
}

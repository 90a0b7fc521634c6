// SPDX-License-Identifier: Apache-2.0
/* Tiles: the picture is cut into equal parts; each is shown to the network with `pad` more pixels
 * on every side and only its own part of the answer is kept. Beyond the picture's border pixels are
 * mirrored (without repeating the border), so that the border looks like the inside. Where the
 * network sees no farther than the pad, tiles and whole are equal; RRDBNet of 23 blocks sees
 * farther, but what lies 16 px away moves its answer by less than a level.
 *
 * What a network does to sizes is found by running it: it answers N·s − 2·c for s px, where c is
 * the border that networks without padding cut off (waifu2x), and takes sides that are multiples of
 * 4, or of the windows of its attention: 8 (SwinIR) or 16. */
#include "stages/refine/upscale.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "runtime/contract.h"

enum {
    MIN_TILE = 16,
    MAX_PAD = 128,
    MAX_FACTOR = 8,
    PROBE = 64,   /* px of the first probe run */
    MAX_CUT = 32, /* px of the input */
    MAX_WHOLE =
        2048 /* px; longer sides are never done at once: activations would fill the memory */
};

struct lk_upscaler {
    lk_session *session;
    char *path;
    struct lk_contract contract;
    const char *input, *output;
    int width, height; /* of a fixed input; 0: any */
    int factor;
    int cut;      /* px of the answer that are missing on each side */
    int multiple; /* sides that it takes */
};

/* All families here differ in weights and in what probing finds. */
static const char *const families[] = {"rrdbnet", "rrdbnet_x2", "srvgg", "rlfn",
                                       "swinir",  "waifu2x",    "any"};
/* In the order of trying: pixel-unshuffle and down-sampling, then windows. */
static const int multiples[] = {4, 8, 16};

void lk_upscale_options_init(struct lk_upscale_options *options)
{
    *options = (struct lk_upscale_options){.tile = 256, .pad = 16};
}

static int run(const lk_upscaler *upscaler,
               float *tile,
               int width,
               int height,
               const struct lk_watch *watch,
               struct lk_array *output,
               struct lk_error *err)
{
    struct lk_array input = {
        .dtype = LK_F32, .rank = 4, .shape = {1, 3, height, width}, .data = tile};
    int code = lk_session_run(upscaler->session, 1, &upscaler->input, &input, 1, &upscaler->output,
                              output, watch, err);
    if (!code && (output->dtype != LK_F32 || output->rank != 4 || output->shape[1] != 3))
        code = lk_contract_fail(&upscaler->contract, upscaler->session, err);
    return code;
}

/* The size of the answer to a black picture. */
static int probe(
    const lk_upscaler *upscaler, int width, int height, int64_t answered[2], struct lk_error *err)
{
    struct lk_array output = {0};
    float *tile = calloc((size_t)width * (size_t)height * 3, sizeof *tile);
    if (!tile)
        return lk_fail_memory(err, "a tile", (size_t)width * (size_t)height * 3 * sizeof *tile);
    int code = run(upscaler, tile, width, height, NULL, &output, err);
    if (!code) {
        answered[0] = output.shape[3];
        answered[1] = output.shape[2];
    }
    lk_arrays_free(&output, 1);
    free(tile);
    return code;
}

/* Pixels of the input that a border of the answer is of. */
static int lost_of(int factor, int cut)
{
    return (cut + factor - 1) / factor;
}

/* Whether the answer to width × height can be a picture `factor` times as large without its rim;
 * then it is what the upscaler does. */
static bool believe(
    lk_upscaler *upscaler, int64_t factor, int width, int height, const int64_t answered[2])
{
    const int64_t missing = factor * width - answered[0];
    if (factor < 1 || factor > MAX_FACTOR || missing < 0 || missing % 2 ||
        missing > 2 * factor * MAX_CUT || factor * height - answered[1] != missing)
        return false;
    const int cut = (int)(missing / 2), least = width < height ? width : height;
    if (2 * lost_of((int)factor, cut) >= least) /* nothing of a tile would be left */
        return false;
    upscaler->factor = (int)factor;
    upscaler->cut = cut;
    return true;
}

/* One fixed size: what is missing is less than a pixel of the input times the factor. */
static int probe_fixed(lk_upscaler *upscaler, struct lk_error *err)
{
    const int width = upscaler->width ? upscaler->width : PROBE;
    const int height = upscaler->height ? upscaler->height : PROBE;
    int64_t answered[2];
    int code = probe(upscaler, width, height, answered, err);
    if (!code && !believe(upscaler, (answered[0] + width - 1) / width, width, height, answered))
        code = lk_contract_fail(&upscaler->contract, upscaler->session, err);
    upscaler->multiple = multiples[0];
    return code;
}

/* Two sizes tell factor and border; the second is the first that the network takes. */
static int probe_free(lk_upscaler *upscaler, struct lk_error *err)
{
    int64_t first[2], second[2];
    int code = probe(upscaler, PROBE, PROBE, first, err);
    for (size_t i = 0; i < LK_ARRAY_LENGTH(multiples) && !code; i++) {
        const int step = multiples[i], side = PROBE + step;
        upscaler->multiple = step;
        if (!probe(upscaler, side, side, second, NULL) && (second[0] - first[0]) % step == 0 &&
            believe(upscaler, (second[0] - first[0]) / step, side, side, second) &&
            believe(upscaler, upscaler->factor, PROBE, PROBE, first))
            return 0;
    }
    return code ? code : lk_contract_fail(&upscaler->contract, upscaler->session, err);
}

static int read_ports(lk_upscaler *upscaler, struct lk_error *err)
{
    const struct lk_port *in, *out;
    const int64_t picture[] = {1, 3, -1, -1};
    if (lk_session_inputs(upscaler->session, &in) != 1 ||
        lk_session_outputs(upscaler->session, &out) != 1 || !lk_port_fits(&in[0], 4, picture) ||
        !lk_port_fits(&out[0], 4, picture) || in[0].shape[2] > MAX_WHOLE ||
        in[0].shape[3] > MAX_WHOLE)
        return lk_contract_fail(&upscaler->contract, upscaler->session, err);
    upscaler->input = in[0].name;
    upscaler->output = out[0].name;
    upscaler->height = in[0].shape[2] > 0 ? (int)in[0].shape[2] : 0;
    upscaler->width = in[0].shape[3] > 0 ? (int)in[0].shape[3] : 0;
    if ((upscaler->width && upscaler->width < MIN_TILE) ||
        (upscaler->height && upscaler->height < MIN_TILE))
        return lk_contract_fail(&upscaler->contract, upscaler->session, err);
    return 0;
}

int lk_upscaler_open(lk_runtime *runtime,
                     const char *family,
                     const char *path,
                     const char *device,
                     lk_upscaler **out,
                     struct lk_error *err)
{
    const char *known = families[0];
    for (size_t i = 0; i < LK_ARRAY_LENGTH(families) && family; i++) {
        known = families[i];
        if (strcmp(known, family) == 0)
            break;
    }
    if (family && strcmp(known, family) != 0)
        return lk_fail(err, LK_E_INPUT,
                       "upscaler family '%s' is not known: the families are rrdbnet, rrdbnet_x2, "
                       "srvgg, rlfn, swinir, waifu2x, any",
                       family);
    lk_upscaler *upscaler = calloc(1, sizeof *upscaler);
    if (!upscaler || !(upscaler->path = strdup(path))) {
        free(upscaler);
        return lk_fail_memory(err, "an upscaler", sizeof *upscaler);
    }
    upscaler->contract =
        (struct lk_contract){.path = upscaler->path,
                             .role = "upscaler",
                             .family = known,
                             .expects = "one input [1,3,H,W] and one output [1,3,N·H,N·W], with or "
                                        "without its border, of whole N up to 8"};
    int code = lk_session_open(runtime, path, device, &upscaler->session, err);
    if (!code)
        code = read_ports(upscaler, err);
    if (!code)
        code = upscaler->width || upscaler->height ? probe_fixed(upscaler, err)
                                                   : probe_free(upscaler, err);
    if (code) {
        lk_upscaler_free(upscaler);
        return code;
    }
    *out = upscaler;
    return 0;
}

void lk_upscaler_free(lk_upscaler *upscaler)
{
    if (!upscaler)
        return;
    lk_session_release(upscaler->session);
    free(upscaler->path);
    free(upscaler);
}

int lk_upscaler_factor(const lk_upscaler *upscaler)
{
    return upscaler->factor;
}

/* One side of the picture in parts: `count` parts of `part` px, each shown `shown` px, that begin
 * `pad` px before it. */
struct cut {
    int size, pad, count, part, shown;
};

static int at_least(int a, int b)
{
    return a > b ? a : b;
}

/* fixed: what the network takes, 0 for any. The pad is at least what the network cuts off. */
static struct cut cut_side(const lk_upscaler *upscaler, int size, int tile, int pad, int fixed)
{
    const int least = lost_of(upscaler->factor, upscaler->cut);
    struct cut cut = {.size = size, .pad = at_least(pad, least)};
    if (fixed) {
        cut.pad = cut.pad < (fixed - 1) / 2 ? cut.pad : at_least((fixed - 1) / 4, least);
        tile = fixed - 2 * cut.pad;
    } else if (tile == 0 || tile > MAX_WHOLE) {
        tile = MAX_WHOLE;
    }
    cut.count = (size + tile - 1) / tile;
    cut.part = fixed ? tile : (size + cut.count - 1) / cut.count;
    cut.shown = cut.part + 2 * cut.pad;
    cut.shown = (cut.shown + upscaler->multiple - 1) / upscaler->multiple * upscaler->multiple;
    if (fixed)
        cut.shown = fixed;
    return cut;
}

/* The pixel that stands at i of a mirrored row of n pixels: … 2 1 | 0 1 2 … n−1 | n−2 … */
static int mirror(int i, int n)
{
    if (n == 1)
        return 0;
    int period = 2 * (n - 1);
    i %= period;
    i = i < 0 ? i + period : i;
    return i < n ? i : period - i;
}

/* tile [3, rows->shown, columns->shown]; picture: f32. */
static void show_tile(const struct lk_picture *picture,
                      const struct cut *columns,
                      const struct cut *rows,
                      int column,
                      int row,
                      float *tile)
{
    const size_t plane = (size_t)columns->shown * (size_t)rows->shown;
    const size_t channels = (size_t)picture->channels;
    for (int y = 0; y < rows->shown; y++) {
        int from_y = mirror(row * rows->part - rows->pad + y, rows->size);
        const float *from = picture->f32 + (size_t)from_y * (size_t)picture->width * channels;
        float *to = tile + (size_t)y * (size_t)columns->shown;
        for (int x = 0; x < columns->shown; x++) {
            int from_x = mirror(column * columns->part - columns->pad + x, columns->size);
            for (size_t c = 0; c < 3; c++)
                to[c * plane + (size_t)x] = from[(size_t)from_x * channels + c];
        }
    }
}

/* Keeps a tile's own part. answer [3, factor·rows->shown − 2·cut, factor·columns->shown − 2·cut].
 */
static void keep_tile(const lk_upscaler *upscaler,
                      const float *answer,
                      const struct cut *columns,
                      const struct cut *rows,
                      int column,
                      int row,
                      struct lk_picture *out)
{
    const int factor = upscaler->factor, lost = upscaler->cut;
    const size_t line = (size_t)(columns->shown * factor - 2 * lost);
    const size_t plane = line * (size_t)(rows->shown * factor - 2 * lost);
    const int left = column * columns->part * factor, top = row * rows->part * factor;
    const int width =
        columns->part * factor < out->width - left ? columns->part * factor : out->width - left;
    const int height =
        rows->part * factor < out->height - top ? rows->part * factor : out->height - top;
    const float *own = answer + (size_t)(rows->pad * factor - lost) * line +
                       (size_t)(columns->pad * factor - lost);
    for (int y = 0; y < height; y++) {
        float *to = out->f32 + ((size_t)(top + y) * (size_t)out->width + (size_t)left) * 3;
        for (int x = 0; x < width; x++) {
            for (size_t c = 0; c < 3; c++)
                to[3 * (size_t)x + c] =
                    fminf(fmaxf(own[c * plane + (size_t)y * line + (size_t)x], 0), 1);
        }
    }
}

static int run_tile(const lk_upscaler *upscaler,
                    float *tile,
                    const struct cut *columns,
                    const struct cut *rows,
                    int column,
                    int row,
                    const struct lk_watch *watch,
                    struct lk_picture *out,
                    struct lk_error *err)
{
    struct lk_array answer = {0};
    int code = run(upscaler, tile, columns->shown, rows->shown, watch, &answer, err);
    const int64_t factor = upscaler->factor, lost = 2 * (int64_t)upscaler->cut;
    if (!code && (answer.shape[2] != rows->shown * factor - lost ||
                  answer.shape[3] != columns->shown * factor - lost))
        code = lk_contract_fail(&upscaler->contract, upscaler->session, err);
    if (!code)
        code = lk_contract_finite(&upscaler->contract, &answer, err);
    if (!code)
        keep_tile(upscaler, answer.data, columns, rows, column, row, out);
    lk_arrays_free(&answer, 1);
    return code;
}

static int run_tiles(const lk_upscaler *upscaler,
                     const struct lk_picture *picture,
                     const struct lk_upscale_options *options,
                     const struct lk_watch *watch,
                     struct lk_picture *out,
                     struct lk_error *err)
{
    struct cut columns =
        cut_side(upscaler, picture->width, options->tile, options->pad, upscaler->width);
    struct cut rows =
        cut_side(upscaler, picture->height, options->tile, options->pad, upscaler->height);
    size_t bytes = (size_t)columns.shown * (size_t)rows.shown * 3 * sizeof(float);
    float *tile = malloc(bytes);
    if (!tile)
        return lk_fail_memory(err, "a tile", bytes);
    const int tiles = columns.count * rows.count;
    int code = 0;
    for (int i = 0; i < tiles && !code; i++) {
        int column = i % columns.count, row = i / columns.count;
        show_tile(picture, &columns, &rows, column, row, tile);
        code = run_tile(upscaler, tile, &columns, &rows, column, row, watch, out, err);
        if (!code)
            code = lk_watch_step(watch, "upscale", i + 1, tiles, err);
    }
    free(tile);
    return code;
}

int lk_upscale(const lk_upscaler *upscaler,
               const struct lk_picture *picture,
               const struct lk_upscale_options *options,
               const struct lk_watch *watch,
               struct lk_picture **out,
               struct lk_error *err)
{
    struct lk_upscale_options defaults;
    struct lk_picture *floats = NULL, *large = NULL;
    int code = 0;
    lk_upscale_options_init(&defaults);
    options = options ? options : &defaults;
    if ((options->tile && options->tile < MIN_TILE) || options->pad < 0 || options->pad > MAX_PAD)
        return lk_fail(err, LK_E_INPUT,
                       "upscaling in tiles of %d px with a pad of %d px: a tile is 0 or at least "
                       "%d px, a pad 0 to %d px",
                       options->tile, options->pad, MIN_TILE, MAX_PAD);
    if (picture->type != LK_PIXEL_F32)
        code = lk_picture_convert(picture, LK_PIXEL_F32, &floats, err);
    if (!code)
        code = lk_picture_new(picture->width * upscaler->factor, picture->height * upscaler->factor,
                              3, LK_PIXEL_F32, &large, err);
    if (!code)
        code = run_tiles(upscaler, floats ? floats : picture, options, watch, large, err);
    lk_picture_free(floats);
    if (code) {
        lk_picture_free(large);
        return code;
    }
    *out = large;
    return 0;
}

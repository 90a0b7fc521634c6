// SPDX-License-Identifier: Apache-2.0
/* Products on tiles (Intel's AMX): a tile is a register of 16 rows of 64 bytes, and one instruction
 * multiplies 16 rows of 32 bf16, or of 64 whole numbers, with 16 columns:
 *
 *   sum [rows][panel]  (+)=  a [rows][k] · b [k][panel]
 *
 * Panels already are what it wants of b: groups of 4 bytes of each column. Six tiles hold the sums
 * of 32 rows × 3 vectors of columns, the seventh rows of a, the eighth groups of b. The rows of a
 * lie evenly apart, with zeros up to whole tiles of k; where a block of b ends within a tile, its
 * last groups are copied between zeros.
 *
 * What tiles hold belongs to a thread, and makes its switches dear: each task begins by setting
 * them up and ends by giving them back. */
#ifndef LK_KERNELS_ISA_TILES_H
#define LK_KERNELS_ISA_TILES_H

#include "kernels/isa/int8.h"
#include "kernels/isa/vector.h"

#if LK_LANES == 16 && defined(__AMX_BF16__) && defined(__AMX_INT8__)
#define FAST_TILES 1
#else
#define FAST_TILES 0
#endif

#define TILE_ROWS 16
#define TILE_BYTES 64             /* of a row */
#define TALL_ROWS (2 * TILE_ROWS) /* that are multiplied at once, at most */
#define SUM_TILES (2 * VECTORS)

#if FAST_TILES
/* The layout that ldtilecfg reads. */
struct tile_shapes {
    uint8_t palette, first_row, reserved[14];
    uint16_t bytes[16]; /* of a row */
    uint8_t rows[16];
};

INLINE void tiles_begin(void)
{
    static const struct tile_shapes shapes = {
        .palette = 1,
        .bytes = {64, 64, 64, 64, 64, 64, 64, 64},
        .rows = {16, 16, 16, 16, 16, 16, 16, 16},
    };
    _tile_loadconfig(&shapes);
}

INLINE void tiles_end(void)
{
    _tile_release();
}

/* The compilers want the numbers of tiles as literals. Sums: 0 … 5, of the vectors of the upper
 * rows, then of the lower. */
INLINE void load_sums(int tile, const void *at, size_t step)
{
    switch (tile) {
    case 0:
        _tile_loadd(0, at, step);
        break;
    case 1:
        _tile_loadd(1, at, step);
        break;
    case 2:
        _tile_loadd(2, at, step);
        break;
    case 3:
        _tile_loadd(3, at, step);
        break;
    case 4:
        _tile_loadd(4, at, step);
        break;
    default:
        _tile_loadd(5, at, step);
    }
}

INLINE void store_sums(int tile, void *at, size_t step)
{
    switch (tile) {
    case 0:
        _tile_stored(0, at, step);
        break;
    case 1:
        _tile_stored(1, at, step);
        break;
    case 2:
        _tile_stored(2, at, step);
        break;
    case 3:
        _tile_stored(3, at, step);
        break;
    case 4:
        _tile_stored(4, at, step);
        break;
    default:
        _tile_stored(5, at, step);
    }
}

INLINE void load_rows(const char *at, size_t step)
{
    _tile_loadd(6, at, step);
}

INLINE void load_groups(const char *at, size_t step)
{
    _tile_loadd(7, at, step);
}

/* sums += rows · groups */
INLINE void multiply_bf16_tile(int tile)
{
    switch (tile) {
    case 0:
        _tile_dpbf16ps(0, 6, 7);
        break;
    case 1:
        _tile_dpbf16ps(1, 6, 7);
        break;
    case 2:
        _tile_dpbf16ps(2, 6, 7);
        break;
    case 3:
        _tile_dpbf16ps(3, 6, 7);
        break;
    case 4:
        _tile_dpbf16ps(4, 6, 7);
        break;
    default:
        _tile_dpbf16ps(5, 6, 7);
    }
}

INLINE void multiply_int8_tile(int tile)
{
    switch (tile) {
    case 0:
        _tile_dpbusd(0, 6, 7);
        break;
    case 1:
        _tile_dpbusd(1, 6, 7);
        break;
    case 2:
        _tile_dpbusd(2, 6, 7);
        break;
    case 3:
        _tile_dpbusd(3, 6, 7);
        break;
    case 4:
        _tile_dpbusd(4, 6, 7);
        break;
    default:
        _tile_dpbusd(5, 6, 7);
    }
}

INLINE void multiply_tile(enum lk_numbers numbers, int tile)
{
    if (numbers == LK_NUMBERS_INT8)
        multiply_int8_tile(tile);
    else
        multiply_bf16_tile(tile);
}

/* Rows that are multiplied. */
struct tile_rows {
    const char *at;
    size_t step, count;  /* bytes from one to the next */
    const float *scales; /* [count], int8 */
};

/* A block of a panel that they are multiplied with. */
struct tile_block {
    const char *at;
    size_t steps; /* whole tiles of k */
    int vectors, ragged;
    _Alignas(TILE_BYTES) char rest[TILE_ROWS * VECTORS * TILE_BYTES]; /* the ragged end of it */
    const int32_t *origins; /* [vectors·LK_LANES] int8: see layout.h */
    const float *scales;
};

/* Sums that products are added to: a row of vectors, and bytes to the next row's; 0: all rows begin
 * with the same. */
struct tile_sums {
    const void *at;
    size_t step;
};

INLINE void multiply_tile_step(enum lk_numbers numbers,
                               const int tall,
                               const int vectors,
                               const char *a,
                               size_t step,
                               const char *b)
{
    const char *lower = a + TILE_ROWS * step;
    const size_t width = (size_t)vectors * TILE_BYTES;
    load_groups(b, width);
    load_rows(a, step);
    multiply_tile(numbers, 0);
    if (tall) {
        load_rows(lower, step);
        multiply_tile(numbers, 3);
    }
    if (vectors > 1) {
        load_groups(b + TILE_BYTES, width);
        if (tall) {
            multiply_tile(numbers, 4);
            load_rows(a, step);
        }
        multiply_tile(numbers, 1);
    }
    if (vectors > 2) {
        load_groups(b + 2 * TILE_BYTES, width);
        multiply_tile(numbers, 2);
        if (tall) {
            load_rows(lower, step);
            multiply_tile(numbers, 5);
        }
    }
}

/* The constants are such at every place of call. out [rows][PANEL] of 4 bytes */
INLINE void multiply_tiles_of(const enum lk_numbers numbers,
                              const int tall,
                              const int vectors,
                              const char *a,
                              size_t step,
                              const struct tile_block *block,
                              struct tile_sums from,
                              void *out)
{
    const size_t row = PANEL * sizeof(float);
    const char *b = block->at;
#pragma GCC unroll 6
    for (int t = 0; t < 3 * (1 + tall); t++) {
        if (t % 3 < vectors)
            load_sums(t, (const char *)from.at + t / 3 * TILE_ROWS * from.step + t % 3 * TILE_BYTES,
                      from.step);
    }
    for (size_t j = 0; j < block->steps; j++) {
        multiply_tile_step(numbers, tall, vectors, a, step, b);
        a += TILE_BYTES;
        b += TILE_ROWS * TILE_BYTES * vectors;
    }
    if (block->ragged)
        multiply_tile_step(numbers, tall, vectors, a, step, block->rest);
#pragma GCC unroll 6
    for (int t = 0; t < 3 * (1 + tall); t++) {
        if (t % 3 < vectors)
            store_sums(t, (char *)out + t / 3 * TILE_ROWS * row + t % 3 * TILE_BYTES, row);
    }
}

INLINE void multiply_tiles(const enum lk_numbers numbers,
                           const int tall,
                           const char *a,
                           size_t step,
                           const struct tile_block *block,
                           struct tile_sums from,
                           void *out)
{
    if (block->vectors == 3)
        multiply_tiles_of(numbers, tall, 3, a, step, block, from, out);
    else if (block->vectors == 2)
        multiply_tiles_of(numbers, tall, 2, a, step, block, from, out);
    else
        multiply_tiles_of(numbers, tall, 1, a, step, block, from, out);
}

/* k numbers of each column of a panel, from `at` on. */
INLINE void open_tile_block(
    struct tile_block *block, enum lk_numbers numbers, const char *at, size_t k, int vectors)
{
    const size_t group = numbers == LK_NUMBERS_INT8 ? GROUP : 2, groups = over(k, group);
    const size_t width = (size_t)vectors * TILE_BYTES, rest = groups % TILE_ROWS * width;
    const char *behind = at + groups * width;
    block->at = at;
    block->steps = groups / TILE_ROWS;
    block->vectors = vectors;
    block->ragged = rest > 0;
    if (rest) {
        memset(block->rest, 0, TILE_ROWS * width);
        memcpy(block->rest, behind - rest, rest);
    }
    block->origins = (const int32_t *)(const void *)behind;
    block->scales = (const float *)(const void *)(behind + width);
}

/* sums [rows][PANEL], rows up to whole tiles, (+)= rows · block */
NOINLINE void multiply_tiles_bf16(const struct tile_rows *rows,
                                  const struct tile_block *block,
                                  float *sums,
                                  int add)
{
    static const float zeros[PANEL];
    __asm__ volatile("" ::: "memory"); /* gcc 12 does not know that tiles are loaded from there */
    for (size_t r = 0; r < rows->count; r += TALL_ROWS) {
        const char *a = rows->at + r * rows->step;
        float *to = sums + r * PANEL;
        const struct tile_sums from = {add ? to : zeros, add ? PANEL * sizeof *sums : 0};
        if (rows->count - r > TILE_ROWS)
            multiply_tiles(LK_NUMBERS_BF16, 1, a, rows->step, block, from, to);
        else
            multiply_tiles(LK_NUMBERS_BF16, 0, a, rows->step, block, from, to);
    }
}

/* sums [count][PANEL] (+)= of integers, times scales of rows and columns */
INLINE void add_integers(const int32_t *integers,
                         size_t count,
                         const float *scales,
                         const struct tile_block *block,
                         float *sums,
                         int add)
{
    for (size_t r = 0; r < count; r++) {
#pragma GCC unroll 3
        for (int v = 0; v < VECTORS; v++) {
            if (v >= block->vectors)
                break;
            float *to = sums + r * PANEL + v * LK_LANES;
            const vi whole_sums =
                load_integers((const char *)(integers + r * PANEL + v * LK_LANES));
            const vf factor = load(block->scales + v * LK_LANES) * scales[r];
            const vf product = __builtin_convertvector(whole_sums, vf) * factor;
            store(to, add ? load(to) + product : product);
        }
    }
}

/* The same in whole numbers. */
NOINLINE void multiply_tiles_int8(const struct tile_rows *rows,
                                  const struct tile_block *block,
                                  float *sums,
                                  int add)
{
    _Alignas(TILE_BYTES) int32_t integers[TALL_ROWS * PANEL];
    const struct tile_sums from = {block->origins, 0};
    __asm__ volatile("" ::: "memory");
    for (size_t r = 0; r < rows->count; r += TALL_ROWS) {
        const char *a = rows->at + r * rows->step;
        const size_t left = rows->count - r;
        if (left > TILE_ROWS)
            multiply_tiles(LK_NUMBERS_INT8, 1, a, rows->step, block, from, integers);
        else
            multiply_tiles(LK_NUMBERS_INT8, 0, a, rows->step, block, from, integers);
        add_integers(integers, least(left, TALL_ROWS), rows->scales + r, block, sums + r * PANEL,
                     add);
    }
}
#endif
#endif

// SPDX-License-Identifier: Apache-2.0
/* Numbers of a tensor as float32. Loops of one type each, without branches inside, so that the
 * compiler vectorises them; loads go through memcpy because a mapping aligns nothing. */
#include <stdint.h>
#include <string.h>

#include "base/half.h"
#include "base/size.h"
#include "data/tensor_file.h"

static void from_f16(const unsigned char *in, size_t count, float *out)
{
    lk_widen_halves(in, count, out);
}

static void from_bf16(const unsigned char *in, size_t count, float *out)
{
    for (size_t i = 0; i < count; i++) {
        uint16_t h;
        memcpy(&h, in + 2 * i, sizeof h);
        out[i] = lk_float_of_bits((uint32_t)h << 16);
    }
}

static void from_e5m2(const unsigned char *in, size_t count, float *out)
{
    for (size_t i = 0; i < count; i++)
        out[i] = lk_float_of_half((uint16_t)(in[i] << 8));
}

/* Its bits moved into a half have a bias of 7 where a half's is 15: times 2^8. */
static void from_e4m3(const unsigned char *in, size_t count, float *out)
{
    for (size_t i = 0; i < count; i++) {
        uint16_t h = (uint16_t)((in[i] & 0x80) << 8 | (in[i] & 0x7f) << 7);
        float value = lk_float_of_half(h) * 256;
        out[i] = (in[i] & 0x7f) == 0x7f ? lk_float_of_bits(0x7fc00000u) : value;
    }
}

static void from_f64(const unsigned char *in, size_t count, float *out)
{
    for (size_t i = 0; i < count; i++) {
        double d;
        memcpy(&d, in + 8 * i, sizeof d);
        out[i] = (float)d;
    }
}

static void from_f32(const unsigned char *in, size_t count, float *out)
{
    if (count > 0)
        memcpy(out, in, count * sizeof *out);
}

static void (*const readers[])(const unsigned char *in, size_t count, float *out) = {
    [LK_F32] = from_f32, [LK_F16] = from_f16,      [LK_BF16] = from_bf16,
    [LK_F64] = from_f64, [LK_F8_E4M3] = from_e4m3, [LK_F8_E5M2] = from_e5m2,
};

static int check_range(const struct lk_tensor *tensor,
                       size_t first,
                       size_t count,
                       struct lk_error *err)
{
    const size_t total = tensor->size / lk_dtype_size(tensor->dtype);
    if (first <= total && count <= total - first)
        return 0;
    return lk_fail(err, LK_E_INPUT,
                   "file '%s': tensor '%s' has %zu numbers, but %zu from number %zu on were asked "
                   "for",
                   tensor->path, tensor->name, total, count, first);
}

int lk_tensor_to_f32(
    const struct lk_tensor *tensor, size_t first, size_t count, float *out, struct lk_error *err)
{
    if ((size_t)tensor->dtype >= LK_ARRAY_LENGTH(readers) || !readers[tensor->dtype])
        return lk_fail(err, LK_E_INPUT, "file '%s': tensor '%s' holds %s where floats are expected",
                       tensor->path, tensor->name, lk_dtype_name(tensor->dtype));
    const size_t at = first * lk_dtype_size(tensor->dtype);
    const int code = check_range(tensor, first, count, err);
    if (!code)
        readers[tensor->dtype]((const unsigned char *)tensor->data + at, count, out);
    return code;
}

int lk_tensor_halves(const struct lk_tensor *tensor,
                     size_t first,
                     size_t count,
                     const void **out,
                     struct lk_error *err)
{
    const int code = check_range(tensor, first, count, err);
    if (!code)
        *out = (const unsigned char *)tensor->data + first * sizeof(uint16_t);
    return code;
}

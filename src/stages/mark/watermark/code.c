// SPDX-License-Identifier: Apache-2.0
/* A convolutional code of rate 1/4 and constraint length 9, whose words differ in at least 24 signs
 * (Proakis, Digital Communications, table 8.2-3: generators 463, 535, 733, 745), read by Viterbi's
 * algorithm with soft decisions.
 *
 * The check is 32 bits of a keyed hash of the id. A CRC would be linear, as the code is, and would
 * pass the all-zero word; with a hash every word that an unmarked picture happens to give passes
 * with a chance of 2^-32, whatever the picture. */
#include "stages/mark/watermark/code.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "stages/mark/watermark.h"

enum { RATE = 4, MEMORY = 8, STATES = 1 << MEMORY };

static const unsigned generators[RATE] = {0463, 0535, 0733, 0745};

/* The signs, as bits, that the encoder gives when `bit` meets the last MEMORY bits (newest
 * highest).
 */
static unsigned signs_of(unsigned state, unsigned bit)
{
    unsigned word = bit << MEMORY | state, out = 0;
    for (int i = 0; i < RATE; i++)
        out |= (unsigned)__builtin_parity(word & generators[i]) << i;
    return out;
}

static uint32_t check_of(const struct lk_key *key, uint64_t id)
{
    uint8_t bytes[9] = {'c'}, hash[16];
    for (int i = 0; i < 8; i++)
        bytes[1 + i] = (uint8_t)(id >> (8 * i));
    lk_key_hash(key, bytes, sizeof bytes, hash, sizeof hash);
    return (uint32_t)hash[0] << 24 | (uint32_t)hash[1] << 16 | (uint32_t)hash[2] << 8 | hash[3];
}

/* Bit i of id, check, zeros. */
static unsigned bit_at(uint64_t id, uint32_t check, int i)
{
    return i < 64 ? id >> (63 - i) & 1 : i < 96 ? check >> (95 - i) & 1 : 0;
}

void lk__code_write(const struct lk_key *key, uint64_t id, int8_t signs[LK__CODE_SIGNS])
{
    uint32_t check = check_of(key, id);
    unsigned state = 0;
    for (int i = 0; i < LK__CODE_BITS; i++) {
        unsigned bit = bit_at(id, check, i), out = signs_of(state, bit);
        for (int j = 0; j < RATE; j++)
            signs[RATE * i + j] = out >> j & 1 ? -1 : 1;
        state = (bit << MEMORY | state) >> 1;
    }
}

/* One step: the better of the two ways into each state, and in `from` which it was (the oldest bit,
 * which the step forgets). */
static void advance(const float *soft, const float *score, float *next, uint8_t *from)
{
    float gain[1 << RATE] = {0};
    for (unsigned out = 0; out < 1 << RATE; out++) {
        for (int j = 0; j < RATE; j++)
            gain[out] += out >> j & 1 ? -soft[j] : soft[j];
    }
    for (unsigned state = 0; state < STATES; state++) {
        unsigned bit = state >> (MEMORY - 1);
        unsigned a = (state << 1) & (STATES - 1), b = a | 1;
        float via_a = score[a] + gain[signs_of(a, bit)], via_b = score[b] + gain[signs_of(b, bit)];
        from[state] = via_b > via_a;
        next[state] = via_b > via_a ? via_b : via_a;
    }
}

bool lk__code_read(const struct lk_key *key, const float soft[LK__CODE_SIGNS], uint64_t *id)
{
    float score[2][STATES];
    uint8_t from[LK__CODE_BITS][STATES];
    for (int state = 0; state < STATES; state++)
        score[0][state] = state ? -INFINITY : 0;
    for (int i = 0; i < LK__CODE_BITS; i++)
        advance(soft + (size_t)RATE * (size_t)i, score[i & 1], score[~i & 1], from[i]);
    uint64_t word = 0;
    uint32_t check = 0;
    unsigned state = 0; /* the zeros at the end lead there */
    for (int i = LK__CODE_BITS - 1; i >= 0; i--) {
        uint64_t bit = state >> (MEMORY - 1);
        if (i < 64)
            word |= bit << (63 - i);
        else if (i < 96)
            check |= (uint32_t)bit << (95 - i);
        state = ((state << 1) & (STATES - 1)) | from[i][state];
    }
    if (check != check_of(key, word))
        return false;
    *id = word;
    return true;
}

void lk_watermark_print(uint64_t id, char out[LK_WATERMARK_ID_SIZE])
{
    snprintf(out, LK_WATERMARK_ID_SIZE, "%016" PRIx64, id);
}

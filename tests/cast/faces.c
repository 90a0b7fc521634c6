// SPDX-License-Identifier: Apache-2.0
#include "cast/faces.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "support/check.h"

const char FIRST_EMBEDDER[65] = "1111111111111111111111111111111111111111111111111111111111111111",
           OTHER_EMBEDDER[65] = "2222222222222222222222222222222222222222222222222222222222222222";

enum { SIZE = 128 };

/* A vector that belongs to `seed`: far from all others in so many dimensions. */
static void vector_of(unsigned seed, float out[SIZE])
{
    unsigned state = seed * 2654435761u + 1;
    for (int i = 0; i < SIZE; i++) {
        state = state * 1664525u + 1013904223u;
        out[i] = (float)(state >> 8) / (float)(1 << 24) - 0.5f;
    }
}

static void embed(int who, int n, const char *embedder, struct lk_embedding *out)
{
    float person[SIZE], photo[SIZE];
    double square = 0;
    unsigned salt = (unsigned)*embedder * 1000u;
    vector_of(salt + (unsigned)who, person);
    vector_of(salt + (unsigned)(1000 * (who + 1) + n), photo);
    *out = (struct lk_embedding){.size = SIZE};
    for (int i = 0; i < SIZE; i++) {
        out->value[i] = person[i] + 0.2f * photo[i];
        square += (double)out->value[i] * (double)out->value[i];
    }
    for (int i = 0; i < SIZE; i++)
        out->value[i] = (float)((double)out->value[i] / sqrt(square));
    snprintf(out->embedder, sizeof out->embedder, "%s", embedder);
}

struct lk_cast_photo make_photo(int who, int n)
{
    struct lk_error err;
    struct lk_cast_photo photo = {.quality = 0.5f + 0.01f * (float)n};
    assert_ok(lk_picture_new(LK_CAST_CROP, LK_CAST_CROP, 3, LK_PIXEL_U8, &photo.crop, &err), &err);
    photo.crop->u8[0] = (uint8_t)who;
    photo.crop->u8[1] = (uint8_t)n;
    for (int i = 0; i < 5; i++)
        photo.points[i][0] = photo.points[i][1] = (float)(20 * i + n);
    snprintf(photo.sha256, sizeof photo.sha256, "%032x%032x", who, n);
    embed(who, n, FIRST_EMBEDDER, &photo.embedding);
    return photo;
}

void free_photo(struct lk_cast_photo *photo)
{
    lk_picture_free(photo->crop);
}

/* The embedders of this process, by the first digit of their sha256. */
static struct seeing {
    const char *sha256;
    int *asked;
} seeing[10];

static int see(void *user,
               const struct lk_picture *crop,
               const float (*points)[2],
               struct lk_embedding *out,
               struct lk_error *err)
{
    const struct seeing *s = user;
    (void)err;
    assert_float_equal(points[4][0], 80 + crop->u8[1], 0.001);
    ++*s->asked;
    embed(crop->u8[0], crop->u8[1], s->sha256, out);
    return 0;
}

struct lk_cast_embedder make_embedder(const char *sha256, int *asked)
{
    struct seeing *s = &seeing[*sha256 - '0'];
    *s = (struct seeing){.sha256 = sha256, .asked = asked};
    *asked = 0;
    return (struct lk_cast_embedder){.sha256 = sha256, .embed = see, .user = s};
}

lk_cast *open_cast(const char *path, const char *passphrase)
{
    struct lk_error err;
    lk_cast *cast;
    assert_ok(lk_cast_open(path, LK_CAST_WRITE, passphrase, &cast, &err), &err);
    return cast;
}

int add_person(lk_cast *cast, const char *name, int who, int first, int n, struct lk_error *err)
{
    const struct lk_cast_entry entry = {.name = name, .origin = "tests", .same_person = 0.5f};
    struct lk_cast_photo photos[8] = {0};
    for (int i = 0; i < n; i++)
        photos[i] = make_photo(who, first + i);
    int rc = lk_cast_add(cast, &entry, photos, (size_t)n, err);
    for (int i = 0; i < n; i++)
        free_photo(&photos[i]);
    return rc;
}

bool file_holds(const char *path, const void *bytes, size_t n)
{
    struct lk_error err;
    struct lk_file file;
    assert_ok(lk_file_map(path, &file, &err), &err);
    bool holds = memmem(file.bytes, file.size, bytes, n) != NULL;
    lk_file_unmap(&file);
    return holds;
}

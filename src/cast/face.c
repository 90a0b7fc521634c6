// SPDX-License-Identifier: Apache-2.0
/* Faces: photos, their vectors, and who somebody looks like.
 *
 *     mean = Σ qᵢ·eᵢ / |Σ qᵢ·eᵢ|     eᵢ unit vectors, qᵢ > 0 the photos' quality
 *
 * A crop is kept as its five points (10 floats) and a PNG, a vector as its floats; both sealed
 * where the cast is. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "cast/internal.h"

#define POINTS_SIZE sizeof((struct lk_cast_photo *)0)->points

int lk_cast_mean(const struct lk_cast_photo *photos,
                 size_t n,
                 struct lk_embedding *out,
                 struct lk_error *err)
{
    double sum[LK_EMBEDDING_MAX] = {0}, square = 0;
    struct lk_embedding mean = {0};
    for (size_t i = 0; i < n; i++) {
        const struct lk_embedding *e = &photos[i].embedding;
        if (!e->size)
            continue;
        if (mean.size && (mean.size != e->size || strcmp(mean.embedder, e->embedder) != 0))
            return lk_fail(err, LK_E_INPUT, "photos of one person have vectors of two embedders");
        mean.size = e->size;
        memcpy(mean.embedder, e->embedder, sizeof mean.embedder);
        for (int k = 0; k < e->size; k++)
            sum[k] += (double)photos[i].quality * e->value[k];
    }
    for (int k = 0; k < mean.size; k++)
        square += sum[k] * sum[k];
    if (!(square > 1e-12) || !isfinite(square))
        return lk_fail(err, LK_E_INPUT, "no photo has a vector, or they contradict each other");
    for (int k = 0; k < mean.size; k++)
        mean.value[k] = (float)(sum[k] / sqrt(square));
    *out = mean;
    return 0;
}

static int bind_vector(lk_cast *cast,
                       sqlite3_stmt *put,
                       int index,
                       const char *uid,
                       const struct lk_embedding *e,
                       struct lk_error *err)
{
    char label[LK__LABEL_SIZE];
    lk__label(label, uid, e->embedder);
    return lk__cast_bind(cast, put, index, label, e->value, (size_t)e->size * sizeof *e->value,
                         err);
}

/* A vector of column `column`; size 0 for NULL. */
static int read_vector(lk_cast *cast,
                       sqlite3_stmt *row,
                       int column,
                       const char *uid,
                       const char *embedder,
                       struct lk_embedding *out,
                       struct lk_error *err)
{
    char label[LK__LABEL_SIZE];
    uint8_t *bytes;
    size_t n;
    double square = 0;
    *out = (struct lk_embedding){0};
    if (sqlite3_column_type(row, column) == SQLITE_NULL)
        return 0;
    lk__label(label, uid, embedder);
    int rc = lk__cast_bytes(cast, row, column, label, &bytes, &n, err);
    if (rc)
        return rc;
    if (n % sizeof *out->value == 0 && n <= sizeof out->value) {
        memcpy(out->value, bytes, n);
        out->size = (int)(n / sizeof *out->value);
        snprintf(out->embedder, sizeof out->embedder, "%s", embedder);
    }
    free(bytes);
    for (int k = 0; k < out->size; k++)
        square += (double)out->value[k] * out->value[k];
    return fabs(square - 1) < 1e-3
               ? 0
               : lk_fail(err, LK_E_FAILED, "the cast '%s' was changed: a vector is damaged",
                         cast->store.path);
}

/* points ‖ PNG, malloc'd. */
static int encode_crop(const struct lk_cast_photo *photo,
                       uint8_t **out,
                       size_t *n,
                       struct lk_error *err)
{
    const struct lk_picture_text none = {0};
    void *png;
    size_t size;
    int rc = lk_picture_encode(photo->crop, LK_FORMAT_PNG, &none, &png, &size, err);
    if (rc)
        return rc;
    uint8_t *bytes = malloc(POINTS_SIZE + size);
    if (bytes) {
        memcpy(bytes, photo->points, POINTS_SIZE);
        memcpy(bytes + POINTS_SIZE, png, size);
        *out = bytes;
        *n = POINTS_SIZE + size;
    } else
        rc = lk_fail_memory(err, "a crop", POINTS_SIZE + size);
    free(png);
    return rc;
}

/* The crop of column `column`; NULL for NULL. */
static int read_crop(lk_cast *cast,
                     sqlite3_stmt *row,
                     int column,
                     const char *uid,
                     struct lk_cast_photo *out,
                     struct lk_error *err)
{
    char label[LK__LABEL_SIZE];
    uint8_t *bytes;
    size_t n;
    if (sqlite3_column_type(row, column) == SQLITE_NULL)
        return 0;
    lk__label(label, uid, "crop");
    int rc = lk__cast_bytes(cast, row, column, label, &bytes, &n, err);
    if (rc)
        return rc;
    if (n <= POINTS_SIZE)
        rc = lk_fail(err, LK_E_FAILED, "the cast '%s' was changed: a crop is damaged",
                     cast->store.path);
    if (!rc)
        memcpy(out->points, bytes, POINTS_SIZE);
    rc = rc ? rc
            : lk_picture_read_bytes(bytes + POINTS_SIZE, n - POINTS_SIZE, "a crop of the cast",
                                    &out->crop, err);
    free(bytes);
    return rc;
}

/* Nothing is kept for a photo that somebody else has removed meanwhile, nor in a cast that was
 * sealed. */
static int keep_vector(lk_cast *cast,
                       int64_t photo,
                       const char *uid,
                       const struct lk_embedding *e,
                       struct lk_error *err)
{
    sqlite3_stmt *put;
    int rc = lk_store_prepare(
        &cast->store,
        "INSERT OR IGNORE INTO vector SELECT ?1, ?2, ?3"
        " WHERE EXISTS (SELECT 1 FROM photo WHERE id = ?1) AND (" LK__SEAL_IS("?4") ")",
        &put, err);
    if (rc)
        return rc;
    sqlite3_bind_int64(put, 1, photo);
    sqlite3_bind_text(put, 2, e->embedder, -1, SQLITE_STATIC);
    lk__seal_bind(cast, put, 4);
    rc = bind_vector(cast, put, 3, uid, e, err);
    int finished = lk_store_finish(&cast->store, put, rc ? SQLITE_DONE : sqlite3_step(put), err);
    return rc ? rc : finished;
}

/* A photo that is there already stays as it is. */
static int keep_photo(lk_cast *cast,
                      const struct lk_cast_member *member,
                      const struct lk_cast_photo *photo,
                      struct lk_error *err)
{
    char label[LK__LABEL_SIZE];
    uint8_t *crop = NULL;
    size_t n = 0;
    sqlite3_stmt *put;
    int rc = photo->crop ? encode_crop(photo, &crop, &n, err) : 0;
    rc = rc ? rc
            : lk_store_prepare(&cast->store,
                               "INSERT OR IGNORE INTO photo (person, sha256, quality, crop)"
                               " VALUES (?, nullif(?, ''), ?, ?)",
                               &put, err);
    if (rc)
        goto fail;
    sqlite3_bind_int64(put, 1, member->id);
    sqlite3_bind_text(put, 2, photo->sha256, -1, SQLITE_STATIC);
    sqlite3_bind_double(put, 3, (double)photo->quality);
    lk__label(label, member->uid, "crop");
    if (crop)
        rc = lk__cast_bind(cast, put, 4, label, crop, n, err);
    int finished = lk_store_finish(&cast->store, put, rc ? SQLITE_DONE : sqlite3_step(put), err);
    rc = rc ? rc : finished;
    if (!rc && sqlite3_changes(cast->store.db) && photo->embedding.size)
        rc = keep_vector(cast, sqlite3_last_insert_rowid(cast->store.db), member->uid,
                         &photo->embedding, err);
fail:
    free(crop);
    return rc;
}

static int make_person(lk_cast *cast,
                       const struct lk_cast_entry *entry,
                       struct lk_cast_member *out,
                       struct lk_error *err)
{
    struct lk_salt salt;
    char time[32];
    sqlite3_stmt *put;
    int rc = lk_cast_check_name(entry->name, err);
    rc = rc ? rc
            : lk_store_prepare(&cast->store,
                               "INSERT INTO person (uid, name, origin, time) VALUES (?, ?, ?, ?)",
                               &put, err);
    if (rc)
        return rc;
    lk_salt_make(&salt);
    salt.hex[sizeof out->uid - 1] = 0;
    lk__cast_time(time);
    sqlite3_bind_text(put, 1, salt.hex, -1, SQLITE_STATIC);
    sqlite3_bind_text(put, 2, entry->name, -1, SQLITE_STATIC);
    sqlite3_bind_text(put, 3, entry->origin, -1, SQLITE_STATIC);
    sqlite3_bind_text(put, 4, time, -1, SQLITE_STATIC);
    rc = lk_store_finish(&cast->store, put, sqlite3_step(put), err);
    return rc ? rc : lk_cast_find(cast, entry->name, out, err);
}

/* The person of the entry, made if need be. */
static int find_or_make(lk_cast *cast,
                        const struct lk_cast_entry *entry,
                        struct lk_cast_member *out,
                        struct lk_error *err)
{
    int rc = lk_cast_find(cast, entry->name, out, err);
    if (!rc && entry->must_be_new)
        rc = lk_fail(err, LK_E_INPUT,
                     "somebody in the cast is named '%s' already: take another name, or remove "
                     "that person first",
                     entry->name);
    return rc == LK_E_MISSING ? make_person(cast, entry, out, err) : rc;
}

void lk_cast_photos_free(struct lk_cast_photo *photos, size_t n)
{
    for (size_t i = 0; photos && i < n; i++)
        lk_picture_free(photos[i].crop);
    free(photos);
}

/* One row: id, quality, sha256, crop, vector. */
static int read_photo(lk_cast *cast,
                      sqlite3_stmt *row,
                      const struct lk_cast_member *member,
                      const char *embedder,
                      struct lk_cast_photo *out,
                      struct lk_error *err)
{
    out->quality = (float)sqlite3_column_double(row, 1);
    snprintf(out->sha256, sizeof out->sha256, "%s", lk_store_column(row, 2));
    int rc = read_crop(cast, row, 3, member->uid, out, err);
    return rc ? rc : read_vector(cast, row, 4, member->uid, embedder, &out->embedding, err);
}

/* with_crops false: crops are not read, which takes time. */
static int read_photos(lk_cast *cast,
                       const struct lk_cast_member *member,
                       const char *embedder,
                       bool with_crops,
                       struct lk_cast_photo **out,
                       size_t *n,
                       struct lk_error *err)
{
    sqlite3_stmt *get;
    size_t room = (size_t)member->photos, used = 0;
    int step = SQLITE_DONE;
    int rc = lk_store_prepare(&cast->store,
                              "SELECT id, quality, sha256, iif(?3, crop, NULL), value FROM photo"
                              " LEFT JOIN vector ON photo = id AND embedder = ?2 WHERE person = ?1"
                              " ORDER BY id",
                              &get, err);
    if (rc)
        return rc;
    struct lk_cast_photo *photos = calloc(room + 1, sizeof *photos);
    if (!photos)
        rc = lk_fail_memory(err, "the photos of a person", room * sizeof *photos);
    sqlite3_bind_int64(get, 1, member->id);
    sqlite3_bind_text(get, 2, embedder, -1, SQLITE_STATIC);
    sqlite3_bind_int(get, 3, with_crops);
    /* more than the member was known to have came in since: they count the next time */
    while (!rc && used < room && (step = sqlite3_step(get)) == SQLITE_ROW)
        rc = read_photo(cast, get, member, embedder, &photos[used++], err);
    int finished = lk_store_finish(&cast->store, get, rc ? SQLITE_DONE : step, err);
    rc = rc ? rc : finished;
    if (rc)
        lk_cast_photos_free(photos, used);
    else {
        *out = photos;
        *n = used;
    }
    return rc;
}

int lk_cast_photos(lk_cast *cast,
                   const struct lk_cast_member *member,
                   const char *embedder,
                   struct lk_cast_photo **out,
                   size_t *n,
                   struct lk_error *err)
{
    return read_photos(cast, member, embedder, true, out, n, err);
}

/* All photos, those that are there and those that come, show one face. */
static int check_same(lk_cast *cast,
                      const struct lk_cast_member *member,
                      const struct lk_cast_entry *entry,
                      const struct lk_cast_photo *photos,
                      size_t n,
                      struct lk_error *err)
{
    struct lk_embedding mean;
    struct lk_cast_photo *kept = NULL;
    size_t n_kept = 0;
    int rc = read_photos(cast, member, photos->embedding.embedder, false, &kept, &n_kept, err);
    if (rc)
        return rc;
    if (lk_cast_mean(kept, n_kept, &mean, NULL))
        mean = photos->embedding;
    lk_cast_photos_free(kept, n_kept);
    for (size_t i = 0; i < n; i++) {
        float cosine = lk_embedding_cosine(&mean, &photos[i].embedding);
        if (!(cosine >= entry->same_person))
            return lk_fail(
                err, LK_E_INPUT,
                "photo %zu of '%s' shows somebody else than the others: cosine %.2f, one "
                "person has %.2f or more",
                i + 1, entry->name, (double)cosine, (double)entry->same_person);
    }
    return 0;
}

int lk_cast_add(lk_cast *cast,
                const struct lk_cast_entry *entry,
                const struct lk_cast_photo *photos,
                size_t n,
                struct lk_error *err)
{
    struct lk_cast_member member;
    if (!n)
        return lk_fail(err, LK_E_INPUT, "no photo of '%s' is given", entry->name);
    int rc = lk_store_begin(&cast->store, err);
    if (rc)
        return rc;
    rc = lk__seal_check(cast, err);
    rc = rc ? rc : find_or_make(cast, entry, &member, err);
    rc = rc ? rc : check_same(cast, &member, entry, photos, n, err);
    for (size_t i = 0; i < n && !rc; i++)
        rc = keep_photo(cast, &member, &photos[i], err);
    return lk_store_end(&cast->store, rc, err);
}

/* The next photo that has a crop and no vector of this embedder; *id 0: none. */
static int next_unseen(lk_cast *cast,
                       const struct lk_cast_member *member,
                       const char *embedder,
                       int64_t *id,
                       struct lk_cast_photo *out,
                       struct lk_error *err)
{
    sqlite3_stmt *get;
    int rc = lk_store_prepare(&cast->store,
                              "SELECT id, crop FROM photo WHERE person = ?1 AND crop IS NOT NULL"
                              " AND NOT EXISTS (SELECT 1 FROM vector WHERE photo = id AND"
                              " embedder = ?2) ORDER BY id LIMIT 1",
                              &get, err);
    if (rc)
        return rc;
    sqlite3_bind_int64(get, 1, member->id);
    sqlite3_bind_text(get, 2, embedder, -1, SQLITE_STATIC);
    int step = sqlite3_step(get);
    *id = step == SQLITE_ROW ? sqlite3_column_int64(get, 0) : 0;
    if (*id)
        rc = read_crop(cast, get, 1, member->uid, out, err);
    int finished = lk_store_finish(&cast->store, get, step, err);
    return rc ? rc : finished;
}

/* Computes what this embedder has not seen yet. */
static int fill_cache(lk_cast *cast,
                      const struct lk_cast_member *member,
                      const struct lk_cast_embedder *embedder,
                      struct lk_error *err)
{
    for (;;) {
        struct lk_cast_photo photo = {0};
        int64_t id;
        int rc = next_unseen(cast, member, embedder->sha256, &id, &photo, err);
        if (rc || !id)
            return rc;
        rc = embedder->embed(embedder->user, photo.crop, (const float(*)[2])photo.points,
                             &photo.embedding, err);
        lk_picture_free(photo.crop);
        rc = rc ? rc : keep_vector(cast, id, member->uid, &photo.embedding, err);
        if (rc)
            return rc;
    }
}

int lk_cast_identity(lk_cast *cast,
                     const struct lk_cast_member *member,
                     const struct lk_cast_embedder *embedder,
                     struct lk_identity *out,
                     struct lk_error *err)
{
    struct lk_identity identity = {0};
    struct lk_cast_photo *photos = NULL;
    size_t n = 0;
    int rc = fill_cache(cast, member, embedder, err);
    rc = rc ? rc : read_photos(cast, member, embedder->sha256, false, &photos, &n, err);
    if (!rc && lk_cast_mean(photos, n, &identity.embedding, NULL))
        rc = lk_fail(err, LK_E_MISSING,
                     "'%s' was imported as a vector of another embedder, without photos: name that "
                     "one by --embedder, or add photos by likeness cast add '%s' PHOTO",
                     member->name, member->name);
    for (size_t i = 0; i < n && !rc; i++)
        identity.photos += photos[i].embedding.size != 0;
    lk_cast_photos_free(photos, n);
    if (rc)
        return rc;
    snprintf(identity.name, sizeof identity.name, "%s", member->name);
    *out = identity;
    return 0;
}

struct search {
    lk_cast *cast;
    const struct lk_cast_embedder *embedder;
    const struct lk_embedding *face;
    float least;
    bool barred;
    struct lk_cast_match *out;
    size_t room, n;
};

/* Into the list, which is sorted; the last falls off when it is full. */
static void insert(struct search *search, const struct lk_cast_member *member, float cosine)
{
    size_t at = search->n < search->room ? search->n++ : search->room;
    for (; at > 0 && search->out[at - 1].cosine < cosine; at--) {
        if (at < search->room)
            search->out[at] = search->out[at - 1];
    }
    if (at < search->room)
        search->out[at] = (struct lk_cast_match){.member = *member, .cosine = cosine};
}

static int compare(void *user, const struct lk_cast_member *member, struct lk_error *err)
{
    struct search *search = user;
    struct lk_identity identity;
    if (search->barred && !member->barred)
        return 0;
    int rc = lk_cast_identity(search->cast, member, search->embedder, &identity, err);
    if (rc == LK_E_MISSING && !member->barred)
        return 0;
    if (rc == LK_E_MISSING)
        return lk_fail(err, LK_E_REFUSED,
                       "whether this face is that of '%s', who is barred, cannot be told by this "
                       "embedder: name another by --embedder, or add photos of them to the cast",
                       member->name);
    if (rc)
        return rc;
    float cosine = lk_embedding_cosine(&identity.embedding, search->face);
    if (cosine >= search->least)
        insert(search, member, cosine);
    return 0;
}

int lk_cast_match(lk_cast *cast,
                  const struct lk_cast_embedder *embedder,
                  const struct lk_embedding *face,
                  float least,
                  bool barred,
                  struct lk_cast_match *out,
                  size_t room,
                  size_t *n,
                  struct lk_error *err)
{
    struct search search = {.cast = cast,
                            .embedder = embedder,
                            .face = face,
                            .least = least,
                            .barred = barred,
                            .out = out,
                            .room = room};
    int rc = lk_cast_each(cast, compare, &search, err);
    if (!rc)
        *n = search.n;
    return rc;
}

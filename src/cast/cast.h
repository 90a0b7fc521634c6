// SPDX-License-Identifier: Apache-2.0
/* The cast: people by name, whose faces may be used without opening their photos again.
 *
 *     person    name, where they come from, whether they are barred
 *     photo     how good it is, and the aligned crop of the face
 *     vector    a photo's embedding by one embedder
 *     consent   signed records of who agreed to what (consent.h)
 *
 * Vectors are a cache: what an embedder has not seen yet is computed from the crops. Faces are
 * personal data: the file is its owner's alone (0600), what is removed is overwritten, and with a
 * passphrase crops and vectors are sealed. A cast may be used from one thread at a time; any number
 * of processes may have one file open. docs/cast.md. */
#ifndef LK_CAST_CAST_H
#define LK_CAST_CAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/identity.h"
#include "data/picture.h"

typedef struct lk_cast lk_cast;

enum lk_cast_access {
    LK_CAST_READ,  /* LK_E_MISSING when there is none yet */
    LK_CAST_WRITE, /* makes the file (0600) and its signing key, PATH.key, when there is none */
    LK_CAST_SEAL,  /* as READ; a passphrase is welcome where nothing is sealed yet */
};

/* passphrase NULL: none. A cast that is made with one is sealed. LK_E_INPUT for a file that is no
 * cast, for the wrong passphrase, and for one where the cast is not sealed. A sealed cast opens
 * without it too, as far as no face is asked for. */
int lk_cast_open(const char *path,
                 enum lk_cast_access access,
                 const char *passphrase,
                 lk_cast **out,
                 struct lk_error *err);
void lk_cast_close(lk_cast *cast); /* NULL is fine */

/* Seals all faces under this passphrase, whatever they were sealed under before; NULL: opens them
 * for good. All or nothing; what stood in the file before is overwritten. */
int lk_cast_seal(lk_cast *cast, const char *passphrase, struct lk_error *err);
bool lk_cast_is_sealed(const lk_cast *cast);

/* Names are 1 to 63 bytes of UTF-8 without control characters, '/', '=', a '-' in front or spaces
 * at the ends: what could be an option, a path or a place is no name. LK_E_INPUT says so. */
int lk_cast_check_name(const char *name, struct lk_error *err);

#define LK_CAST_CROP 256 /* pixels of a crop's side; aligned as FFHQ */

struct lk_cast_photo {
    struct lk_picture
        *crop;          /* u8 [LK_CAST_CROP, LK_CAST_CROP, 3]; NULL: only the vector is known */
    float points[5][2]; /* in the crop */
    float quality;      /* > 0: its weight in the mean */
    struct lk_embedding embedding;
    char sha256[65]; /* of the photo's file; "": none. One photo counts once */
};

struct lk_cast_entry {
    const char *name;
    const char *origin; /* "photos", "a generated picture", … : for people to read */
    bool must_be_new;   /* else photos are added to a person who is there */
    float same_person;  /* cosine from which two faces are one person */
};

/* LK_E_INPUT when a photo shows somebody else than the others: consent is for one face. All or
 * nothing. */
int lk_cast_add(lk_cast *cast,
                const struct lk_cast_entry *entry,
                const struct lk_cast_photo *photos,
                size_t n,
                struct lk_error *err);

struct lk_cast_member {
    int64_t id;
    char uid[33]; /* stays when the name changes: what consent is bound to */
    char name[64], origin[128], time[32];
    bool barred;
    int photos, crops; /* crops ≤ photos */
};

/* LK_E_MISSING when nobody has that name. */
int lk_cast_find(lk_cast *cast, const char *name, struct lk_cast_member *out, struct lk_error *err);

/* Called for each person, by name; a return that is not 0 ends the walk and is handed on. */
typedef int lk_cast_visit(void *user, const struct lk_cast_member *member, struct lk_error *err);
int lk_cast_each(lk_cast *cast, lk_cast_visit *visit, void *user, struct lk_error *err);

int lk_cast_rename(lk_cast *cast, const char *name, const char *to, struct lk_error *err);
/* Erases the person with photos, vectors and consents, and packs the file, so that nothing of them
 * is left in it. LK_E_REFUSED for who is barred: nobody would be left to compare with. */
int lk_cast_remove(lk_cast *cast, const char *name, struct lk_error *err);
/* Barred: this face is never used, under any name. */
int lk_cast_bar(lk_cast *cast, const char *name, bool barred, struct lk_error *err);
int lk_cast_count_barred(lk_cast *cast, int *out, struct lk_error *err);

/* How vectors are computed that are not there yet. */
struct lk_cast_embedder {
    const char *sha256;
    int (*embed)(void *user,
                 const struct lk_picture *crop,
                 const float (*points)[2],
                 struct lk_embedding *out,
                 struct lk_error *err);
    void *user;
};

/* The mean of the person's vectors, weighted by quality, for this embedder. LK_E_MISSING when
 * there is neither a vector of it nor a crop. */
int lk_cast_identity(lk_cast *cast,
                     const struct lk_cast_member *member,
                     const struct lk_cast_embedder *embedder,
                     struct lk_identity *out,
                     struct lk_error *err);

struct lk_cast_match {
    struct lk_cast_member member;
    float cosine;
};

/* The people whose cosine with a face is at least `least`, the nearest first; barred: only those
 * who are. At most `room` are written to out. A person who cannot be compared is passed over, but
 * LK_E_REFUSED when that person is barred. */
int lk_cast_match(lk_cast *cast,
                  const struct lk_cast_embedder *embedder,
                  const struct lk_embedding *face,
                  float least,
                  bool barred,
                  struct lk_cast_match *out,
                  size_t room,
                  size_t *n,
                  struct lk_error *err);

/* The photos of a person with their crops, for export; vectors are of the named embedder, of size 0
 * where there is none. *out is malloc'd; free with lk_cast_photos_free. */
int lk_cast_photos(lk_cast *cast,
                   const struct lk_cast_member *member,
                   const char *embedder,
                   struct lk_cast_photo **out,
                   size_t *n,
                   struct lk_error *err);
void lk_cast_photos_free(struct lk_cast_photo *photos, size_t n);

/* The weighted mean of those photos that have a vector, on the unit sphere. LK_E_INPUT when none
 * has, or when they are of different embedders or contradict each other. */
int lk_cast_mean(const struct lk_cast_photo *photos,
                 size_t n,
                 struct lk_embedding *out,
                 struct lk_error *err);

#endif

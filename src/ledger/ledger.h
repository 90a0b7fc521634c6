// SPDX-License-Identifier: Apache-2.0
/* The audit ledger: one row for every picture that left, in a chain of hashes that only grows.
 *
 *     entry      sequence 1, 2 …; body: JSON, with the hash of the row before; SHA-256 of the body
 *     personal   what of a row concerns persons: name, salt, value; the body holds salted hashes
 *     head       sequence and hash of the last row, signed (Ed25519)
 *
 * A changed, missing or inserted row breaks the chain, a cut tail breaks the head, and an older
 * copy of the whole file is behind the mirror: a second file to which every signed head is added.
 * Erasing a person takes rows of `personal` away and leaves the chain whole. docs/audit.md says
 * what is hashed, byte for byte. A ledger may be used from one thread at a time; any number of
 * processes may have one file open. */
#ifndef LK_LEDGER_LEDGER_H
#define LK_LEDGER_LEDGER_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/error.h"
#include "base/hash.h"

typedef struct lk_ledger lk_ledger;

enum lk_ledger_access {
    LK_LEDGER_READ,  /* LK_E_MISSING when there is none yet */
    LK_LEDGER_WRITE, /* makes the file (0600) and its signing key, PATH.key, when there is none */
};

/* LK_E_INPUT for a file that is no ledger, or of another version. */
int lk_ledger_open(const char *path,
                   enum lk_ledger_access access,
                   lk_ledger **out,
                   struct lk_error *err);
void lk_ledger_close(lk_ledger *ledger); /* NULL is fine */

/* Whether a row could be added now: a write that is taken back, and the end of the mirror (NULL:
 * no mirror). For before hours of work. */
int lk_ledger_try(lk_ledger *ledger, const char *mirror, struct lk_error *err);

/* The picture that leaves. */
struct lk_ledger_picture {
    struct lk_sha256 sha256; /* of its file's bytes */
    uint64_t phash;
    const char *watermark; /* id of the hidden mark, 16 hex digits; NULL: none */
    const char *format;    /* "png" … */
    int width, height;
};

struct lk_ledger_entry {
    struct lk_ledger_picture picture;
    const json_t *made;     /* how, without a word about persons: an object */
    const json_t *personal; /* what concerns persons: an object of strings */
};

/* Adds a row; when it returns 0 the row is on the disk, and its head at the end of the file
 * `mirror` (NULL: no mirror). Waits up to a minute for other writers. */
int lk_ledger_append(lk_ledger *ledger,
                     const struct lk_ledger_entry *entry,
                     const char *mirror,
                     int64_t *sequence,
                     struct lk_error *err);

struct lk_ledger_row {
    int64_t sequence;
    const char *body, *hash;
    json_t *personal; /* what is left of it: {name: {"salt", "value"}, …} */
};

/* Called for each row from `first` to `last`; a return that is not 0 ends the walk and is handed
 * on. */
typedef int lk_ledger_visit(void *user, const struct lk_ledger_row *row, struct lk_error *err);
int lk_ledger_each(lk_ledger *ledger,
                   int64_t first,
                   int64_t last,
                   lk_ledger_visit *visit,
                   void *user,
                   struct lk_error *err);

/* Two pictures whose perceptual hashes differ in at most this many bits are taken for one. */
#define LK_LEDGER_ALIKE 10

enum lk_ledger_trait { LK_LEDGER_BY_BYTES, LK_LEDGER_BY_WATERMARK, LK_LEDGER_BY_LOOK };

struct lk_ledger_match {
    enum lk_ledger_trait by;
    int distance; /* BY_LOOK: bits */
    int64_t sequence;
};

/* The rows of a picture, best first: those of its bytes, else those of its watermark, else those
 * that look like it, the nearest first and the latest of equals. At most `room` are written to
 * out; *n may be 0. */
int lk_ledger_trace(lk_ledger *ledger,
                    const struct lk_ledger_picture *picture,
                    struct lk_ledger_match *out,
                    size_t room,
                    size_t *n,
                    struct lk_error *err);

struct lk_ledger_state {
    int64_t rows, erased; /* erased: rows of whose personal data something is gone */
    int64_t mirrored;     /* heads in the mirror */
    char public_hex[65];  /* whose signature the head has */
};

/* Walks the whole chain. LK_E_FAILED names the first thing that is wrong. */
int lk_ledger_verify(lk_ledger *ledger,
                     const char *mirror,
                     struct lk_ledger_state *out,
                     struct lk_error *err);

/* Takes away the personal data of all rows in which a value is `name`, or a path whose last part is
 * `name`; "#12" stands for row 12. *rows: how many had any. */
int lk_ledger_erase(lk_ledger *ledger, const char *name, int64_t *rows, struct lk_error *err);

#endif

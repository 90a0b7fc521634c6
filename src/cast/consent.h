// SPDX-License-Identifier: Apache-2.0
/* Consent: signed records (Ed25519) of who agreed to what, until when, on what evidence.
 *
 * A record is never changed: consent is taken back by a second one that names the first by its
 * hash. Records are bound to the person's uid, so they follow a change of name and do not pass to
 * somebody else of that name. Only what the cast's own key has signed counts; a consent file from
 * elsewhere is taken in by signing it anew, with the foreign record as a part. docs/cast.md. */
#ifndef LK_CAST_CONSENT_H
#define LK_CAST_CONSENT_H

#include <time.h>

#include "base/hash.h"
#include "cast/cast.h"

/* What a face may be used for; bit i of `uses` is word i. */
#define LK_CONSENT_USES "portrait|film|advertising|editorial|education|research"

/* "portrait,film" → bits; LK_E_INPUT names what is known. */
int lk_consent_parse_uses(const char *text, unsigned *out, struct lk_error *err);
unsigned lk_consent_all_uses(void);
void lk_consent_print_uses(unsigned uses, char out[128]);

enum lk_consent_act { LK_CONSENT_GRANT, LK_CONSENT_REVOKE };

struct lk_consent {
    enum lk_consent_act act;
    char person[33];          /* the uid */
    char nonce[33];           /* random: no two records are the same, so a revocation is of one */
    char name[64], time[32];  /* name and moment when it was recorded */
    unsigned uses;            /* grant */
    char until[11];           /* grant: last day, "2027-12-31" (UTC) */
    char evidence[1025];      /* grant: a text, or the name of a file */
    char evidence_sha256[65]; /* of that file; "": a text */
    char source[65];          /* grant: hash of the foreign record it was imported as; "": own */
    char revokes[65];         /* revoke: hash of the grant */
};

struct lk_consent_terms {
    unsigned uses;
    const char *until, *evidence, *evidence_sha256; /* evidence_sha256 NULL: a text */
};

/* LK_E_INPUT for a day that is none or is over, for no uses, and for evidence that is empty, too
 * long or no plain text. */
int lk_consent_grant(lk_cast *cast,
                     const char *name,
                     const struct lk_consent_terms *terms,
                     time_t now,
                     struct lk_error *err);
/* Takes back all that stands; *n: how many. */
int lk_consent_revoke(lk_cast *cast, const char *name, int *n, struct lk_error *err);

struct lk_consent_row {
    struct lk_consent consent; /* when is_sound */
    struct lk_sha256 id;       /* of the body */
    bool is_sound;             /* signed by the cast's key, for this person, and well-formed */
    bool is_revoked;
    const char *body, *public_hex, *signature;
};

/* Called for each record of a person, the oldest first; LK_E_FAILED when the key is gone. */
typedef int lk_consent_visit(void *user, const struct lk_consent_row *row, struct lk_error *err);
int lk_consent_each(lk_cast *cast,
                    const struct lk_cast_member *member,
                    lk_consent_visit *visit,
                    void *user,
                    struct lk_error *err);

/* What stands. */
struct lk_consent_found {
    bool any;            /* there is a record, whatever it says */
    struct lk_sha256 id; /* of the grant that allows the use */
};

/* LK_E_REFUSED with the remedy when no sound grant allows this use at this moment, or a record was
 * changed; out is filled in that case too. */
int lk_consent_check(lk_cast *cast,
                     const struct lk_cast_member *member,
                     const char *use,
                     time_t now,
                     struct lk_consent_found *out,
                     struct lk_error *err);

/* The records of a person as a consent file, malloc'd:
 *     {"likeness_consent": 1, "records": [{"body", "public", "signature"}, …]} */
int lk_consent_export(lk_cast *cast, const char *name, char **json, struct lk_error *err);

#define LK_CONSENT_FILE_MAX ((size_t)1 << 20)

/* Takes in what a consent file grants, for that person of the cast; what it revokes is revoked here
 * too. Records that are here already stay as they are. *n: how many grants are new. LK_E_INPUT for
 * what is no consent file, or has a signature that is wrong; then nothing is taken in. */
int lk_consent_import(lk_cast *cast,
                      const char *name,
                      const char *json,
                      size_t size,
                      const char *label,
                      int *n,
                      struct lk_error *err);

#endif

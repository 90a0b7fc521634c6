// SPDX-License-Identifier: Apache-2.0
/* C2PA manifests (Content Credentials, c2pa.org, specification 2.x): signed statements inside a
 * picture's file of who made it and how. docs/c2pa.md says what is read and written.
 *
 * Parsing, hashing and signatures are those of the reference implementation, contentauth's c2pa-rs,
 * whose shared library is loaded at run time and may be missing. It is never given the network:
 * no manifest, certificate status or time stamp is fetched. */
#ifndef LK_STAGES_MARK_C2PA_H
#define LK_STAGES_MARK_C2PA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "stages/mark/xmp.h"

#define LK_C2PA_INPUT_MAX ((size_t)256 << 20) /* bytes of a picture that is read or signed */
#define LK_C2PA_CODES 8
#define LK_C2PA_SOURCES 4

typedef struct lk_c2pa lk_c2pa;

/* trust: PEM file of the root certificates whose signers are trusted; NULL: nobody is.
 * LK_E_MISSING with the remedy when there is no library, LK_E_INPUT for a trust file that cannot be
 * used. May be shared between threads. */
int lk_c2pa_open(const char *trust, lk_c2pa **out, struct lk_error *err);
void lk_c2pa_free(lk_c2pa *c2pa);                 /* NULL is fine */
const char *lk_c2pa_version(const lk_c2pa *c2pa); /* "c2pa-c-ffi/0.91.3 c2pa-rs/0.91.3" */

enum lk_c2pa_state {
    LK_C2PA_UNREAD,  /* not looked at, or not understood: `why` */
    LK_C2PA_NONE,    /* no manifest */
    LK_C2PA_INVALID, /* a manifest that does not hold: `codes` */
    LK_C2PA_VALID,   /* signed and whole, by somebody who is not known */
    LK_C2PA_TRUSTED, /* the same, and the signer's root is in the trust file */
};
const char *lk_c2pa_state_name(enum lk_c2pa_state state); /* "unread", "none", … */

/* Of the manifest that counts, the last one. Strings are UTF-8 without control characters, cut to
 * their room, and empty when absent. */
struct lk_c2pa_found {
    enum lk_c2pa_state state;
    char why[512];       /* LK_C2PA_UNREAD: one sentence */
    bool is_changed;     /* the file's bytes, pixels among them, are not those that were signed */
    size_t manifests;    /* with those of pictures that it was made of */
    char generator[160]; /* the program: name and version */
    char title[160];
    char issuer[160];                   /* the organisation in the signer's certificate */
    char signer[160];                   /* its common name */
    char time[40];                      /* of a time-stamp authority, RFC 3339 */
    char sources[LK_C2PA_SOURCES][160]; /* digitalSourceType of its actions, each once */
    size_t n_sources;
    char codes[LK_C2PA_CODES][64]; /* why it is not trusted: "signingCredential.untrusted", … */
    size_t n_codes;                /* further ones are dropped */
};

/* Never fails: whatever the bytes are, the answer is a state. */
void lk_c2pa_read(const lk_c2pa *c2pa, const void *bytes, size_t size, struct lk_c2pa_found *out);

/* What is stated of a picture. */
struct lk_c2pa_claim {
    enum lk_source source; /* not LK_SOURCE_UNKNOWN */
    const char *version;   /* of likeness, lk_version() */
    const void *parent; /* LK_SOURCE_COMPOSITE: bytes of the picture that was changed; its type, its
                           XMP's instance id and its own manifests are kept; NULL otherwise */
    size_t parent_size;
};

/* PEM files: a private key in PKCS #8, not encrypted (P-256, P-384, Ed25519 or RSA); the signer's
 * certificate, then those up to the root. */
struct lk_c2pa_identity {
    const char *key, *certificate;
};

/* The same picture with a manifest, malloc'd; format: "png", "jpeg", "webp" or "tiff".
 * LK_E_MISSING, LK_E_INPUT for key, certificate or bytes that cannot serve. Signed twice, a picture
 * gives two files: each manifest has a random name, and each of its parts a random salt. */
int lk_c2pa_sign(const lk_c2pa *c2pa,
                 const struct lk_c2pa_identity *identity,
                 const struct lk_c2pa_claim *claim,
                 const char *format,
                 const void *bytes,
                 size_t size,
                 void **out,
                 size_t *out_size,
                 struct lk_error *err);

#endif

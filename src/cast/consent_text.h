// SPDX-License-Identifier: Apache-2.0
/* Consent as text: the body of a record, and the consent file. Pure bytes in and out, so that it
 * can be fuzzed. */
#ifndef LK_CAST_CONSENT_TEXT_H
#define LK_CAST_CONSENT_TEXT_H

#include <jansson.h>

#include "cast/consent.h"

/* Canonical JSON (keys sorted, no white space), malloc'd. source: the foreign record that is
 * imported, {"body", "public", "signature"}, or NULL. */
int lk__consent_write(const struct lk_consent *consent,
                      const json_t *source,
                      char **out,
                      struct lk_error *err);
/* Strict: every key, every form. LK_E_INPUT names what is wrong. */
int lk__consent_read(const char *body, struct lk_consent *out, struct lk_error *err);

/* What is signed: "likeness consent 1\n" and the body; malloc'd or NULL. */
char *lk__consent_signed_text(const char *body);

struct lk__consent_record {
    struct lk_consent consent;
    struct lk_sha256 id;
    bool is_revoked; /* by a later record of the file, of the same signer */
    json_t *json;    /* {"body", "public", "signature"}; owned */
};

/* All records of a consent file, checked; at most 64. *out is malloc'd; free with
 * lk__consent_file_free. */
int lk__consent_file_read(const char *json,
                          size_t size,
                          const char *label,
                          struct lk__consent_record **out,
                          size_t *n,
                          struct lk_error *err);
void lk__consent_file_free(struct lk__consent_record *records, size_t n);

/* Seconds since 1970 at which the day is over (UTC); −1 for what is no day of the calendar. */
time_t lk__day_end(const char *day);

#endif

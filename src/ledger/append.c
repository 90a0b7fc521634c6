// SPDX-License-Identifier: Apache-2.0
/* A new row. Its body is canonical JSON (keys sorted, no white space, UTF-8), and is kept as it was
 * hashed: whoever checks it needs not write JSON.
 *
 *     {"made": …, "personal": {name: SHA-256(salt ‖ value)}, "picture": …, "previous": hash,
 *      "sequence": n, "time": "2026-11-28T22:54:48.123Z"}
 *
 * The chain's end is checked first: a row after a cut tail would sign the cut. The row is committed
 * before its head goes to the mirror, so that a mirror is never ahead. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ledger/internal.h"

static void now(char out[48])
{
    struct timespec t;
    struct tm utc;
    char date[24];
    clock_gettime(CLOCK_REALTIME, &t);
    gmtime_r(&t.tv_sec, &utc);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(out, 48, "%s.%03ldZ", date, t.tv_nsec / 1000000);
}

static int keep_value(lk_ledger *ledger,
                      int64_t sequence,
                      const char *name,
                      const struct lk_salt *salt,
                      const char *value,
                      struct lk_error *err)
{
    sqlite3_stmt *put;
    int rc =
        lk_store_prepare(&ledger->store, "INSERT INTO personal VALUES (?, ?, ?, ?)", &put, err);
    if (rc)
        return rc;
    sqlite3_bind_int64(put, 1, sequence);
    sqlite3_bind_text(put, 2, name, -1, SQLITE_STATIC);
    sqlite3_bind_text(put, 3, salt->hex, -1, SQLITE_STATIC);
    sqlite3_bind_text(put, 4, value, -1, SQLITE_STATIC);
    return lk_store_finish(&ledger->store, put, sqlite3_step(put), err);
}

/* Keeps each value in a row beside the chain; *hashes: {name: salted hash}, for the body. */
static int keep_personal(lk_ledger *ledger,
                         int64_t sequence,
                         const json_t *personal,
                         json_t **hashes,
                         struct lk_error *err)
{
    const char *name;
    json_t *value, *object = json_object();
    int rc = 0;
    json_object_foreach((json_t *)personal, name, value)
    {
        struct lk_salt salt;
        struct lk_sha256 hash;
        lk_salt_make(&salt);
        lk_sha256_salted(salt.hex, json_string_value(value), &hash);
        json_object_set_new(object, name, json_string(hash.hex));
        rc = keep_value(ledger, sequence, name, &salt, json_string_value(value), err);
        if (rc)
            break;
    }
    if (rc)
        json_decref(object);
    else
        *hashes = object;
    return rc;
}

static json_t *json_of_picture(const struct lk_ledger_picture *p)
{
    char phash[17];
    snprintf(phash, sizeof phash, "%016llx", (unsigned long long)p->phash);
    return json_pack("{s:s,s:s,s:s?,s:s,s:i,s:i}", "sha256", p->sha256.hex, "phash", phash,
                     "watermark", p->watermark, "format", p->format, "width", p->width, "height",
                     p->height);
}

/* The body as text, malloc'd. Takes `hashes`. */
static int write_body(const struct lk_ledger_entry *entry,
                      const struct lk__head *before,
                      json_t *hashes,
                      char **out,
                      struct lk_error *err)
{
    char time[48];
    now(time);
    json_t *body =
        json_pack("{s:I,s:s,s:s,s:o,s:O,s:o}", "sequence", (json_int_t)before->sequence + 1, "time",
                  time, "previous", before->hash.hex, "picture", json_of_picture(&entry->picture),
                  "made", entry->made, "personal", hashes);
    *out = body ? json_dumps(body, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(15)) : NULL;
    json_decref(body);
    return *out ? 0 : lk_fail_memory(err, "a row of the audit ledger", 0);
}

static int insert(lk_ledger *ledger,
                  const struct lk__head *head,
                  const char *body,
                  struct lk_error *err)
{
    sqlite3_stmt *put;
    int rc = lk_store_prepare(&ledger->store, "INSERT INTO entry VALUES (?, ?, ?)", &put, err);
    if (rc)
        return rc;
    sqlite3_bind_int64(put, 1, head->sequence);
    sqlite3_bind_text(put, 2, body, -1, SQLITE_STATIC);
    sqlite3_bind_text(put, 3, head->hash.hex, -1, SQLITE_STATIC);
    return lk_store_finish(&ledger->store, put, sqlite3_step(put), err);
}

/* Inside a transaction; *head becomes the new one. */
static int add_row(lk_ledger *ledger,
                   const struct lk_ledger_entry *entry,
                   struct lk__head *head,
                   struct lk_error *err)
{
    json_t *hashes;
    char *body = NULL;
    int rc = lk__head_read(ledger, head, err);
    rc = rc ? rc : lk__head_check(ledger, head, err);
    rc = rc ? rc : keep_personal(ledger, head->sequence + 1, entry->personal, &hashes, err);
    rc = rc ? rc : write_body(entry, head, hashes, &body, err);
    if (rc)
        return rc;
    head->sequence++;
    lk_sha256_bytes(body, strlen(body), &head->hash);
    rc = insert(ledger, head, body, err);
    rc = rc ? rc : lk__head_write(ledger, head, err);
    free(body);
    return rc;
}

int lk_ledger_append(lk_ledger *ledger,
                     const struct lk_ledger_entry *entry,
                     const char *mirror,
                     int64_t *sequence,
                     struct lk_error *err)
{
    struct lk__head head;
    int rc = lk_store_begin(&ledger->store, err);
    if (rc)
        return rc;
    rc = lk_store_end(&ledger->store, add_row(ledger, entry, &head, err), err);
    rc = rc || !mirror ? rc : lk__mirror_add(mirror, &head, err);
    if (!rc)
        *sequence = head.sequence;
    return rc;
}

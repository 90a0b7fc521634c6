// SPDX-License-Identifier: Apache-2.0
/* Consents of the people in a cast: granting, taking back, and whether one stands. */
#include "cast/consent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sign.h"
#include "cast/consent_text.h"
#include "cast/internal.h"

/* Signs a record and keeps it. */
static int keep(lk_cast *cast,
                const struct lk_cast_member *member,
                const struct lk_consent *consent,
                const json_t *source,
                struct lk_error *err)
{
    struct lk_sign_key key;
    struct lk_signature signature;
    sqlite3_stmt *put = NULL;
    char *body = NULL, *text = NULL;
    int rc = lk_store_key_read(&cast->store, &key, err);
    if (rc)
        return rc;
    rc = lk__consent_write(consent, source, &body, err);
    if (!rc && !(text = lk__consent_signed_text(body)))
        rc = lk_fail_memory(err, "a consent record", strlen(body));
    rc = rc ? rc
            : lk_store_prepare(&cast->store,
                               "INSERT INTO consent (person, body, public, signature)"
                               " VALUES (?, ?, ?, ?)",
                               &put, err);
    if (!rc) {
        lk_sign(&key, text, &signature);
        sqlite3_bind_int64(put, 1, member->id);
        sqlite3_bind_text(put, 2, body, -1, SQLITE_STATIC);
        sqlite3_bind_text(put, 3, key.public_hex, -1, SQLITE_STATIC);
        sqlite3_bind_text(put, 4, signature.hex, -1, SQLITE_STATIC);
        rc = lk_store_finish(&cast->store, put, sqlite3_step(put), err);
    }
    lk_sign_key_forget(&key);
    free(body);
    free(text);
    return rc;
}

static void begin_consent(const struct lk_cast_member *member,
                          enum lk_consent_act act,
                          struct lk_consent *out)
{
    struct lk_salt salt;
    lk_salt_make(&salt);
    *out = (struct lk_consent){.act = act};
    memcpy(out->nonce, salt.hex, sizeof out->nonce - 1);
    memcpy(out->person, member->uid, sizeof out->person);
    memcpy(out->name, member->name, sizeof out->name);
    lk__cast_time(out->time);
}

/* Written and read again: what a stranger's record must keep to, an own one must too. */
static int check_form(const struct lk_consent *consent, struct lk_error *err)
{
    struct lk_consent again;
    char *body;
    int rc = lk__consent_write(consent, NULL, &body, err);
    if (rc)
        return rc;
    rc = lk__consent_read(body, &again, err);
    free(body);
    return rc;
}

static int write_grant(const struct lk_cast_member *member,
                       const struct lk_consent_terms *terms,
                       time_t now,
                       struct lk_consent *out,
                       struct lk_error *err)
{
    begin_consent(member, LK_CONSENT_GRANT, out);
    if (strlen(terms->evidence) >= sizeof out->evidence)
        return lk_fail(err, LK_E_INPUT,
                       "the evidence is longer than %zu bytes: put it into a file, and name that",
                       sizeof out->evidence - 1);
    if (lk__day_end(terms->until) < 0)
        return lk_fail(err, LK_E_INPUT, "'%s' is no day such as 2027-12-31", terms->until);
    if (lk__day_end(terms->until) <= now)
        return lk_fail(err, LK_E_INPUT, "%s is over: consent lasts until a day to come",
                       terms->until);
    out->uses = terms->uses;
    snprintf(out->until, sizeof out->until, "%s", terms->until);
    snprintf(out->evidence, sizeof out->evidence, "%s", terms->evidence);
    if (terms->evidence_sha256)
        snprintf(out->evidence_sha256, sizeof out->evidence_sha256, "%s", terms->evidence_sha256);
    return check_form(out, err);
}

int lk_consent_grant(lk_cast *cast,
                     const char *name,
                     const struct lk_consent_terms *terms,
                     time_t now,
                     struct lk_error *err)
{
    struct lk_cast_member member;
    struct lk_consent consent;
    int rc = lk_store_begin(&cast->store, err);
    if (rc)
        return rc;
    rc = lk_cast_find(cast, name, &member, err);
    rc = rc ? rc : write_grant(&member, terms, now, &consent, err);
    rc = rc ? rc : keep(cast, &member, &consent, NULL, err);
    return lk_store_end(&cast->store, rc, err);
}

/* Signed by the cast's key, for this person, and well-formed. */
static bool is_sound(const struct lk_cast_member *member,
                     const struct lk_sign_key *key,
                     struct lk_consent_row *row)
{
    char *text = lk__consent_signed_text(row->body);
    bool sound = text && !strcmp(row->public_hex, key->public_hex) &&
                 lk_sign_verify(row->public_hex, text, row->signature) &&
                 !lk__consent_read(row->body, &row->consent, NULL) &&
                 !strcmp(row->consent.person, member->uid);
    free(text);
    return sound;
}

#define MOST_ROWS 4096 /* of one person */

/* The hashes of the grants that were taken back; malloc'd. */
struct revoked {
    char (*hex)[65];
    size_t n;
};

static bool is_among(const struct revoked *revoked, const char *hex)
{
    for (size_t i = 0; i < revoked->n; i++) {
        if (!strcmp(revoked->hex[i], hex))
            return true;
    }
    return false;
}

static int note_revoked(const struct lk_consent_row *row,
                        struct revoked *revoked,
                        struct lk_error *err)
{
    if (!row->is_sound || row->consent.act != LK_CONSENT_REVOKE)
        return 0;
    if (revoked->n == MOST_ROWS)
        return lk_fail(err, LK_E_FAILED, "'%s' has more than %d consent records", row->consent.name,
                       MOST_ROWS);
    void *grown = realloc(revoked->hex, (revoked->n + 1) * sizeof *revoked->hex);
    if (!grown)
        return lk_fail_memory(err, "consent records", (revoked->n + 1) * sizeof *revoked->hex);
    revoked->hex = grown;
    memcpy(revoked->hex[revoked->n++], row->consent.revokes, sizeof *revoked->hex);
    return 0;
}

/* Walks the records: once for what is taken back (visit NULL), once for the visitor. */
static int walk(lk_cast *cast,
                const struct lk_cast_member *member,
                const struct lk_sign_key *key,
                struct revoked *revoked,
                lk_consent_visit *visit,
                void *user,
                struct lk_error *err)
{
    sqlite3_stmt *get;
    int step = SQLITE_DONE;
    int rc = lk_store_prepare(
        &cast->store, "SELECT body, public, signature FROM consent WHERE person = ? ORDER BY id",
        &get, err);
    if (rc)
        return rc;
    sqlite3_bind_int64(get, 1, member->id);
    while (!rc && (step = sqlite3_step(get)) == SQLITE_ROW) {
        struct lk_consent_row row = {.body = lk_store_column(get, 0),
                                     .public_hex = lk_store_column(get, 1),
                                     .signature = lk_store_column(get, 2)};
        row.is_sound = is_sound(member, key, &row);
        lk_sha256_bytes(row.body, strlen(row.body), &row.id);
        row.is_revoked = is_among(revoked, row.id.hex);
        rc = visit ? visit(user, &row, err) : note_revoked(&row, revoked, err);
    }
    int finished = lk_store_finish(&cast->store, get, rc ? SQLITE_DONE : step, err);
    return rc ? rc : finished;
}

int lk_consent_each(lk_cast *cast,
                    const struct lk_cast_member *member,
                    lk_consent_visit *visit,
                    void *user,
                    struct lk_error *err)
{
    struct lk_sign_key key;
    struct revoked revoked = {0};
    int rc = lk_store_key_read(&cast->store, &key, err);
    if (rc)
        return rc;
    rc = walk(cast, member, &key, &revoked, NULL, NULL, err);
    rc = rc ? rc : walk(cast, member, &key, &revoked, visit, user, err);
    lk_sign_key_forget(&key);
    free(revoked.hex);
    return rc;
}

/* The grants that stand, or of one foreign record. */
struct standing {
    const char *source; /* NULL: any */
    struct lk_sha256 ids[MOST_ROWS];
    size_t n, seen; /* seen: revoked ones too */
};

static int collect(void *user, const struct lk_consent_row *row, struct lk_error *err)
{
    struct standing *standing = user;
    const struct lk_consent *c = &row->consent;
    if (!row->is_sound || c->act != LK_CONSENT_GRANT ||
        (standing->source && strcmp(standing->source, c->source) != 0))
        return 0;
    standing->seen++;
    if (row->is_revoked)
        return 0;
    if (standing->n == MOST_ROWS)
        return lk_fail(err, LK_E_FAILED, "'%s' has more than %d consent records", c->name,
                       MOST_ROWS);
    standing->ids[standing->n++] = row->id;
    return 0;
}

/* Takes back the grants that stand; inside a transaction. */
static int revoke(lk_cast *cast,
                  const struct lk_cast_member *member,
                  const struct standing *standing,
                  struct lk_error *err)
{
    int rc = 0;
    for (size_t i = 0; i < standing->n && !rc; i++) {
        struct lk_consent consent;
        begin_consent(member, LK_CONSENT_REVOKE, &consent);
        memcpy(consent.revokes, standing->ids[i].hex, sizeof consent.revokes);
        rc = keep(cast, member, &consent, NULL, err);
    }
    return rc;
}

int lk_consent_revoke(lk_cast *cast, const char *name, int *n, struct lk_error *err)
{
    struct lk_cast_member member;
    struct standing *standing = calloc(1, sizeof *standing);
    if (!standing)
        return lk_fail_memory(err, "consent records", sizeof *standing);
    int rc = lk_store_begin(&cast->store, err);
    if (!rc) {
        rc = lk_cast_find(cast, name, &member, err);
        rc = rc ? rc : lk_consent_each(cast, &member, collect, standing, err);
        rc = rc ? rc : revoke(cast, &member, standing, err);
        rc = lk_store_end(&cast->store, rc, err);
    }
    if (!rc)
        *n = (int)standing->n;
    free(standing);
    return rc;
}

/* How near a record comes to allowing the use: the nearest one is what a refusal speaks of. */
enum nearness { NOTHING, REVOKED, OVER, OTHER_USE, ALLOWS };

struct search {
    unsigned use;
    time_t now;
    enum nearness nearest;
    bool changed; /* a record is not sound */
    struct lk_consent consent;
    struct lk_consent_found found;
};

static enum nearness nearness(const struct search *search, const struct lk_consent_row *row)
{
    if (row->is_revoked)
        return REVOKED;
    if (lk__day_end(row->consent.until) <= search->now)
        return OVER;
    return row->consent.uses & search->use ? ALLOWS : OTHER_USE;
}

static int look(void *user, const struct lk_consent_row *row, struct lk_error *err)
{
    struct search *search = user;
    (void)err;
    search->found.any = true;
    search->changed |= !row->is_sound;
    if (!row->is_sound || row->consent.act != LK_CONSENT_GRANT)
        return 0;
    enum nearness nearest = nearness(search, row);
    if (nearest >= search->nearest) {
        search->nearest = nearest;
        search->consent = row->consent;
        search->found.id = row->id;
    }
    return 0;
}

static int refuse(const struct search *search,
                  const struct lk_cast_member *member,
                  const char *use,
                  struct lk_error *err)
{
    const char *name = member->name;
    char uses[128], remedy[256];
    snprintf(remedy, sizeof remedy,
             "when they agree, record it by likeness cast consent grant '%s' --use %s --until DATE "
             "--evidence TEXT",
             name, use);
    if (search->changed)
        return lk_fail(err, LK_E_REFUSED,
                       "a consent record of '%s' was changed or is not signed by this cast: see "
                       "likeness cast consent verify '%s'",
                       name, name);
    lk_consent_print_uses(search->consent.uses, uses);
    switch (search->nearest) {
    case REVOKED:
        return lk_fail(err, LK_E_REFUSED, "'%s' has taken their consent back: %s", name, remedy);
    case OVER:
        return lk_fail(err, LK_E_REFUSED, "the consent of '%s' ended on %s: %s", name,
                       search->consent.until, remedy);
    case OTHER_USE:
        return lk_fail(err, LK_E_REFUSED, "'%s' has agreed to %s, not to %s: %s", name, uses, use,
                       remedy);
    default:
        return lk_fail(err, LK_E_REFUSED, "'%s' has given no consent: %s", name, remedy);
    }
}

int lk_consent_check(lk_cast *cast,
                     const struct lk_cast_member *member,
                     const char *use,
                     time_t now,
                     struct lk_consent_found *out,
                     struct lk_error *err)
{
    struct search search = {.now = now};
    int rc = lk_consent_parse_uses(use, &search.use, err);
    rc = rc ? rc : lk_consent_each(cast, member, look, &search, err);
    if (rc)
        return rc;
    *out = search.found;
    return search.nearest == ALLOWS && !search.changed ? 0 : refuse(&search, member, use, err);
}

static int add_record(void *user, const struct lk_consent_row *row, struct lk_error *err)
{
    json_t *record = json_pack("{s:s,s:s,s:s}", "body", row->body, "public", row->public_hex,
                               "signature", row->signature);
    return json_array_append_new(user, record) ? lk_fail_memory(err, "a consent file", 0) : 0;
}

int lk_consent_export(lk_cast *cast, const char *name, char **out, struct lk_error *err)
{
    struct lk_cast_member member;
    json_t *records = json_array();
    char *text = NULL;
    int rc = lk_cast_find(cast, name, &member, err);
    rc = rc ? rc : lk_consent_each(cast, &member, add_record, records, err);
    if (!rc && !json_array_size(records))
        rc = lk_fail(err, LK_E_MISSING, "'%s' has given no consent that could be exported", name);
    if (!rc) {
        json_t *root = json_pack("{s:i,s:O}", "likeness_consent", 1, "records", records);
        text = root ? json_dumps(root, JSON_INDENT(2)) : NULL;
        json_decref(root);
        rc = text ? 0 : lk_fail_memory(err, "a consent file", 0);
    }
    json_decref(records);
    if (!rc)
        *out = text;
    return rc;
}

/* One grant of a consent file; *n counts those that are new here. */
static int import_grant(lk_cast *cast,
                        const struct lk_cast_member *member,
                        const struct lk__consent_record *record,
                        int *n,
                        struct lk_error *err)
{
    struct lk_consent consent = record->consent;
    struct standing *here = calloc(1, sizeof *here);
    if (!here)
        return lk_fail_memory(err, "consent records", sizeof *here);
    here->source = record->id.hex;
    int rc = lk_consent_each(cast, member, collect, here, err);
    if (!rc && record->is_revoked)
        rc = revoke(cast, member, here, err);
    if (!rc && !record->is_revoked && !here->seen && strcmp(consent.person, member->uid) != 0) {
        begin_consent(member, LK_CONSENT_GRANT, &consent);
        consent.uses = record->consent.uses;
        memcpy(consent.until, record->consent.until, sizeof consent.until);
        memcpy(consent.evidence, record->consent.evidence, sizeof consent.evidence);
        memcpy(consent.evidence_sha256, record->consent.evidence_sha256,
               sizeof consent.evidence_sha256);
        rc = keep(cast, member, &consent, record->json, err);
        *n += !rc;
    }
    free(here);
    return rc;
}

int lk_consent_import(lk_cast *cast,
                      const char *name,
                      const char *json,
                      size_t size,
                      const char *label,
                      int *n,
                      struct lk_error *err)
{
    struct lk__consent_record *records = NULL;
    struct lk_cast_member member;
    size_t count = 0;
    int added = 0;
    int rc = lk__consent_file_read(json, size, label, &records, &count, err);
    if (rc)
        return rc;
    rc = lk_store_begin(&cast->store, err);
    if (!rc) {
        rc = lk_cast_find(cast, name, &member, err);
        for (size_t i = 0; i < count && !rc; i++) {
            if (records[i].consent.act == LK_CONSENT_GRANT)
                rc = import_grant(cast, &member, &records[i], &added, err);
        }
        rc = lk_store_end(&cast->store, rc, err);
    }
    lk__consent_file_free(records, count);
    if (!rc)
        *n = added;
    return rc;
}

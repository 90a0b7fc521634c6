// SPDX-License-Identifier: Apache-2.0
/* The body of a record:
 *
 *     {"act": "grant", "evidence": …, ["evidence_sha256": …,] "name": …, "nonce": …, "person": uid,
 *      ["source": {"body", "public", "signature"},] "time": …, "until": "2027-12-31",
 *      "uses": ["film", "portrait"]}
 *     {"act": "revoke", "name": …, "nonce": …, "person": uid, "revokes": hash of the grant's body,
 * "time": …}
 *
 * A consent file comes from strangers: unknown keys, wrong types, digits that are none, days that
 * are not in the calendar and control characters are refused, sizes are checked first. */
#include "cast/consent_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sign.h"
#include "base/size.h"

enum { MOST_RECORDS = 64, MOST_USES = 16 };

/* Word i of a|b|c; its length, 0 after the last one. */
static size_t use_at(int i, const char **word)
{
    const char *at = LK_CONSENT_USES;
    for (; i > 0 && at; i--) {
        at = strchr(at, '|');
        at = at ? at + 1 : NULL;
    }
    *word = at;
    return at ? strcspn(at, "|") : 0;
}

static int find_use(const char *text, size_t n)
{
    const char *word;
    size_t length;
    for (int i = 0; (length = use_at(i, &word)) > 0; i++) {
        if (length == n && !strncmp(word, text, n))
            return i;
    }
    return -1;
}

int lk_consent_parse_uses(const char *text, unsigned *out, struct lk_error *err)
{
    unsigned uses = 0;
    for (const char *at = text;; at++) {
        size_t n = strcspn(at, ",");
        int use = find_use(at, n);
        if (use < 0)
            return lk_fail(err, LK_E_INPUT, "use '%.*s' is none of %s", (int)n, at,
                           LK_CONSENT_USES);
        uses |= 1u << use;
        at += n;
        if (!*at)
            break;
    }
    *out = uses;
    return 0;
}

unsigned lk_consent_all_uses(void)
{
    const char *word;
    unsigned uses = 0;
    for (int i = 0; use_at(i, &word) > 0; i++)
        uses |= 1u << i;
    return uses;
}

void lk_consent_print_uses(unsigned uses, char out[128])
{
    const char *word;
    size_t n, used = 0;
    *out = 0;
    for (int i = 0; (n = use_at(i, &word)) > 0; i++) {
        if (uses >> i & 1)
            used +=
                (size_t)snprintf(out + used, 128 - used, "%s%.*s", used ? "," : "", (int)n, word);
    }
}

static bool all_digits(const char *text, size_t first, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (text[first + i] < '0' || text[first + i] > '9')
            return false;
    }
    return true;
}

time_t lk__day_end(const char *day)
{
    struct tm tm = {0}, back;
    if (strlen(day) != 10 || !all_digits(day, 0, 4) || day[4] != '-' || !all_digits(day, 5, 2) ||
        day[7] != '-' || !all_digits(day, 8, 2))
        return -1;
    tm.tm_year = (int)strtol(day, NULL, 10) - 1900;
    tm.tm_mon = (int)strtol(day + 5, NULL, 10) - 1;
    tm.tm_mday = (int)strtol(day + 8, NULL, 10);
    const int month = tm.tm_mon, mday = tm.tm_mday;
    time_t start = timegm(&tm);
    /* timegm makes 1 March of 30 February */
    if (start < 0 || !gmtime_r(&start, &back) || back.tm_mon != month || back.tm_mday != mday)
        return -1;
    return start + 24 * 60 * 60;
}

static json_t *json_of_uses(unsigned uses)
{
    json_t *list = json_array();
    const char *word;
    size_t n;
    for (int i = 0; (n = use_at(i, &word)) > 0; i++) {
        if (uses >> i & 1)
            json_array_append_new(list, json_stringn(word, n));
    }
    return list;
}

int lk__consent_write(const struct lk_consent *c,
                      const json_t *source,
                      char **out,
                      struct lk_error *err)
{
    json_t *body = json_pack("{s:s,s:s,s:s,s:s}", "name", c->name, "nonce", c->nonce, "person",
                             c->person, "time", c->time);
    if (body && c->act == LK_CONSENT_REVOKE) {
        json_object_set_new(body, "act", json_string("revoke"));
        json_object_set_new(body, "revokes", json_string(c->revokes));
    } else if (body) {
        json_object_set_new(body, "act", json_string("grant"));
        json_object_set_new(body, "uses", json_of_uses(c->uses));
        json_object_set_new(body, "until", json_string(c->until));
        json_object_set_new(body, "evidence", json_string(c->evidence));
        if (*c->evidence_sha256)
            json_object_set_new(body, "evidence_sha256", json_string(c->evidence_sha256));
        if (source)
            json_object_set(body, "source", (json_t *)source);
    }
    *out = body ? json_dumps(body, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    json_decref(body);
    return *out ? 0 : lk_fail_memory(err, "a consent record", 0);
}

static int bad(const char *key, const char *what, struct lk_error *err)
{
    return lk_fail(err, LK_E_INPUT, "a consent record's '%s' is no %s", key, what);
}

/* A string of 1 to size − 1 bytes without control characters. */
static int read_text(
    const json_t *object, const char *key, char *out, size_t size, struct lk_error *err)
{
    const json_t *value = json_object_get(object, key);
    const char *text = json_string_value(value);
    size_t n = json_string_length(value);
    if (!text || !n || n >= size)
        return bad(key, "text (UTF-8) of the right length", err);
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            return bad(key, "text without control characters", err);
    }
    memcpy(out, text, n + 1);
    return 0;
}

/* Exactly size − 1 hex digits, as all hashes and keys of likeness are written. */
static int read_hex(
    const json_t *object, const char *key, char *out, size_t size, struct lk_error *err)
{
    int rc = read_text(object, key, out, size, err);
    return rc || strspn(out, "0123456789abcdef") == size - 1 ? rc
                                                             : bad(key, "hash of that length", err);
}

static int read_uses(const json_t *list, unsigned *out, struct lk_error *err)
{
    size_t i;
    json_t *value;
    *out = 0;
    if (!json_array_size(list) || json_array_size(list) > MOST_USES)
        return bad("uses", "list of uses", err);
    json_array_foreach((json_t *)list, i, value)
    {
        int use = json_is_string(value)
                      ? find_use(json_string_value(value), json_string_length(value))
                      : -1;
        if (use < 0 || *out >> use & 1)
            return bad("uses", "list of uses that are known", err);
        *out |= 1u << use;
    }
    return 0;
}

/* The foreign record inside an imported one: only its hash is of use here. */
static int read_source(const json_t *source, struct lk_consent *out, struct lk_error *err)
{
    const char *body = json_string_value(json_object_get(source, "body"));
    struct lk_sha256 id;
    if (!source)
        return 0;
    if (!body || json_object_size(source) != 3)
        return bad("source", "foreign record", err);
    lk_sha256_bytes(body, strlen(body), &id);
    memcpy(out->source, id.hex, sizeof out->source);
    return 0;
}

static int read_grant(const json_t *body, struct lk_consent *out, struct lk_error *err)
{
    const bool has_sha = json_object_get(body, "evidence_sha256") != NULL;
    const json_t *source = json_object_get(body, "source");
    int rc = read_uses(json_object_get(body, "uses"), &out->uses, err);
    rc = rc ? rc : read_text(body, "until", out->until, sizeof out->until, err);
    if (!rc && lk__day_end(out->until) < 0)
        rc = bad("until", "day such as 2027-12-31", err);
    rc = rc ? rc : read_text(body, "evidence", out->evidence, sizeof out->evidence, err);
    if (!rc && has_sha)
        rc = read_hex(body, "evidence_sha256", out->evidence_sha256, sizeof out->evidence_sha256,
                      err);
    rc = rc ? rc : read_source(source, out, err);
    if (!rc && json_object_size(body) != 8u + has_sha + (source != NULL))
        rc = lk_fail(err, LK_E_INPUT, "a consent record has keys that are not known");
    return rc;
}

static int read_revocation(const json_t *body, struct lk_consent *out, struct lk_error *err)
{
    int rc = read_hex(body, "revokes", out->revokes, sizeof out->revokes, err);
    if (!rc && json_object_size(body) != 6)
        rc = lk_fail(err, LK_E_INPUT, "a consent record has keys that are not known");
    return rc;
}

int lk__consent_read(const char *body, struct lk_consent *out, struct lk_error *err)
{
    struct lk_consent read = {0};
    char act[8];
    json_t *json = json_loads(body, JSON_REJECT_DUPLICATES, NULL);
    int rc = json ? read_text(json, "act", act, sizeof act, err)
                  : lk_fail(err, LK_E_INPUT, "a consent record is no JSON");
    rc = rc ? rc : read_text(json, "name", read.name, sizeof read.name, err);
    rc = rc ? rc : read_hex(json, "nonce", read.nonce, sizeof read.nonce, err);
    rc = rc ? rc : read_hex(json, "person", read.person, sizeof read.person, err);
    rc = rc ? rc : read_text(json, "time", read.time, sizeof read.time, err);
    if (!rc && !strcmp(act, "grant"))
        rc = read_grant(json, &read, err);
    else if (!rc && !strcmp(act, "revoke")) {
        read.act = LK_CONSENT_REVOKE;
        rc = read_revocation(json, &read, err);
    } else if (!rc)
        rc = bad("act", "grant or revoke", err);
    json_decref(json);
    if (!rc)
        *out = read;
    return rc;
}

char *lk__consent_signed_text(const char *body)
{
    char *text;
    return asprintf(&text, "likeness consent 1\n%s", body) < 0 ? NULL : text;
}

static int read_record(json_t *json, struct lk__consent_record *out, struct lk_error *err)
{
    const char *body = json_string_value(json_object_get(json, "body"));
    const char *public_hex = json_string_value(json_object_get(json, "public"));
    const char *signature = json_string_value(json_object_get(json, "signature"));
    if (!body || !public_hex || !signature || json_object_size(json) != 3 ||
        strlen(body) != json_string_length(json_object_get(json, "body")))
        return lk_fail(err, LK_E_INPUT, "a record is no object of body, public, signature");
    char *text = lk__consent_signed_text(body);
    if (!text)
        return lk_fail_memory(err, "a consent record", strlen(body));
    bool is_signed = lk_sign_verify(public_hex, text, signature);
    free(text);
    if (!is_signed)
        return lk_fail(err, LK_E_INPUT, "a record's signature is wrong: it was changed");
    int rc = lk__consent_read(body, &out->consent, err);
    if (rc)
        return rc;
    lk_sha256_bytes(body, strlen(body), &out->id);
    out->json = json_incref(json);
    return 0;
}

static const char *signer(const struct lk__consent_record *record)
{
    return json_string_value(json_object_get(record->json, "public"));
}

static void mark_revoked(struct lk__consent_record *records, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; records[i].consent.act == LK_CONSENT_REVOKE && k < i; k++) {
            if (!strcmp(records[i].consent.revokes, records[k].id.hex) &&
                !strcmp(signer(&records[i]), signer(&records[k])))
                records[k].is_revoked = true;
        }
    }
}

void lk__consent_file_free(struct lk__consent_record *records, size_t n)
{
    for (size_t i = 0; records && i < n; i++)
        json_decref(records[i].json);
    free(records);
}

static int read_records(const json_t *list,
                        struct lk__consent_record **out,
                        size_t *n,
                        struct lk_error *err)
{
    size_t count = json_array_size(list), i = 0;
    int rc = 0;
    if (!count || count > MOST_RECORDS)
        return lk_fail(err, LK_E_INPUT, "\"records\" is no list of 1 to %d records", MOST_RECORDS);
    struct lk__consent_record *records = calloc(count, sizeof *records);
    if (!records)
        return lk_fail_memory(err, "a consent file", count * sizeof *records);
    for (; i < count && !rc; i++)
        rc = read_record(json_array_get(list, i), &records[i], err);
    if (rc) {
        lk__consent_file_free(records, count);
        return rc;
    }
    mark_revoked(records, count);
    *out = records;
    *n = count;
    return 0;
}

int lk__consent_file_read(const char *text,
                          size_t size,
                          const char *label,
                          struct lk__consent_record **out,
                          size_t *n,
                          struct lk_error *err)
{
    json_error_t why;
    if (size > LK_CONSENT_FILE_MAX)
        return lk_fail(err, LK_E_INPUT, "'%s' is longer than 1 MB: it is no consent file", label);
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &why);
    if (!root)
        return lk_fail(err, LK_E_INPUT, "consent file '%s': line %d: %s", label, why.line,
                       why.text);
    const json_t *version = json_object_get(root, "likeness_consent");
    int rc = 0;
    if (!json_is_integer(version) || json_integer_value(version) != 1 ||
        json_object_size(root) != 2)
        rc = lk_fail(err, LK_E_INPUT,
                     "it is no object of \"likeness_consent\": 1 and \"records\" alone");
    rc = rc ? rc : read_records(json_object_get(root, "records"), out, n, err);
    json_decref(root);
    return rc ? lk_fail_context(err, rc, "consent file '%s'", label) : 0;
}

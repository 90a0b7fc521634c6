// SPDX-License-Identifier: Apache-2.0
/* `likeness cast consent grant`, `revoke`, `show`, `verify`, `export`, `import`. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "base/error.h"
#include "base/file.h"
#include "base/size.h"
#include "cast.h"
#include "cast/consent.h"

/* What is granted is said in full: nobody consents by a default. */
static int check_words(const struct lk_cast_words *said, struct lk_error *err)
{
    const struct {
        const char *option, *value, *what;
    } needed[] = {
        {"--use", said->uses, "for what: one or more of " LK_CONSENT_USES},
        {"--until", said->until, "until which day, such as 2027-12-31"},
        {"--evidence", said->evidence, "what shows it: a text, or a file"},
    };
    for (size_t i = 0; i < LK_ARRAY_LENGTH(needed); i++) {
        if (!needed[i].value || !*needed[i].value)
            return lk_fail(err, LK_E_INPUT, "%s is missing: say %s", needed[i].option,
                           needed[i].what);
    }
    return 0;
}

static int consent_grant(struct cli *cli, char **words, int n, lk_cast *cast, struct lk_error *err)
{
    const struct lk_cast_words *said = &cli->with.cast;
    struct lk_consent_terms terms = {.until = said->until, .evidence = said->evidence};
    struct lk_sha256 sha;
    (void)n;
    int rc = check_words(said, err);
    rc = rc ? rc : lk_consent_parse_uses(said->uses, &terms.uses, err);
    if (!rc && !access(said->evidence, F_OK)) {
        terms.evidence = lk_file_name(said->evidence);
        terms.evidence_sha256 = sha.hex;
        rc = lk_sha256_file(said->evidence, &sha, err);
    }
    rc = rc ? rc : lk_consent_grant(cast, words[0], &terms, time(NULL), err);
    if (!rc && !cli->with.output.quiet)
        printf("consent of '%s' to %s until %s is recorded\n", words[0], said->uses, said->until);
    return rc;
}

static int consent_revoke(struct cli *cli, char **words, int n, lk_cast *cast, struct lk_error *err)
{
    int revoked;
    (void)n;
    int rc = lk_consent_revoke(cast, words[0], &revoked, err);
    if (!rc && !revoked)
        return lk_fail(err, LK_E_MISSING, "'%s' has no consent that stands", words[0]);
    if (!rc && !cli->with.output.quiet)
        printf("%d consents of '%s' taken back\n", revoked, words[0]);
    return rc;
}

static const char *state_of(const struct lk_consent_row *row)
{
    char day[11];
    time_t now = time(NULL);
    struct tm utc;
    strftime(day, sizeof day, "%Y-%m-%d", gmtime_r(&now, &utc));
    if (!row->is_sound)
        return "NOT SOUND";
    if (row->consent.act == LK_CONSENT_REVOKE)
        return "takes back";
    return row->is_revoked ? "taken back" : strcmp(row->consent.until, day) < 0 ? "over" : "stands";
}

static void print_row(const struct lk_consent_row *row)
{
    char uses[128];
    const struct lk_consent *c = &row->consent;
    lk_consent_print_uses(c->uses, uses);
    if (!row->is_sound)
        printf("%.12s  NOT SOUND: changed, of another person, or signed by another key\n",
               row->id.hex);
    else if (c->act == LK_CONSENT_REVOKE)
        printf("%.12s  %s  takes back %.12s\n", row->id.hex, c->time, c->revokes);
    else
        printf("%.12s  %s  %s  %s until %s, on %s'%s'%s%.12s\n", row->id.hex, c->time,
               state_of(row), uses, c->until, *c->evidence_sha256 ? "file " : "", c->evidence,
               *c->source ? ", imported from " : "", c->source);
}

static int show_row(void *user, const struct lk_consent_row *row, struct lk_error *err)
{
    const struct cli *cli = user;
    (void)err;
    if (!cli->with.output.json) {
        print_row(row);
        return 0;
    }
    json_t *line =
        json_pack("{s:s,s:s,s:s,s:s,s:s}", "id", row->id.hex, "state", state_of(row), "body",
                  row->body, "public", row->public_hex, "signature", row->signature);
    json_dumpf(line, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(line);
    return 0;
}

static int consent_show(struct cli *cli, char **words, int n, lk_cast *cast, struct lk_error *err)
{
    struct lk_cast_member member;
    (void)n;
    int rc = lk_cast_find(cast, words[0], &member, err);
    return rc ? rc : lk_consent_each(cast, &member, show_row, cli, err);
}

struct tally {
    int sound, standing;
    const char *name;
};

static int count_row(void *user, const struct lk_consent_row *row, struct lk_error *err)
{
    struct tally *tally = user;
    if (!row->is_sound)
        return lk_fail(err, LK_E_FAILED,
                       "consent record %.12s of '%s' is not sound: changed, of another person, or "
                       "signed by another key",
                       row->id.hex, tally->name);
    tally->sound++;
    tally->standing += !strcmp(state_of(row), "stands");
    return 0;
}

static int consent_verify(struct cli *cli, char **words, int n, lk_cast *cast, struct lk_error *err)
{
    struct lk_cast_member member;
    struct tally tally = {.name = words[0]};
    (void)n;
    int rc = lk_cast_find(cast, words[0], &member, err);
    rc = rc ? rc : lk_consent_each(cast, &member, count_row, &tally, err);
    if (!rc && cli->with.output.json)
        printf("{\"records\":%d,\"standing\":%d}\n", tally.sound, tally.standing);
    else if (!rc)
        printf("%d records, all sound; %d stand\n", tally.sound, tally.standing);
    return rc;
}

static int consent_export(struct cli *cli, char **words, int n, lk_cast *cast, struct lk_error *err)
{
    char *json = NULL;
    (void)n;
    int rc = lk_consent_export(cast, words[0], &json, err);
    rc = rc ? rc : cast_save(cli, json, strlen(json), err);
    free(json);
    return rc;
}

static int consent_import(struct cli *cli, char **words, int n, lk_cast *cast, struct lk_error *err)
{
    struct lk_file file;
    int added = 0;
    (void)n;
    int rc = lk_file_map(words[1], &file, err);
    if (rc)
        return rc;
    rc = lk_consent_import(cast, words[0], (const char *)file.bytes, file.size, words[1], &added,
                           err);
    lk_file_unmap(&file);
    if (!rc && !cli->with.output.quiet)
        printf("%d consents of '%s' taken in\n", added, words[0]);
    return rc;
}

const struct cast_verb cast_consent_verbs[] = {
    {"grant", 1, 1, LK_CAST_READ, consent_grant},   {"revoke", 1, 1, LK_CAST_READ, consent_revoke},
    {"show", 1, 1, LK_CAST_READ, consent_show},     {"verify", 1, 1, LK_CAST_READ, consent_verify},
    {"export", 1, 1, LK_CAST_READ, consent_export}, {"import", 2, 2, LK_CAST_READ, consent_import},
};
const size_t n_cast_consent_verbs = LK_ARRAY_LENGTH(cast_consent_verbs);

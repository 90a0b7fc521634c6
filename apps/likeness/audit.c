// SPDX-License-Identifier: Apache-2.0
/* `likeness audit log`, `verify`, `trace PICTURE`, `export`, `erase NAME`. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/size.h"
#include "cli.h"
#include "data/phash.h"
#include "ledger/ledger.h"
#include "pipeline/trust/record.h"

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* At most about `most` bytes of a user's text, without control characters: they could break the
 * table, or play tricks on the terminal. */
static void print_text(const char *text, int most)
{
    for (int i = 0; text[i] && (i < most || (text[i] & 0xc0) == 0x80); i++)
        putchar((unsigned char)text[i] < ' ' || text[i] == 0x7f ? ' ' : text[i]);
}

/* The photos whose faces were asked for, and the prompt; what is left of them. */
static void print_personal(const json_t *personal)
{
    const char *name;
    json_t *kept;
    json_object_foreach((json_t *)personal, name, kept)
    {
        if (strncmp(name, "people[", 7) || !strstr(name, "].photo"))
            continue;
        print_text(text_of(kept, "value"), 40);
        printf("  ");
    }
    print_text(text_of(json_object_get(personal, "prompt"), "value"), 60);
}

static int print_line(void *user, const struct lk_ledger_row *row, struct lk_error *err)
{
    (void)user;
    json_t *body = json_loads(row->body, 0, NULL);
    if (!body)
        return lk_fail(err, LK_E_FAILED, "row %" PRId64 " is no JSON: see likeness audit verify",
                       row->sequence);
    const json_t *picture = json_object_get(body, "picture");
    const json_t *request = json_object_get(json_object_get(body, "made"), "request");
    size_t left = json_object_size(row->personal);
    printf("%6" PRId64 "  %.19s  %-8s  %.12s  %5dx%-5d  ", row->sequence, text_of(body, "time"),
           text_of(request, "task"), text_of(picture, "sha256"),
           (int)json_integer_value(json_object_get(picture, "width")),
           (int)json_integer_value(json_object_get(picture, "height")));
    print_personal(row->personal);
    puts(left < json_object_size(json_object_get(body, "personal")) ? "(erased)" : "");
    json_decref(body);
    return 0;
}

/* The row as the ledger has it: the body as the very text that was hashed. */
static int print_row(void *user, const struct lk_ledger_row *row, struct lk_error *err)
{
    (void)user;
    json_t *line =
        json_pack("{s:s,s:s,s:O}", "body", row->body, "hash", row->hash, "personal", row->personal);
    int rc = line ? json_dumpf(line, stdout, JSON_COMPACT) : -1;
    json_decref(line);
    if (rc)
        return lk_fail(err, LK_E_FAILED, "row %" PRId64 " cannot be printed", row->sequence);
    putchar('\n');
    return 0;
}

static int audit_log(struct cli *cli, lk_ledger *ledger, struct lk_error *err)
{
    return lk_ledger_each(ledger, 1, INT64_MAX, cli->with.output.json ? print_row : print_line,
                          NULL, err);
}

static int audit_export(struct cli *cli, lk_ledger *ledger, struct lk_error *err)
{
    (void)cli;
    return lk_ledger_each(ledger, 1, INT64_MAX, print_row, NULL, err);
}

static int audit_verify(struct cli *cli, lk_ledger *ledger, struct lk_error *err)
{
    struct lk_ledger_state state;
    int rc = lk_ledger_verify(ledger, cli->with.engine.audit_mirror, &state, err);
    if (rc)
        return rc;
    if (cli->with.output.json)
        printf("{\"rows\":%" PRId64 ",\"erased\":%" PRId64 ",\"mirrored\":%" PRId64
               ",\"public\":\"%s\"}\n",
               state.rows, state.erased, state.mirrored, state.public_hex);
    else
        printf("%" PRId64 " rows in one chain, %" PRId64 " of them erased; %" PRId64
               " heads in the mirror; signed by %s\n",
               state.rows, state.erased, state.mirrored, state.public_hex);
    return 0;
}

const char *cli_trait(const struct lk_ledger_match *match)
{
    static const char *const traits[] = {[LK_LEDGER_BY_BYTES] = "bytes",
                                         [LK_LEDGER_BY_WATERMARK] = "watermark",
                                         [LK_LEDGER_BY_LOOK] = "look"};
    return traits[match->by];
}

static int print_match(lk_ledger *ledger,
                       const struct lk_ledger_match *match,
                       bool json,
                       struct lk_error *err)
{
    if (json)
        printf("{\"by\":\"%s\",\"distance\":%d,\"sequence\":%" PRId64 "}\n", cli_trait(match),
               match->distance, match->sequence);
    else if (match->by == LK_LEDGER_BY_LOOK)
        printf("look, %d of 64 bits differ\n", match->distance);
    else
        printf("%s\n", cli_trait(match));
    return lk_ledger_each(ledger, match->sequence, match->sequence, json ? print_row : print_line,
                          NULL, err);
}

static int find_picture(lk_ledger *ledger,
                        const char *path,
                        const struct lk_watermark *mark,
                        struct lk_ledger_match *out,
                        size_t room,
                        size_t *n,
                        struct lk_error *err)
{
    char id[LK_WATERMARK_ID_SIZE];
    lk_watermark_print(mark->id, id);
    struct lk_ledger_picture sought = {.watermark = mark->found ? id : NULL};
    struct lk_picture *picture;
    int rc = lk_picture_read(path, &picture, err);
    if (rc)
        return rc;
    rc = lk_sha256_file(path, &sought.sha256, err);
    rc = rc ? rc : lk_phash(picture, &sought.phash, err);
    lk_picture_free(picture);
    return rc ? rc : lk_ledger_trace(ledger, &sought, out, room, n, err);
}

static int read_mark(struct cli *cli, struct lk_watermark *out, struct lk_error *err)
{
    lk_engine *engine = NULL;
    int rc = lk_engine_open(&cli->with.engine, &engine, err);
    rc = rc ? rc : lk_engine_read_mark(engine, cli->words[1], out, err);
    lk_engine_free(engine);
    return rc;
}

static int audit_trace(struct cli *cli, lk_ledger *ledger, struct lk_error *err)
{
    struct lk_ledger_match matches[5];
    struct lk_watermark mark;
    size_t n;
    int rc = read_mark(cli, &mark, err);
    rc =
        rc ? rc
           : find_picture(ledger, cli->words[1], &mark, matches, LK_ARRAY_LENGTH(matches), &n, err);
    if (!rc && !n)
        rc = lk_fail(err, LK_E_MISSING, "no row of the audit ledger is of '%s' or looks like it",
                     cli->words[1]);
    for (size_t i = 0; !rc && i < n; i++)
        rc = print_match(ledger, &matches[i], cli->with.output.json, err);
    return rc;
}

static int audit_erase(struct cli *cli, lk_ledger *ledger, struct lk_error *err)
{
    int64_t rows;
    int rc = lk_ledger_erase(ledger, cli->words[1], &rows, err);
    if (!rc && !rows)
        rc = lk_fail(err, LK_E_MISSING, "no row of the audit ledger has personal data of '%s'",
                     cli->words[1]);
    if (!rc && !cli->with.output.quiet)
        printf("personal data of %" PRId64 " rows erased\n", rows);
    return rc;
}

static const struct {
    const char *name;
    int words;
    int (*run)(struct cli *cli, lk_ledger *ledger, struct lk_error *err);
} verbs[] = {
    {"log", 1, audit_log},       {"verify", 1, audit_verify}, {"trace", 2, audit_trace},
    {"export", 1, audit_export}, {"erase", 2, audit_erase},
};

int cli_trace(struct cli *cli,
              const char *path,
              const struct lk_watermark *mark,
              struct lk_ledger_match *out,
              size_t room,
              size_t *n,
              struct lk_error *err)
{
    lk_ledger *ledger;
    int rc = lk__ledger_of_options(&cli->with.engine, LK_LEDGER_READ, &ledger, err);
    if (rc == LK_E_MISSING) {
        *n = 0;
        return 0;
    }
    if (rc)
        return rc;
    rc = find_picture(ledger, path, mark, out, room, n, err);
    lk_ledger_close(ledger);
    return rc;
}

int cmd_audit(struct cli *cli, struct lk_error *err)
{
    for (size_t i = 0; i < LK_ARRAY_LENGTH(verbs); i++) {
        if (strcmp(verbs[i].name, cli->words[0]) || verbs[i].words != cli->n_words)
            continue;
        lk_ledger *ledger;
        int rc = lk__ledger_of_options(&cli->with.engine, LK_LEDGER_READ, &ledger, err);
        if (rc)
            return rc;
        rc = verbs[i].run(cli, ledger, err);
        lk_ledger_close(ledger);
        return rc;
    }
    return lk_fail(err, LK_E_INPUT,
                   "usage: likeness audit log | verify | trace PICTURE | export | erase NAME");
}

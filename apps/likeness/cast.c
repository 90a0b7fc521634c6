// SPDX-License-Identifier: Apache-2.0
/* `likeness cast …`: people by name. What concerns consent is in cast_consent.c. */
#include "cast.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <jansson.h>

#include "base/error.h"
#include "base/file.h"
#include "base/size.h"
#include "pipeline/trust/casting.h"
#include "pipeline/trust/people.h"
#include "sinks/file.h"

int cast_save(const struct cli *cli, const void *bytes, size_t size, struct lk_error *err)
{
    const char *path = cli->with.output.path;
    if (!path)
        return lk_fail(err, LK_E_INPUT, "where it goes is not said: give -o FILE");
    if (!strcmp(path, "-"))
        return fwrite(bytes, 1, size, stdout) == size && !fflush(stdout)
                   ? 0
                   : lk_fail(err, LK_E_FAILED, "standard output cannot be written: %s",
                             strerror(errno));
    mode_t before = umask(077); /* faces and consents are personal data */
    int rc = lk_file_write(path, bytes, size, err);
    umask(before);
    if (!rc && !cli->with.output.quiet)
        fprintf(stderr, "%s\n", path);
    return rc;
}

static int print_member(void *user, const struct lk_cast_member *m, struct lk_error *err)
{
    const struct cli *cli = user;
    (void)err;
    if (!cli->with.output.json) {
        printf("%-24s %3d photos  %s  from %s%s\n", m->name, m->photos, m->time, m->origin,
               m->barred ? "  (barred)" : "");
        return 0;
    }
    json_t *line = json_pack("{s:s,s:s,s:i,s:i,s:s,s:s,s:b}", "name", m->name, "uid", m->uid,
                             "photos", m->photos, "crops", m->crops, "time", m->time, "origin",
                             m->origin, "barred", m->barred);
    json_dumpf(line, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(line);
    return 0;
}

/* What became of somebody. */
static int tell(struct cli *cli, lk_cast *cast, const char *name, struct lk_error *err)
{
    struct lk_cast_member member;
    int rc = lk_cast_find(cast, name, &member, err);
    return rc || cli->with.output.quiet ? rc : print_member(cli, &member, err);
}

/* A remark, never an error: two people may look alike. */
static int warn_of_look_alikes(
    struct cli *cli, lk_engine *engine, const char *name, lk_cast *cast, struct lk_error *err)
{
    struct lk_cast_match matches[3];
    size_t n;
    int rc = lk_casting_look_alikes(engine, &cli->with.request, cast, name, matches,
                                    LK_ARRAY_LENGTH(matches), &n, err);
    for (size_t i = 0; !rc && i < n && !cli->with.output.quiet; i++)
        fprintf(
            stderr,
            "likeness: '%s' looks like '%s' of the cast (cosine %.2f): a photo may be taken for "
            "either\n",
            name, matches[i].member.name, (double)matches[i].cosine);
    return rc;
}

static int cast_add(struct cli *cli, char **words, int n, lk_cast *cast, struct lk_error *err)
{
    lk_engine *engine = NULL;
    struct lk_watch watch;
    cli_watch_init(&watch, cli);
    int rc = lk_engine_open(&cli->with.engine, &engine, err);
    rc = rc ? rc
            : lk_casting_add(engine, &cli->with.request, cast, words[0], words + 1, (size_t)n - 1,
                             &watch, err);
    cli_watch_done(cli);
    rc = rc ? rc : warn_of_look_alikes(cli, engine, words[0], cast, err);
    rc = rc ? rc : tell(cli, cast, words[0], err);
    lk_engine_free(engine);
    return rc;
}

static int cast_new(struct cli *cli, char **words, int n, lk_cast *cast, struct lk_error *err)
{
    const char *from = cli->with.cast.from;
    lk_engine *engine = NULL;
    struct lk_watch watch;
    (void)n;
    if (!from)
        return lk_fail(
            err, LK_E_INPUT,
            "from which picture is not said: give --from PICTURE, one that likeness drew");
    cli_watch_init(&watch, cli);
    int rc = lk_engine_open(&cli->with.engine, &engine, err);
    rc = rc ? rc : lk_casting_new(engine, &cli->with.request, cast, words[0], from, &watch, err);
    cli_watch_done(cli);
    rc = rc ? rc : warn_of_look_alikes(cli, engine, words[0], cast, err);
    rc = rc ? rc : tell(cli, cast, words[0], err);
    lk_engine_free(engine);
    return rc;
}

static int cast_export(struct cli *cli, char **words, int n, lk_cast *cast, struct lk_error *err)
{
    lk_engine *engine = NULL;
    void *bytes = NULL;
    size_t size = 0;
    (void)n;
    int rc = lk_engine_open(&cli->with.engine, &engine, err);
    rc =
        rc ? rc : lk_casting_export(engine, &cli->with.request, cast, words[0], &bytes, &size, err);
    rc = rc ? rc : cast_save(cli, bytes, size, err);
    free(bytes);
    lk_engine_free(engine);
    return rc;
}

/* "models/ada.safetensors" → "ada"; malloc'd or NULL. */
static char *name_of_file(const char *path)
{
    const char *start = lk_file_name(path), *dot = strrchr(start, '.');
    return dot ? strndup(start, (size_t)(dot - start)) : strdup(start);
}

static int cast_import(struct cli *cli, char **words, int n, lk_cast *cast, struct lk_error *err)
{
    const char *said = cli->with.cast.name;
    char *name = said ? strdup(said) : name_of_file(words[0]);
    lk_engine *engine = NULL;
    (void)n;
    int rc = name ? lk_engine_open(&cli->with.engine, &engine, err)
                  : lk_fail_memory(err, "a name", strlen(words[0]));
    rc = rc ? rc : lk_casting_import(engine, &cli->with.request, cast, name, words[0], err);
    rc = rc ? rc : warn_of_look_alikes(cli, engine, name, cast, err);
    rc = rc ? rc : tell(cli, cast, name, err);
    lk_engine_free(engine);
    free(name);
    return rc;
}

static int cast_list(struct cli *cli, char **words, int n, lk_cast *cast, struct lk_error *err)
{
    (void)words, (void)n;
    return lk_cast_each(cast, print_member, cli, err);
}

static int cast_show(struct cli *cli, char **words, int n, lk_cast *cast, struct lk_error *err)
{
    struct lk_cast_member member;
    (void)n;
    int rc = lk_cast_find(cast, words[0], &member, err);
    return rc ? rc : print_member(cli, &member, err);
}

static int cast_rename(struct cli *cli, char **words, int n, lk_cast *cast, struct lk_error *err)
{
    (void)n;
    int rc = lk_cast_rename(cast, words[0], words[1], err);
    return rc ? rc : tell(cli, cast, words[1], err);
}

static int cast_remove(struct cli *cli, char **words, int n, lk_cast *cast, struct lk_error *err)
{
    (void)n;
    int rc = lk_cast_remove(cast, words[0], err);
    if (!rc && !cli->with.output.quiet)
        printf("'%s' is erased\n", words[0]);
    return rc;
}

static int cast_bar(struct cli *cli, char **words, int n, lk_cast *cast, struct lk_error *err)
{
    (void)n;
    int rc = lk_cast_bar(cast, words[0], true, err);
    return rc ? rc : tell(cli, cast, words[0], err);
}

static int cast_unbar(struct cli *cli, char **words, int n, lk_cast *cast, struct lk_error *err)
{
    (void)n;
    int rc = lk_cast_bar(cast, words[0], false, err);
    return rc ? rc : tell(cli, cast, words[0], err);
}

/* The passphrase from now on: a new one, or for a cast that has none the one that is given. */
static int cast_seal(struct cli *cli, char **words, int n, lk_cast *cast, struct lk_error *err)
{
    const char *path = cli->with.cast.new_passphrase_file;
    char *passphrase = NULL;
    (void)words, (void)n;
    if (!path && lk_cast_is_sealed(cast))
        return lk_fail(err, LK_E_INPUT,
                       "the cast is sealed already: give another passphrase by "
                       "--new-passphrase-file FILE, or open it by likeness cast unseal");
    int rc = lk__passphrase_read(path ? path : cli->with.engine.passphrase_file, &passphrase, err);
    if (!rc && !passphrase)
        rc = lk_fail(err, LK_E_INPUT,
                     "with what the cast is to be sealed is not said: set LIKENESS_PASSPHRASE, or "
                     "give --passphrase-file FILE");
    rc = rc ? rc : lk_cast_seal(cast, passphrase, err);
    lk__passphrase_forget(passphrase);
    if (!rc && !cli->with.output.quiet)
        puts("the cast is sealed: without the passphrase its faces are lost");
    return rc;
}

static int cast_unseal(struct cli *cli, char **words, int n, lk_cast *cast, struct lk_error *err)
{
    (void)words, (void)n;
    if (!lk_cast_is_sealed(cast))
        return lk_fail(err, LK_E_INPUT, "the cast is not sealed");
    int rc = lk_cast_seal(cast, NULL, err);
    if (!rc && !cli->with.output.quiet)
        puts("the cast is open: whoever reads the file sees its faces");
    return rc;
}

static const struct cast_verb verbs[] = {
    {"add", 2, 65, LK_CAST_WRITE, cast_add},     {"list", 0, 0, LK_CAST_READ, cast_list},
    {"show", 1, 1, LK_CAST_READ, cast_show},     {"rename", 2, 2, LK_CAST_READ, cast_rename},
    {"remove", 1, 1, LK_CAST_READ, cast_remove}, {"bar", 1, 1, LK_CAST_READ, cast_bar},
    {"unbar", 1, 1, LK_CAST_READ, cast_unbar},   {"new", 1, 1, LK_CAST_WRITE, cast_new},
    {"export", 1, 1, LK_CAST_READ, cast_export}, {"import", 1, 1, LK_CAST_WRITE, cast_import},
    {"seal", 0, 0, LK_CAST_SEAL, cast_seal},     {"unseal", 0, 0, LK_CAST_SEAL, cast_unseal},
};

static const struct cast_verb *find_verb(const struct cast_verb *rows,
                                         size_t n,
                                         const char *name,
                                         int words)
{
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(rows[i].name, name) && words >= rows[i].least && words <= rows[i].most)
            return &rows[i];
    }
    return NULL;
}

static int run_verb(
    struct cli *cli, const struct cast_verb *verb, char **words, int n, struct lk_error *err)
{
    lk_cast *cast = NULL;
    int rc = lk__cast_of_options(&cli->with.engine, verb->access, &cast, err);
    if (!rc && !cast)
        rc = lk_fail(err, LK_E_MISSING,
                     "there is no cast yet: begin one by likeness cast add NAME PHOTO");
    rc = rc ? rc : verb->run(cli, words, n, cast, err);
    lk_cast_close(cast);
    return rc;
}

int cmd_cast(struct cli *cli, struct lk_error *err)
{
    const bool is_consent = !strcmp(cli->words[0], "consent") && cli->n_words > 1;
    const int skip = 1 + is_consent, n = cli->n_words - skip;
    const char *name = cli->words[skip - 1];
    const struct cast_verb *verb =
        is_consent ? find_verb(cast_consent_verbs, n_cast_consent_verbs, name, n)
                   : find_verb(verbs, LK_ARRAY_LENGTH(verbs), name, n);
    if (verb)
        return run_verb(cli, verb, cli->words + skip, n, err);
    return lk_fail(err, LK_E_INPUT, "usage: likeness cast %s%s", cli->command->words,
                   cli->n_words > 64 ? " (at most 64 photos at once)" : "");
}

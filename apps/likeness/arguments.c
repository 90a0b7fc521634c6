// SPDX-License-Identifier: Apache-2.0
/* From likeness.ini, LIKENESS_* and argv to an invocation, by the rows of the option table.
 * getopt_long does the parsing. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ini.h>

#include "base/error.h"
#include "base/size.h"
#include "cli.h"

enum { MOST_OPTIONS = 128 };

/* Configuration and environment set only what belongs to this command; --json and the like, and
 * what one person is told of, are for the command line. */
static bool configurable(const struct lk_option *o, const struct cli *cli)
{
    return (o->commands & cli->command->id) && o->home != LK_HOME_OUTPUT &&
           o->home != LK_HOME_CAST && o->home != LK_HOME_MODELS && o->type < LK_OPTION_FLAG;
}

struct ini_reader {
    struct cli *cli;
    const char *path;
    struct lk_error *err;
    int rc;
};

static int on_ini(void *user, const char *section, const char *name, const char *value)
{
    struct ini_reader *reader = user;
    size_t n;
    const struct lk_option *options = lk_options(&n);
    if (*section && strcmp(section, reader->cli->command->name))
        return 1;
    for (size_t i = 0; i < n && !reader->rc; i++) {
        if (strcmp(options[i].name, name))
            continue;
        char label[512];
        snprintf(label, sizeof label, "%s: %s", reader->path, name);
        if (configurable(&options[i], reader->cli))
            reader->rc = lk_option_set(&options[i], &reader->cli->with, value, label, reader->err);
        return !reader->rc;
    }
    if (!reader->rc)
        reader->rc = lk_fail(reader->err, LK_E_INPUT, "%s: '%s' is no option", reader->path, name);
    return 0;
}

static int read_configuration(struct cli *cli, struct lk_error *err)
{
    const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    char path[4096];
    if (xdg && *xdg)
        snprintf(path, sizeof path, "%s/likeness.ini", xdg);
    else if (home)
        snprintf(path, sizeof path, "%s/.config/likeness.ini", home);
    else
        return 0;
    if (access(path, F_OK))
        return 0;
    struct ini_reader reader = {.cli = cli, .path = path, .err = err};
    int line = ini_parse(path, on_ini, &reader);
    if (reader.rc)
        return reader.rc;
    if (line)
        return lk_fail(err, LK_E_INPUT, "%s: line %d is not NAME = VALUE", path, line);
    return 0;
}

static int read_environment(struct cli *cli, struct lk_error *err)
{
    size_t n;
    const struct lk_option *options = lk_options(&n);
    for (size_t i = 0; i < n; i++) {
        char name[64];
        snprintf(name, sizeof name, "LIKENESS_%s", options[i].name);
        for (char *c = name; *c; c++)
            *c = *c == '-' ? '_' : *c >= 'a' && *c <= 'z' ? (char)(*c - 32) : *c;
        const char *value = getenv(name);
        if (!value || !*value || !configurable(&options[i], cli))
            continue;
        int rc = lk_option_set(&options[i], &cli->with, value, name, err);
        if (rc)
            return rc;
    }
    return 0;
}

/* getopt's tables for the rows of this command; val is the row's index + 256. */
static void getopt_tables(unsigned command, struct option *longs, char *letters)
{
    size_t n, used = 0;
    const struct lk_option *options = lk_options(&n);
    *letters++ = ':';
    for (size_t i = 0; i < n && used < MOST_OPTIONS; i++) {
        if (!(options[i].commands & command))
            continue;
        int takes = options[i].type == LK_OPTION_FLAG ? no_argument : required_argument;
        longs[used++] = (struct option){options[i].name, takes, NULL, (int)i + 256};
        if (options[i].letter) {
            *letters++ = options[i].letter;
            if (takes)
                *letters++ = ':';
        }
    }
    longs[used] = (struct option){0};
    *letters = 0;
}

static const struct lk_option *option_of(int got, unsigned command)
{
    size_t n;
    const struct lk_option *options = lk_options(&n);
    if (got >= 256)
        return &options[got - 256];
    for (size_t i = 0; i < n; i++) {
        if (options[i].letter == got && (options[i].commands & command))
            return &options[i];
    }
    return NULL;
}

static int read_arguments(struct cli *cli, int argc, char **argv, struct lk_error *err)
{
    struct option longs[MOST_OPTIONS + 1];
    char letters[2 * MOST_OPTIONS + 2];
    getopt_tables(cli->command->id, longs, letters);
    opterr = 0;
    optind = 1;
    for (;;) {
        int got = getopt_long(argc, argv, letters, longs, NULL);
        if (got == -1)
            break;
        if (got == '?')
            return lk_fail(err, LK_E_INPUT,
                           "%s is no option of this command: see likeness %s --help",
                           argv[optind - 1], cli->command->name);
        if (got == ':')
            return lk_fail(err, LK_E_INPUT, "%s needs a value: see likeness %s --help",
                           argv[optind - 1], cli->command->name);
        const struct lk_option *o = option_of(got, cli->command->id);
        char label[64];
        snprintf(label, sizeof label, "--%s", o->name);
        int rc = lk_option_set(o, &cli->with, optarg, label, err);
        if (rc)
            return rc;
    }
    cli->words = argv + optind;
    cli->n_words = argc - optind;
    return 0;
}

int cli_parse(struct cli *cli, int argc, char **argv, struct lk_error *err)
{
    int rc = read_configuration(cli, err);
    if (!rc)
        rc = read_environment(cli, err);
    if (!rc) /* getopt takes argv[0] for the program's name: the subcommand's stands there */
        rc = read_arguments(cli, argc + 1, argv - 1, err);
    if (rc)
        return rc;
    const struct subcommand *c = cli->command;
    if (cli->n_words < c->least || cli->n_words > c->most)
        return lk_fail(
            err, LK_E_INPUT, "%s: usage: likeness %s %s [options]; see likeness %s --help",
            cli->n_words < c->least ? "something is missing" : "too many words (quote the prompt)",
            c->name, c->words, c->name);
    return 0;
}

// SPDX-License-Identifier: Apache-2.0
/* portrait, draw, swap, restore, upscale, and what run shares with them: run the request, save what
 * came out. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "cli.h"
#include "pipeline/drawing/explain.h"
#include "pipeline/engine.h"
#include "pipeline/result.h"
#include "pipeline/trust/people.h"
#include "sinks/file.h"

/* "a.png" and picture 3 of many → "a-3.png", its sheet → "a-3-alternatives.png". malloc'd. */
static char *path_of(const lk_result *result, size_t i, const char *path)
{
    const struct lk__picture_report *picture = &result->pictures[i];
    const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
    char number[24] = "", *out = NULL;
    if (!dot || (slash && dot < slash))
        dot = path + strlen(path);
    if (!lk__changes_picture(&result->request) && result->request.count > 1)
        snprintf(number, sizeof number, "-%zu", picture->is_sheet ? picture->sheet_of : i);
    int n = asprintf(&out, "%.*s%s%s%s", (int)(dot - path), path, number,
                     picture->is_sheet ? "-alternatives" : "", dot);
    return n < 0 ? NULL : out;
}

static int save_to_stdout(const lk_result *result, struct lk_error *err)
{
    void *bytes;
    size_t size;
    int rc = lk_result_encode(result, 0, "png", &bytes, &size, err);
    if (rc)
        return rc;
    if (fwrite(bytes, 1, size, stdout) != size || fflush(stdout))
        rc = lk_fail(err, LK_E_FAILED, "standard output cannot be written: %s", strerror(errno));
    free(bytes);
    return rc;
}

static int save_pictures(const struct cli *cli, const lk_result *result, struct lk_error *err)
{
    const struct lk_output *to = &cli->with.output;
    size_t count = lk_result_count(result);
    if (!strcmp(to->path, "-"))
        return save_to_stdout(result, err);
    for (size_t i = 0; i < count; i++) {
        char *path = path_of(result, i, to->path);
        if (!path)
            return lk_fail_memory(err, "a file name", strlen(to->path));
        int rc = lk_result_save(result, i, path, err);
        if (!rc && !to->quiet && !to->json)
            fprintf(stderr, "%s\n", path);
        free(path);
        if (rc)
            return rc;
    }
    return 0;
}

static int save_report(const struct cli *cli, const lk_result *result, struct lk_error *err)
{
    const char *path = cli->with.output.report, *text = lk_result_report(result);
    if (cli->with.output.json && strcmp(cli->with.output.path, "-"))
        puts(text);
    if (!path)
        return 0;
    FILE *file = strcmp(path, "-") ? fopen(path, "w") : stdout;
    bool written = file && fprintf(file, "%s\n", text) > 0;
    if (file && file != stdout)
        written &= !fclose(file);
    return written ? 0
                   : lk_fail(err, LK_E_FAILED, "--report '%s' cannot be written: %s", path,
                             strerror(errno));
}

static void say_remarks(const struct cli *cli, const lk_result *result)
{
    const struct lk_output *to = &cli->with.output;
    const char *sentence;
    for (size_t i = 0; !to->quiet && !to->json && (sentence = lk_result_remark(result, i)); i++)
        fprintf(stderr, "likeness: %s\n", sentence);
    for (size_t i = 0; to->verbose && !to->json && (sentence = lk_result_note(result, i)); i++)
        fprintf(stderr, "likeness: %s\n", sentence);
}

static void say_costs(const struct cli *cli, const lk_result *result)
{
    const struct lk_memory *m = &result->memory;
    if (!cli->with.output.verbose || cli->with.output.json)
        return;
    if (result->start_seconds > 0)
        fprintf(stderr, "start: the first step began after %.2f s\n", result->start_seconds);
    fprintf(stderr, "memory: at most %zu MB of its own and %zu MB of mapped files\n",
            m->anonymous >> 20, m->file >> 20);
}

static int check_output(const struct cli *cli, struct lk_error *err)
{
    const struct lk_output *to = &cli->with.output;
    if (!to->path)
        return lk_fail(err, LK_E_INPUT, "where the picture goes is not said: give -o FILE");
    if (strcmp(to->path, "-"))
        return lk_file_check(to->path, err);
    if (isatty(STDOUT_FILENO))
        return lk_fail(err, LK_E_INPUT,
                       "-o -: standard output is a terminal: redirect it, or name a file");
    if (cli->with.request.count > 1)
        return lk_fail(err, LK_E_INPUT, "-o - takes one picture, --count is %d: name a file",
                       cli->with.request.count);
    if (cli->with.request.alternatives)
        return lk_fail(
            err, LK_E_INPUT,
            "-o - takes one picture, --alternatives makes a sheet beside it: name a file");
    if (to->report && !strcmp(to->report, "-"))
        return lk_fail(err, LK_E_INPUT, "--report - and -o - cannot share standard output");
    return 0;
}

/* The engine may know early what it will be asked for. */
static int expect(const struct cli *cli, lk_engine *engine, struct lk_error *err)
{
    enum lk_format format = LK_FORMAT_PNG; /* of standard output */
    const char *path = cli->with.output.path;
    int rc = strcmp(path, "-") ? lk_format_of_path(path, &format, err) : 0;
    return rc ? rc : lk_engine_expect(engine, lk_format_name(format), err);
}

int cli_make(struct cli *cli, struct lk_error *err)
{
    lk_engine *engine = NULL;
    lk_result *result = NULL;
    struct lk_watch watch;
    int rc = check_output(cli, err);
    if (rc)
        return rc;
    cli_watch_init(&watch, cli);
    rc = cli_preview_begin(cli, &watch, err);
    rc = rc ? rc : lk_engine_open(&cli->with.engine, &engine, err);
    rc = rc ? rc : expect(cli, engine, err);
    if (!rc && cli->with.output.debug)
        rc = lk_engine_debug(engine, cli->with.output.debug, err);
    if (!rc)
        rc = lk_engine_run(engine, &cli->with.request, &watch, &result, err);
    cli_watch_done(cli);
    if (!rc)
        say_remarks(cli, result);
    if (!rc)
        say_costs(cli, result);
    if (!rc)
        rc = save_pictures(cli, result, err);
    if (!rc)
        rc = save_report(cli, result, err);
    cli_preview_end(rc != 0);
    lk_result_free(result);
    lk_engine_free(engine);
    return rc;
}

static int explain(const struct cli *cli, struct lk_error *err)
{
    json_t *explanation = NULL;
    char *text = NULL;
    int rc = lk_explain(&cli->with.request, &explanation, err);
    if (!rc && cli->with.output.json)
        text = json_dumps(explanation, JSON_REAL_PRECISION(6));
    else if (!rc)
        rc = lk_explain_text(explanation, &text, err);
    if (!rc && !text)
        rc = lk_fail_memory(err, "an explanation", 0);
    if (!rc)
        fputs(text, stdout);
    if (!rc && cli->with.output.json)
        putchar('\n');
    free(text);
    json_decref(explanation);
    return rc;
}

int cmd_make(struct cli *cli, struct lk_error *err)
{
    struct lk_request *request = &cli->with.request;
    char **word = lk__changes_picture(request) ? &request->picture : &request->prompt;
    *word = strdup(cli->words[0]);
    if (cli->n_words > 1)
        request->prompt = strdup(cli->words[1]);
    if (!*word || (cli->n_words > 1 && !request->prompt))
        return lk_fail_memory(err, "an argument", strlen(cli->words[0]));
    return cli->with.output.explain ? explain(cli, err) : cli_make(cli, err);
}

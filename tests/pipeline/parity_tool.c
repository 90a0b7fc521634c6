// SPDX-License-Identifier: Apache-2.0
/* For tools/parity/run and tools/quality/run: carries out what is asked for and writes the picture
 * as it is before release, with no mark in its pixels. Nothing that is installed can do so: this
 * program reads the inside of lk_result.
 *
 *   parity_tool              reads lines "FILE<tab>REQUEST", a request's JSON on one line, and
 *                            answers each with "ok <peak memory, kB>" once FILE (a binary PPM,
 *                            8 bits) is written. A FILE that ends in / is a folder that is there:
 *                            picture.ppm, what --debug shows (fit-mask.ppm …; of faces that are
 *                            tried several times the last) and report.json are written into it
 *
 * One process for all, so that networks are made once. A request that fails is answered with
 * "failed", and why on stderr; the program goes on, and ends with exit code 1. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "pipeline/engine.h"
#include "pipeline/result.h"

static int write_ppm(const struct lk_picture *picture, const char *path, struct lk_error *err)
{
    struct lk_picture *bytes = NULL;
    int rc = lk_picture_convert(picture, LK_PIXEL_U8, &bytes, err);
    if (rc)
        return rc;
    const size_t size = (size_t)bytes->width * (size_t)bytes->height * 3;
    FILE *file = bytes->channels == 3 ? fopen(path, "wb") : NULL;
    bool written = file && fprintf(file, "P6 %d %d 255\n", bytes->width, bytes->height) > 0 &&
                   fwrite(bytes->u8, 1, size, file) == size;
    if (file && fclose(file))
        written = false;
    lk_picture_free(bytes);
    return written ? 0 : lk_fail(err, LK_E_FAILED, "'%s' cannot be written", path);
}

/* "FOLDER/NAME", with - for the slashes of a step's name; valid until the next call. */
static const char *in_folder(const char *folder, const char *name)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s%s", folder, name);
    for (char *c = path + strlen(folder); *c; c++) {
        if (*c == '/')
            *c = '-';
    }
    return path;
}

static void write_step(void *folder, const char *name, const struct lk_picture *picture)
{
    char file[64];
    snprintf(file, sizeof file, "%s.ppm", name);
    write_ppm(picture, in_folder(folder, file), NULL);
}

static int write_report(const lk_result *result, const char *folder, struct lk_error *err)
{
    const char *path = in_folder(folder, "report.json");
    FILE *file = fopen(path, "w");
    bool written = file && fputs(result->report, file) >= 0;
    if (file && fclose(file))
        written = false;
    return written ? 0 : lk_fail(err, LK_E_FAILED, "'%s' cannot be written", path);
}

static int carry_out(lk_engine *engine, char *path, const char *json, struct lk_error *err)
{
    const bool all = *path && path[strlen(path) - 1] == '/';
    struct lk_request request = {0};
    lk_result *result = NULL;
    engine->debug = all ? (struct lk_debug){write_step, path} : (struct lk_debug){0};
    int rc = lk_request_from_json(&request, json, strlen(json), "request", err);
    rc = rc ? rc : lk_engine_run(engine, &request, NULL, &result, err);
    rc = rc ? rc
            : write_ppm(result->pictures[0].picture, all ? in_folder(path, "picture.ppm") : path,
                        err);
    rc = rc || !all ? rc : write_report(result, path, err);
    lk_result_free(result);
    lk_request_free(&request);
    return rc;
}

int main(void)
{
    struct lk_error err = {0};
    lk_engine *engine = NULL;
    char *line = NULL;
    size_t room = 0;
    ssize_t length;
    bool failed = false;
    if (lk_engine_open(NULL, &engine, &err)) {
        fprintf(stderr, "parity_tool: %s\n", err.message);
        return 1;
    }
    while ((length = getline(&line, &room, stdin)) > 0) {
        struct rusage usage;
        char *tab = strchr(line, '\t');
        if (tab)
            *tab = 0;
        int rc = tab ? carry_out(engine, line, tab + 1, &err)
                     : lk_fail(&err, LK_E_INPUT, "a line has no tab");
        getrusage(RUSAGE_SELF, &usage);
        if (rc) {
            fprintf(stderr, "parity_tool: %s\n", err.message);
            puts("failed");
        } else {
            printf("ok %ld\n", usage.ru_maxrss);
        }
        failed |= rc != 0;
        fflush(stdout);
    }
    free(line);
    lk_engine_free(engine);
    return failed;
}

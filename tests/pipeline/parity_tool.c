// SPDX-License-Identifier: Apache-2.0
/* For tools/parity/run: draws what is asked for and writes the picture as it is before release,
 * with no mark in its pixels. Nothing that is installed can do so: this program reads the inside of
 * lk_result.
 *
 *   parity_tool              reads lines "FILE<tab>REQUEST", a request's JSON on one line, and
 *                            answers each with "ok <peak memory, kB>" once FILE (a binary PPM,
 *                            8 bits) is written
 *
 * One process for all, so that networks are made once. The first request that fails ends it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

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

static int draw(lk_engine *engine, const char *path, const char *json, struct lk_error *err)
{
    struct lk_request request = {0};
    lk_result *result = NULL;
    int rc = lk_request_from_json(&request, json, strlen(json), "request", err);
    rc = rc ? rc : lk_engine_run(engine, &request, NULL, &result, err);
    rc = rc ? rc : write_ppm(result->pictures[0].picture, path, err);
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
    int rc = lk_engine_open(NULL, &engine, &err);
    while (!rc && (length = getline(&line, &room, stdin)) > 0) {
        struct rusage usage;
        char *tab = strchr(line, '\t');
        if (tab)
            *tab = 0;
        rc = tab ? draw(engine, line, tab + 1, &err)
                 : lk_fail(&err, LK_E_INPUT, "a line has no tab");
        getrusage(RUSAGE_SELF, &usage);
        if (!rc)
            printf("ok %ld\n", usage.ru_maxrss);
        fflush(stdout);
    }
    free(line);
    lk_engine_free(engine);
    if (rc)
        fprintf(stderr, "parity_tool: %s\n", err.message);
    return rc ? 1 : 0;
}

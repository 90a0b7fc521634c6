// SPDX-License-Identifier: Apache-2.0
/* One request, run whole whenever a line comes in, by an engine that is kept: tools/bench
 * alternates it with peers.
 *
 *   bench_jobs REQUEST.json THREADS PRECISION DEVICE OUTPUT
 *
 * A run is all from reading the pictures to having written OUTPUT. Its parts are those of the
 * report's `seconds`, and `leave`: all that lk_result_save does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "measure.h"
#include <likeness/likeness.h>

static char *read_text(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    size_t room = 0;
    if (!file)
        return NULL;
    const ssize_t n = getdelim(&text, &room, '\0', file);
    fclose(file);
    if (n > 0)
        return text;
    free(text);
    return NULL;
}

/* The words of measure.h. */
static void write_parts(const lk_result *result, struct measure leaving, FILE *to)
{
    const char *name;
    json_t *took, *report = json_loads(lk_result_report(result), 0, NULL);
    json_object_foreach(json_object_get(report, "seconds"), name, took)
    {
        fprintf(to, " %s=%.4f:%.4f", name, json_number_value(json_array_get(took, 0)),
                json_number_value(json_array_get(took, 1)));
    }
    fprintf(to, " leave=%.4f:%.4f", leaving.wall, leaving.processor);
    json_decref(report);
}

static int run(lk_engine *engine,
               const struct lk_request *request,
               const char *output,
               FILE *parts,
               struct lk_error *err)
{
    lk_result *result = NULL;
    int rc = lk_engine_run(engine, request, NULL, &result, err);
    const struct measure begin = measure_begin();
    rc = rc ? rc : lk_result_save(result, 0, output, err);
    if (!rc)
        write_parts(result, measure_since(&begin), parts);
    lk_result_free(result);
    return rc;
}

int main(int argc, char **argv)
{
    if (argc != 6) {
        fprintf(stderr, "bench_jobs REQUEST.json THREADS PRECISION DEVICE OUTPUT\n");
        return 2;
    }
    struct lk_error err = {0};
    struct lk_engine_options options;
    struct lk_request request;
    lk_engine *engine = NULL;
    char *json = read_text(argv[1]);
    lk_request_init(&request, LK_TASK_SWAP);
    lk_engine_options_init(&options);
    options.threads = (int)strtol(argv[2], NULL, 10);
    options.precision = strdup(argv[3]);
    options.device = strdup(argv[4]);
    int rc = json ? lk_request_from_json(&request, json, strlen(json), argv[1], &err) : LK_E_INPUT;
    rc = rc ? rc : lk_engine_open(&options, &engine, &err);
    if (!rc)
        measure_ready();
    while (!rc && measure_wait()) {
        const struct measure begin = measure_begin();
        char parts[1024] = "";
        FILE *text = fmemopen(parts, sizeof parts, "w");
        if (!text)
            break;
        rc = run(engine, &request, argv[5], text, &err);
        fclose(text);
        if (!rc)
            measure_end(&begin, parts);
    }
    if (rc)
        fprintf(stderr, "bench_jobs: %s\n", json ? err.message : "the request cannot be read");
    lk_engine_free(engine);
    lk_engine_options_free(&options);
    lk_request_free(&request);
    free(json);
    return lk_exit_code((enum lk_code)rc);
}

// SPDX-License-Identifier: Apache-2.0
/* The smallest program that embeds likeness: a portrait from the first argument into the file of
 * the second. */
#include <stdio.h>
#include <string.h>

#include <likeness/likeness.h>

int main(int argc, char **argv)
{
    struct lk_error err = {0};
    struct lk_request request;
    lk_engine *engine = NULL;
    lk_result *result = NULL;
    if (argc != 3) {
        fprintf(stderr, "usage: portrait PROMPT FILE.png\n");
        return 2;
    }
    lk_request_init(&request, LK_TASK_PORTRAIT);
    request.prompt = strdup(argv[1]);
    request.seed = 1;

    int rc = lk_engine_open(NULL, &engine, &err);
    if (!rc)
        rc = lk_engine_run(engine, &request, NULL, &result, &err);
    if (!rc)
        rc = lk_result_save(result, 0, argv[2], &err);
    if (rc)
        fprintf(stderr, "%s\n", err.message);

    lk_result_free(result);
    lk_engine_free(engine);
    lk_request_free(&request);
    return lk_exit_code((enum lk_code)rc);
}

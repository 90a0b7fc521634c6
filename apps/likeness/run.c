// SPDX-License-Identifier: Apache-2.0
/* `likeness run request.json`: the same request from a file. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cli.h"

#define MOST_BYTES ((size_t)1 << 20) /* of a request file */

static int read_text(const char *path, char **text, size_t *size, struct lk_error *err)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return lk_fail(err, LK_E_INPUT, "request '%s' cannot be opened: %s", path, strerror(errno));
    char *bytes = malloc(MOST_BYTES + 1);
    size_t n = bytes ? fread(bytes, 1, MOST_BYTES + 1, file) : 0;
    int broken = ferror(file);
    fclose(file);
    if (bytes && !broken && n <= MOST_BYTES) {
        *text = bytes;
        *size = n;
        return 0;
    }
    free(bytes);
    if (!bytes)
        return lk_fail_memory(err, path, MOST_BYTES);
    return lk_fail(err, LK_E_INPUT, "request '%s' %s", path,
                   broken ? "cannot be read" : "is longer than 1 MB: it is no request");
}

int cmd_run(struct cli *cli, struct lk_error *err)
{
    char *text = NULL;
    size_t size = 0;
    struct lk_request request;
    int rc = read_text(cli->words[0], &text, &size, err);
    if (rc)
        return rc;
    rc = lk_request_from_json(&request, text, size, cli->words[0], err);
    free(text);
    if (rc)
        return rc;
    lk_request_free(&cli->with.request);
    cli->with.request = request;
    return cli_make(cli, err);
}

// SPDX-License-Identifier: Apache-2.0
/* --preview FILE.png[:EVERY]: the library's previews, each in the place of the one before. The file
 * is gone when the run fails or is refused; what was there before is not touched until then. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cli.h"
#include "sinks/file.h"

enum { EVERY_MOST = 1000 };

static struct {
    char *path;
    bool written;
    struct lk_watch listener; /* who else hears the events */
} preview;

static void on_event(void *user, const struct lk_watch_event *event)
{
    (void)user;
    if (event->preview)
        preview.written |= !lk_file_write(preview.path, event->preview, event->preview_size, NULL);
    else if (preview.listener.on_event)
        preview.listener.on_event(preview.listener.user, event);
}

/* Splits text at its last colon, if a number stands behind it. */
static int split(const char *text, char **path, int *every, struct lk_error *err)
{
    const char *colon = strrchr(text, ':');
    char *end;
    *every = 1;
    size_t n = strlen(text);
    if (colon && colon[1] && !colon[1 + strspn(colon + 1, "0123456789")]) {
        const long number = strtol(colon + 1, &end, 10);
        if (number < 1 || number > EVERY_MOST)
            return lk_fail(err, LK_E_INPUT, "--preview: every '%s' steps is not 1 to %d", colon + 1,
                           EVERY_MOST);
        *every = (int)number;
        n = (size_t)(colon - text);
    }
    if (n < 4 || strncasecmp(text + n - 4, ".png", 4) != 0)
        return lk_fail(err, LK_E_INPUT, "--preview '%s': a preview is a PNG: name a file.png",
                       text);
    *path = strndup(text, n);
    return *path ? 0 : lk_fail_memory(err, "--preview", n);
}

int cli_preview_begin(const struct cli *cli, struct lk_watch *watch, struct lk_error *err)
{
    char *path = NULL;
    int every = 0;
    if (!cli->with.output.preview)
        return 0;
    int rc = split(cli->with.output.preview, &path, &every, err);
    if (!rc && cli->with.output.path && lk_file_same(path, cli->with.output.path))
        rc = lk_fail(err, LK_E_INPUT, "--preview and -o name the same file '%s'", path);
    rc = rc ? rc : lk_file_check(path, err);
    if (rc) {
        free(path);
        return rc;
    }
    preview.path = path;
    preview.listener = *watch;
    watch->on_event = on_event;
    watch->preview_every = every;
    return 0;
}

void cli_preview_end(bool failed)
{
    if (failed && preview.written)
        unlink(preview.path);
    free(preview.path);
    preview.path = NULL;
}

// SPDX-License-Identifier: Apache-2.0
/* `likeness compare A B`: the largest face of each. */
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "cli.h"
#include "pipeline/engine.h"

static int largest_face(lk_engine *engine,
                        const struct cli *cli,
                        const char *path,
                        const struct lk_watch *watch,
                        struct lk_embedding *out,
                        struct lk_error *err)
{
    struct lk_face *faces = NULL;
    size_t n = 0, best = 0;
    int rc =
        lk_engine_find(engine, &cli->with.request, path, LK_KNOW_EMBEDDING, watch, &faces, &n, err);
    if (rc)
        return rc;
    if (!n)
        return lk_fail(err, LK_E_INPUT,
                       "picture '%s' shows no face: give one that does, or lower --face-score",
                       path);
    for (size_t i = 1; i < n; i++) {
        if (faces[i].box[3] - faces[i].box[1] > faces[best].box[3] - faces[best].box[1])
            best = i;
    }
    *out = faces[best].embedding;
    free(faces);
    return 0;
}

int cmd_compare(struct cli *cli, struct lk_error *err)
{
    lk_engine *engine = NULL;
    struct lk_embedding a, b;
    struct lk_watch watch;
    cli_watch_init(&watch, cli);
    int rc = lk_engine_open(&cli->with.engine, &engine, err);
    rc = rc ? rc : largest_face(engine, cli, cli->words[0], &watch, &a, err);
    rc = rc ? rc : largest_face(engine, cli, cli->words[1], &watch, &b, err);
    cli_watch_done(cli);
    if (!rc) {
        double cosine = (double)lk_embedding_cosine(&a, &b);
        bool same = cosine >= (double)engine->same_person;
        if (cli->with.output.json)
            printf("{\"cosine\": %.6f, \"same\": %s}\n", cosine, same ? "true" : "false");
        else
            printf("%s: cosine %.3f, threshold %.3f\n",
                   same ? "the same person" : "different people", cosine,
                   (double)engine->same_person);
    }
    lk_engine_free(engine);
    return rc;
}

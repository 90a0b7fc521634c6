// SPDX-License-Identifier: Apache-2.0
/* `likeness detect PICTURE`. */
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "base/error.h"
#include "cli.h"
#include "pipeline/engine.h"
#include "pipeline/result.h"

static int print_json(const struct lk_face *faces, size_t n, struct lk_error *err)
{
    json_t *root = json_pack("{s:o}", "faces", lk__json_of_faces(faces, n));
    int rc = json_dumpf(root, stdout, 0)
                 ? lk_fail(err, LK_E_FAILED, "standard output cannot be written")
                 : 0;
    putchar('\n');
    json_decref(root);
    return rc;
}

static void print_table(const struct lk_face *faces, size_t n)
{
    printf("%zu face%s\n", n, n == 1 ? "" : "s");
    for (size_t i = 0; i < n; i++) {
        const struct lk_face *f = &faces[i];
        printf("%3d  box %.0f,%.0f %.0fx%.0f  score %.2f  quality %.2f  yaw %.0f  pitch %.0f  roll "
               "%.0f",
               f->index, (double)f->box[0], (double)f->box[1], (double)(f->box[2] - f->box[0]),
               (double)(f->box[3] - f->box[1]), (double)f->score, (double)lk_face_quality(f),
               (double)f->yaw, (double)f->pitch, (double)f->roll);
        if (f->gender)
            printf("  %s of %.0f", f->gender == 'f' ? "woman" : "man", (double)f->age);
        if (f->expression)
            printf("  %s", f->expression);
        putchar('\n');
    }
}

int cmd_detect(struct cli *cli, struct lk_error *err)
{
    lk_engine *engine = NULL;
    struct lk_face *faces = NULL;
    size_t n = 0;
    struct lk_watch watch;
    cli_watch_init(&watch, cli);
    int rc = lk_engine_open(&cli->with.engine, &engine, err);
    rc = rc ? rc
            : lk_engine_find(engine, &cli->with.request, cli->words[0],
                             LK_KNOW_AGE | LK_KNOW_EXPRESSION, &watch, &faces, &n, err);
    cli_watch_done(cli);
    if (!rc && cli->with.output.json)
        rc = print_json(faces, n, err);
    else if (!rc)
        print_table(faces, n);
    free(faces);
    lk_engine_free(engine);
    return rc;
}

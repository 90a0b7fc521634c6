// SPDX-License-Identifier: Apache-2.0
/* Writing a set: records are rendered in chunks by a few threads, each with its own canvases, and
 * appended to the set's files in order, so the files do not depend on the number of threads.
 */
#include "dataset.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { CHUNK = 64 };

struct chunk {
    uint8_t *rgb, *mask; /* [CHUNK,size,size,3], [CHUNK,size,size] */
    float *labels;       /* [CHUNK,label_count] */
    FILE *f_rgb, *f_mask, *f_labels;
};

struct work {
    const struct dataset *d;
    size_t area, row; /* pixels of a picture, labels of one */
    struct chunk part[RECORD_PICTURES];
    char (*captions)[CAPTION_MAX]; /* [CHUNK] */
    long first;
    int count;
};

struct worker {
    struct work *w;
    struct canvas *canvas; /* NULL for sets of words */
    int number;
};

static void *worker_run(void *arg)
{
    struct worker *me = arg;
    struct work *w = me->w;
    const struct dataset *d = w->d;
    for (int i = me->number; i < w->count; i += d->threads) {
        struct picture p[RECORD_PICTURES];
        long index = w->first + i;
        record_make(d, index, p);
        for (int k = 0; k < record_pictures(d->kind); k++) {
            struct chunk *c = &w->part[k];
            struct face_truth truth[PEOPLE_MAX] = {0};
            uint8_t *mask = d->masks ? c->mask + (size_t)i * w->area : NULL;
            if (me->canvas)
                canvas_render(me->canvas, &p[k], c->rgb + (size_t)i * w->area * 3, mask, truth);
            label_row(&p[k], truth, record_identity(d, index, k), c->labels + (size_t)i * w->row);
        }
        caption_write(&p[0], p[0].seed, w->captions[i], CAPTION_MAX);
    }
    return NULL;
}

static FILE *open_in(const char *dir, const char *name, const char *suffix, const char *ending)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s%s%s", dir, name, suffix, ending);
    FILE *f = fopen(path, "wb");
    if (!f)
        fprintf(stderr, "starter-faces: cannot write %s: %s\n", path, strerror(errno));
    return f;
}

static int part_open(const struct work *w, struct chunk *c, const char *suffix)
{
    const struct dataset *d = w->d;
    c->rgb = d->size ? malloc(CHUNK * w->area * 3) : NULL;
    c->labels = malloc(CHUNK * sizeof(float) * w->row);
    c->mask = d->masks ? malloc(CHUNK * w->area) : NULL;
    if ((d->size && !c->rgb) || !c->labels || (d->masks && !c->mask)) {
        fprintf(
            stderr,
            "starter-faces: not enough memory for pictures of side %d: ask for a smaller --size\n",
            d->size);
        return -1;
    }
    c->f_rgb = d->size ? open_in(d->dir, "images", suffix, ".u8") : NULL;
    c->f_labels = open_in(d->dir, "labels", suffix, ".f32");
    c->f_mask = d->masks ? open_in(d->dir, "masks", suffix, ".u8") : NULL;
    return (!d->size || c->f_rgb) && c->f_labels && (!d->masks || c->f_mask) ? 0 : -1;
}

static int close_file(FILE *f)
{
    return f && fclose(f) ? -1 : 0;
}

static int part_close(struct chunk *c)
{
    free(c->rgb);
    free(c->mask);
    free(c->labels);
    return close_file(c->f_rgb) | close_file(c->f_mask) | close_file(c->f_labels);
}

static int put(const void *data, size_t size, int count, FILE *f)
{
    return f && fwrite(data, size, (size_t)count, f) != (size_t)count ? -1 : 0;
}

static int chunk_write(struct work *w, FILE *captions)
{
    int bad = 0;
    for (int k = 0; k < record_pictures(w->d->kind); k++) {
        struct chunk *c = &w->part[k];
        bad |= put(c->rgb, w->area * 3, w->count, c->f_rgb);
        bad |= put(c->mask, w->area, w->count, c->f_mask);
        bad |= put(c->labels, sizeof(float) * w->row, w->count, c->f_labels);
    }
    for (int i = 0; i < w->count; i++)
        bad |= fprintf(captions, "%s\n", w->captions[i]) < 0;
    return bad;
}

/* Renders w->count records; falls back to this thread where threads cannot be made. */
static void chunk_render(struct work *w, struct worker *workers)
{
    int n = w->d->threads;
    pthread_t id[DATASET_THREADS];
    bool made[DATASET_THREADS] = {false};
    for (int i = 1; i < n; i++)
        made[i] = pthread_create(&id[i], NULL, worker_run, &workers[i]) == 0;
    for (int i = 0; i < n; i++)
        if (!made[i])
            worker_run(&workers[i]);
    for (int i = 1; i < n; i++)
        if (made[i])
            pthread_join(id[i], NULL);
}

int dataset_write(const struct dataset *d)
{
    struct work w = {
        .d = d, .area = (size_t)d->size * (size_t)d->size, .row = (size_t)label_count()};
    struct worker workers[DATASET_THREADS] = {0};
    FILE *captions = NULL, *names = NULL;
    int rc = -1;
    if (mkdir(d->dir, 0777) && errno != EEXIST) {
        fprintf(stderr, "starter-faces: cannot make folder %s: %s\n", d->dir, strerror(errno));
        return -1;
    }
    w.captions = malloc(CHUNK * sizeof *w.captions);
    captions = open_in(d->dir, "captions", "", ".txt");
    names = open_in(d->dir, "labels", "", ".tsv");
    if (!w.captions || !captions || !names)
        goto done;
    label_names(names);
    for (int k = 0; k < record_pictures(d->kind); k++)
        if (part_open(&w, &w.part[k], record_suffix(d->kind, k)))
            goto done;
    for (int i = 0; i < d->threads; i++) {
        workers[i] = (struct worker){&w, d->size ? canvas_make(d->size, 2) : NULL, i};
        if (d->size && !workers[i].canvas) {
            fprintf(stderr,
                    "starter-faces: not enough memory for pictures of side %d: ask for a smaller "
                    "--size\n",
                    d->size);
            goto done;
        }
    }
    rc = 0;
    for (w.first = 0; w.first < d->count && !rc; w.first += CHUNK) {
        w.count = d->count - w.first < CHUNK ? (int)(d->count - w.first) : CHUNK;
        chunk_render(&w, workers);
        rc = chunk_write(&w, captions);
    }
done:
    for (int i = 0; i < d->threads; i++)
        canvas_free(workers[i].canvas);
    for (int k = 0; k < RECORD_PICTURES; k++)
        rc |= part_close(&w.part[k]);
    rc |= close_file(captions) | close_file(names);
    free(w.captions);
    if (rc)
        fprintf(stderr, "starter-faces: the set in %s is incomplete\n", d->dir);
    return rc;
}

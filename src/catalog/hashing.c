// SPDX-License-Identifier: Apache-2.0
/* What cannot be kept is computed again the next time: no error of the folder's is one of ours. */
#include "catalog/hashing.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "catalog/catalog.h"

/* Beside threads that compute it gets a third of their share, and so is ready before a drawing is.
 */
#define HASHING_NICE 5
#define LARGE ((off_t)16 << 20) /* bytes of a file whose hash is worth keeping */

struct lk_hashing {
    char *name, *path, *kept; /* kept: the file that keeps the hash; or NULL */
    pthread_t thread;
    bool runs; /* it has to be joined */
    atomic_bool stop;
    struct lk_file_stamp stamp; /* of the file as it is used; empty: not known */
    struct lk_sha256 sha256;    /* what the thread leaves */
    struct lk_error err;
    int code;
};

static bool read_kept(const lk_hashing *h, struct lk_sha256 *out)
{
    char of[sizeof h->stamp.text], digest[65] = "";
    FILE *file = fopen(h->kept, "re");
    if (!file)
        return false;
    const bool fits = lk_file_is_ours(fileno(file)) &&
                      fscanf(file, "%111s %64[0-9a-f]", of, digest) == 2 &&
                      !strcmp(of, h->stamp.text) && strlen(digest) == sizeof digest - 1;
    fclose(file);
    if (fits)
        memcpy(out->hex, digest, sizeof digest);
    return fits;
}

static void keep(const lk_hashing *h)
{
    char line[sizeof h->stamp.text + sizeof h->sha256.hex + 2];
    const int n = snprintf(line, sizeof line, "%s %s\n", h->stamp.text, h->sha256.hex);
    unlink(h->kept);
    lk_file_make_private(h->kept, line, (size_t)n, NULL);
}

/* The file at the path must be the one that is used. */
static int check_stamp(lk_hashing *h)
{
    struct lk_file_stamp now;
    int code = *h->stamp.text ? lk_file_stamp(h->path, &now, &h->err) : 0;
    if (!code && *h->stamp.text && strcmp(now.text, h->stamp.text) != 0)
        code =
            lk_fail(&h->err, LK_E_FAILED,
                    "'%s' was replaced or written again while it was in use: try again", h->path);
    return code;
}

static void *hash(void *user)
{
    lk_hashing *h = user;
    const struct lk_model_entry entry = {.name = h->name, .path = h->path};
    const struct lk_watch watch = {.stop = &h->stop};
    setpriority(PRIO_PROCESS, 0, HASHING_NICE); /* on Linux: of this thread */
    if (h->kept && read_kept(h, &h->sha256))
        return NULL;
    h->code = lk_model_sha256_watched(&entry, &watch, &h->sha256, &h->err);
    h->code = h->code ? h->code : check_stamp(h);
    if (h->kept && !h->code)
        keep(h);
    return NULL;
}

/* Where the hash is kept. */
static int choose_place(lk_hashing *h, const char *folder, struct lk_error *err)
{
    struct lk_sha256 of;
    struct stat st;
    if (!folder || !*h->stamp.text || stat(h->path, &st) || !S_ISREG(st.st_mode) ||
        st.st_size < LARGE)
        return 0;
    lk_sha256_bytes(h->path, strlen(h->path), &of);
    if (asprintf(&h->kept, "%s/%.32s.sha256", folder, of.hex) < 0) {
        h->kept = NULL;
        return lk_fail_memory(err, "a path", strlen(folder));
    }
    return 0;
}

int lk_hashing_begin(const char *name,
                     const char *path,
                     const char *stamp,
                     const char *folder,
                     lk_hashing **out,
                     struct lk_error *err)
{
    lk_hashing *h = calloc(1, sizeof *h);
    if (!h || !(h->name = strdup(name)) || !(h->path = strdup(path))) {
        lk_hashing_free(h);
        return lk_fail_memory(err, "a hash", strlen(path));
    }
    snprintf(h->stamp.text, sizeof h->stamp.text, "%s", stamp ? stamp : "");
    const int code = choose_place(h, folder, err);
    if (code) {
        lk_hashing_free(h);
        return code;
    }
    h->runs = !pthread_create(&h->thread, NULL, hash, h);
    if (!h->runs)
        hash(h);
    *out = h;
    return 0;
}

static void join(lk_hashing *h)
{
    if (h->runs)
        pthread_join(h->thread, NULL);
    h->runs = false;
}

int lk_hashing_end(lk_hashing *h, struct lk_sha256 *out, struct lk_error *err)
{
    join(h);
    if (h->code)
        return lk_fail(err, h->code, "%s", h->err.message);
    *out = h->sha256;
    return 0;
}

void lk_hashing_free(lk_hashing *h)
{
    if (!h)
        return;
    h->stop = true;
    join(h);
    free(h->name);
    free(h->path);
    free(h->kept);
    free(h);
}

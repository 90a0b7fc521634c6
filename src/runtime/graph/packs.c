// SPDX-License-Identifier: Apache-2.0
/* What is not kept is packed, as without this: nothing here fails, it complains. */
#include "runtime/graph/packs.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/size.h"

#define MAX_SOURCES 8 /* tensor files of a network; weights of more are packed each time */

struct source {
    const char *tensors; /* path of the tensor file */
    char *path;          /* of ours */
    struct lk__pack_identity identity;
    struct lk_file file;         /* zeroed: there is none */
    struct lk__pack_part *parts; /* [count] */
    size_t count, room, found;
};

struct lk__packs {
    const struct lk__pack_place *place;
    struct source sources[MAX_SOURCES];
    size_t count;
    pthread_t tender;
    bool is_tended; /* it has to be joined */
    atomic_bool stop;
};

static struct source *source_of(const struct lk__packs *packs, const struct lk_tensor *tensor)
{
    for (size_t i = 0; packs && tensor->path && i < packs->count; i++) {
        if (!strcmp(packs->sources[i].tensors, tensor->path))
            return (struct source *)&packs->sources[i];
    }
    return NULL;
}

/* The stamp tells one state of the tensor file from every other. It is that of the file whose
 * weights these are, not of what may have taken its place since. */
static int open_source(struct lk__packs *packs,
                       const struct lk_kernels *kernels,
                       enum lk_numbers numbers,
                       const char *network,
                       const struct lk_tensor *tensor)
{
    struct source *s = &packs->sources[packs->count];
    struct lk_sha256 of;
    *s = (struct source){.tensors = tensor->path};
    lk_sha256_bytes(tensor->path, strlen(tensor->path), &of);
    if (asprintf(&s->path, "%s/%s-%s-%s-%.16s.pack", packs->place->folder, network, kernels->name,
                 lk_numbers_name(numbers), of.hex) < 0)
        return -1;
    snprintf(s->identity.text, sizeof s->identity.text, "%s %s %zu %s layout %d %s\n", network,
             kernels->name, kernels->lanes, lk_numbers_name(numbers), LK_PANELS_LAYOUT,
             tensor->stamp);
    lk__pack_file_open(s->path, &s->identity, &s->file);
    packs->count++;
    return 0;
}

struct lk__packs *lk__packs_open(const struct lk__pack_place *place,
                                 const struct lk_kernels *kernels,
                                 enum lk_numbers numbers,
                                 const lk_graph *graph)
{
    struct lk__packs *packs = place ? calloc(1, sizeof *packs) : NULL;
    const struct lk_tensor *tensor;
    if (!packs)
        return NULL;
    packs->place = place;
    for (size_t at = 0; (tensor = lk_graph_next_weight(graph, &at));) {
        if (tensor->path && tensor->stamp && !source_of(packs, tensor) &&
            (packs->count == MAX_SOURCES ||
             open_source(packs, kernels, numbers, graph->name, tensor)))
            break;
    }
    return packs;
}

const void *lk__packs_find(const struct lk__packs *packs,
                           const struct lk_tensor *tensor,
                           const struct lk__pack_id *id,
                           size_t bytes)
{
    const struct source *s = source_of(packs, tensor);
    return s ? lk__pack_file_find(&s->file, id, bytes) : NULL;
}

/* A weight may serve several nodes. */
static bool is_added(const struct source *s, const struct lk__pack_id *id)
{
    for (size_t i = 0; i < s->count; i++) {
        if (!memcmp(&s->parts[i].id, id, sizeof *id))
            return true;
    }
    return false;
}

void lk__packs_add(struct lk__packs *packs,
                   const struct lk_tensor *tensor,
                   const struct lk__pack_part *part)
{
    struct source *s = source_of(packs, tensor);
    if (!s || is_added(s, &part->id))
        return;
    if (s->count == s->room) {
        const size_t room = s->room ? 2 * s->room : 64;
        struct lk__pack_part *parts = reallocarray(s->parts, room, sizeof *parts);
        if (!parts)
            return;
        s->parts = parts;
        s->room = room;
    }
    s->parts[s->count++] = *part;
    s->found += lk__pack_file_find(&s->file, &part->id, part->bytes) != NULL;
}

static void *write_files(void *user)
{
    const struct lk__packs *packs = user;
    const struct lk__pack_place *place = packs->place;
    struct lk_error err;
    for (size_t i = 0; i < packs->count; i++) {
        const struct source *s = &packs->sources[i];
        if (s->found == s->count ||
            !lk__pack_file_write(s->path, &s->identity, s->parts, s->count, place->limit, &err))
            continue;
        lk_fail_context(&err, err.code, "--pack-cache '%s': packed weights are not kept",
                        place->folder);
        place->complain(place->user, err.message);
    }
    return NULL;
}

/* In the order in which the network uses them: so the disk reads large pieces, and before they are
 * missed. */
static void *read_files(void *user)
{
    struct lk__packs *packs = user;
    for (size_t i = 0; i < packs->count; i++) {
        const struct source *s = &packs->sources[i];
        for (size_t j = 0; j < s->count && !packs->stop; j++)
            lk_file_expect(s->parts[j].data, s->parts[j].bytes);
    }
    return NULL;
}

void lk__packs_tend(struct lk__packs *packs)
{
    size_t missing = 0;
    for (size_t i = 0; packs && i < packs->count; i++)
        missing += packs->sources[i].count - packs->sources[i].found;
    if (packs)
        packs->is_tended =
            !pthread_create(&packs->tender, NULL, missing ? write_files : read_files, packs);
}

void lk__packs_free(struct lk__packs *packs)
{
    if (!packs)
        return;
    packs->stop = true;
    if (packs->is_tended)
        pthread_join(packs->tender, NULL);
    for (size_t i = 0; i < packs->count; i++) {
        lk_file_unmap(&packs->sources[i].file);
        free(packs->sources[i].parts);
        free(packs->sources[i].path);
    }
    free(packs);
}

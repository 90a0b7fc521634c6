// SPDX-License-Identifier: Apache-2.0
/* The list of nodes: packed, freed. */
#include "runtime/graph/node.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/size.h"

#define MAX_THREADS 64
/* Bytes of weights that the disk is asked for before they are packed: many of its reads at a time,
 * and no more of the memory than that. */
#define AHEAD ((size_t)256 << 20)

void lk__nodes_free(struct lk__nodes *nodes)
{
    lk__packs_free(nodes->packs);
    for (size_t i = 0; i < nodes->count; i++) {
        struct lk__node *node = &nodes->list[i];
        lk_panels_free(&node->panels);
        lk_panels_free(&node->gate);
        free(node->vectors[0]);
        free(node->vectors[1]);
        free((char *)node->at);
    }
    free(nodes->list);
    *nodes = (struct lk__nodes){.kernels = nodes->kernels, .numbers = nodes->numbers};
}

struct lk__node *lk__nodes_add(struct lk__nodes *nodes, enum lk__node_kind kind, const char *at)
{
    if (nodes->count == nodes->capacity) {
        const size_t capacity = nodes->capacity ? 2 * nodes->capacity : 64;
        struct lk__node *list = reallocarray(nodes->list, capacity, sizeof *list);
        if (!list)
            return NULL;
        nodes->list = list;
        nodes->capacity = capacity;
    }
    struct lk__node *node = &nodes->list[nodes->count];
    *node = (struct lk__node){
        .kind = kind,
        .at = strdup(at),
        .w = LK_NO_VALUE,
        .b = LK_NO_VALUE,
        .gamma = LK_NO_VALUE,
        .beta = LK_NO_VALUE,
    };
    if (!node->at)
        return NULL;
    for (int i = 0; i < LK__ROLE_COUNT; i++)
        node->roles[i] = -1;
    nodes->count++;
    return node;
}

/* What a convolution's weight is made of: w [n,channels,kernel,kernel]; of gates half of them. */
static size_t columns(const lk_graph *graph, const struct lk__node *node)
{
    return (size_t)graph->values[node->w].shape[0] / (node->gated ? 2 : 1);
}

static size_t channels(const lk_graph *graph, const struct lk__node *node)
{
    return (size_t)graph->values[node->w].shape[1];
}

enum lk_numbers lk__numbers_of(const struct lk__value *value, enum lk_numbers wanted)
{
    return value->rounds ? wanted : LK_NUMBERS_F32;
}

bool lk__graph_rounds(const lk_graph *graph)
{
    bool rounds = false;
    for (size_t i = 0; i < graph->count; i++)
        rounds |= graph->values[i].rounds;
    return rounds;
}

enum lk_numbers lk__graph_numbers(const lk_graph *graph, enum lk_numbers wanted)
{
    return lk__graph_rounds(graph) ? wanted : LK_NUMBERS_F32;
}

/* A gate and its values, which are packed apart, count as one: their columns fill vectors. */
size_t lk__packed_bytes(const struct lk_kernels *kernels,
                        enum lk_numbers numbers,
                        const lk_graph *graph,
                        size_t plain)
{
    size_t total = plain;
    for (size_t i = 0; i < graph->count; i++) {
        const struct lk__value *v = &graph->values[i];
        if ((v->op != LK__CONV && v->op != LK__LINEAR) || graph->values[v->in[1]].op != LK__WEIGHT)
            continue;
        const int64_t *shape = graph->values[v->in[1]].shape;
        const size_t n = (size_t)shape[0], k = (size_t)shape[1];
        const int kernel = v->op == LK__CONV ? v->as.conv.kernel : 1;
        total -= n * k * (size_t)kernel * (size_t)kernel * sizeof(float);
        total += lk_panels_bytes(kernels, lk__numbers_of(v, numbers), n, k, kernel);
    }
    return total;
}

/* Numbers of a weight or a constant from `first`. */
static int numbers_of(const lk_graph *graph,
                      lk_value value,
                      size_t first,
                      size_t count,
                      float *out,
                      struct lk_error *err)
{
    const struct lk__value *v = &graph->values[value];
    if (v->op == LK__WEIGHT)
        return lk_tensor_to_f32(&v->as.tensor, first, count, out, err);
    memcpy(out, v->as.constant + first, count * sizeof *out);
    return 0;
}

struct row_source {
    const struct lk_kernels *kernels;
    const lk_graph *graph;
    const struct lk__node *node;
    size_t row, first; /* numbers of a row; the row that is column 0 */
    struct lk_error *err;
};

static int row_of(void *user, size_t n, float *numbers)
{
    const struct row_source *s = user;
    const size_t first = (s->first + n) * s->row;
    const struct lk__value *w = &s->graph->values[s->node->w];
    const void *halves;
    if (w->op != LK__WEIGHT || w->as.tensor.dtype != LK_F16)
        return numbers_of(s->graph, s->node->w, first, s->row, numbers, s->err);
    const int code = lk_tensor_halves(&w->as.tensor, first, s->row, &halves, s->err);
    if (!code)
        s->kernels->widen(halves, s->row, numbers);
    return code;
}

/* The tensor that a node's weights are; NULL: a constant. */
static const struct lk_tensor *tensor_of(const lk_graph *graph, const struct lk__node *node)
{
    const struct lk__value *w = &graph->values[node->w];
    return w->op == LK__WEIGHT ? &w->as.tensor : NULL;
}

/* The node's panels, or those of its gate, as they are kept on disk. */
static struct lk__pack_part part_of(const struct lk__nodes *nodes,
                                    const lk_graph *graph,
                                    const struct lk__node *node,
                                    int gate)
{
    const struct lk_tensor *tensor = tensor_of(graph, node);
    const size_t n = columns(graph, node), k = channels(graph, node);
    return (struct lk__pack_part){
        .id = {.offset = tensor->offset,
               .first = gate ? n : 0,
               .n = n,
               .channels = k,
               .kernel = (uint32_t)node->kernel,
               .dtype = (uint32_t)tensor->dtype,
               .numbers = (uint32_t)node->numbers},
        .data = gate ? node->gate.data : node->panels.data,
        .bytes = lk_panels_bytes(nodes->kernels, node->numbers, n, k, node->kernel),
    };
}

/* NULL: they are not. */
static const void *kept_panels(const struct lk__nodes *nodes,
                               const lk_graph *graph,
                               const struct lk__node *node,
                               int gate)
{
    const struct lk_tensor *tensor = tensor_of(graph, node);
    if (!nodes->packs || !tensor)
        return NULL;
    const struct lk__pack_part part = part_of(nodes, graph, node, gate);
    return lk__packs_find(nodes->packs, tensor, &part.id, part.bytes);
}

/* Whether they are kept on disk, and then they are there. */
static bool take_panels(const struct lk__nodes *nodes,
                        const lk_graph *graph,
                        struct lk__node *node,
                        int gate)
{
    const void *data = kept_panels(nodes, graph, node, gate);
    if (data)
        *(gate ? &node->gate : &node->panels) = (struct lk_panels){
            .data = (void *)data,
            .k = channels(graph, node) * (size_t)node->kernel * (size_t)node->kernel,
            .n = columns(graph, node),
            .numbers = node->numbers,
            .lent = 1,
        };
    return data != NULL;
}

static void keep_panels(const struct lk__nodes *nodes, const lk_graph *graph)
{
    for (size_t i = 0; nodes->packs && i < nodes->count; i++) {
        const struct lk__node *node = &nodes->list[i];
        if (node->kind != LK__CONVOLUTION || !tensor_of(graph, node))
            continue;
        for (int gate = 0; gate <= node->gated; gate++) {
            const struct lk__pack_part part = part_of(nodes, graph, node, gate);
            lk__packs_add(nodes->packs, tensor_of(graph, node), &part);
        }
    }
    lk__packs_tend(nodes->packs);
}

/* What is packed is not read again. */
static void forget(const lk_graph *graph, lk_value value)
{
    const struct lk__value *v = &graph->values[value];
    if (v->op == LK__WEIGHT && v->as.tensor.path)
        lk_file_forget(v->as.tensor.data, v->as.tensor.size);
}

/* gate 1: the second half of the columns */
static int pack_panels(const struct lk__nodes *nodes,
                       const lk_graph *graph,
                       struct lk__node *node,
                       int gate,
                       struct lk_error *err)
{
    if (take_panels(nodes, graph, node, gate))
        return 0;
    const size_t n = columns(graph, node), k = channels(graph, node);
    struct row_source source = {
        .kernels = nodes->kernels,
        .graph = graph,
        .node = node,
        .row = k * (size_t)node->kernel * (size_t)node->kernel,
        .first = gate ? n : 0,
        .err = err,
    };
    const int code = lk_panels_pack(nodes->kernels, node->numbers, n, k, node->kernel, row_of,
                                    &source, gate ? &node->gate : &node->panels);
    return code == -1 ? lk_fail_memory(err, "packed weights", n * source.row * sizeof(float))
                      : code;
}

static int copy_vector(const lk_graph *graph,
                       lk_value value,
                       size_t first,
                       size_t count,
                       float **out,
                       struct lk_error *err)
{
    if (value == LK_NO_VALUE)
        return 0;
    *out = malloc(count * sizeof **out);
    return *out ? numbers_of(graph, value, first, count, *out, err)
                : lk_fail_memory(err, "a vector of weights", count * sizeof **out);
}

static int pack_node(const struct lk__nodes *nodes,
                     const lk_graph *graph,
                     struct lk__node *node,
                     struct lk_error *err)
{
    if (node->kind == LK__CONVOLUTION) {
        const size_t n = columns(graph, node);
        int code = pack_panels(nodes, graph, node, 0, err);
        if (!code)
            code = copy_vector(graph, node->b, 0, n, &node->vectors[0], err);
        if (!code && node->gated)
            code = pack_panels(nodes, graph, node, 1, err);
        if (!code && node->gated)
            code = copy_vector(graph, node->b, n, n, &node->vectors[1], err);
        forget(graph, node->w);
        return code;
    }
    if (node->gamma == LK_NO_VALUE)
        return 0;
    node->width = (size_t)graph->values[node->gamma].shape[0];
    const int code = copy_vector(graph, node->gamma, 0, node->width, &node->vectors[0], err);
    return code ? code : copy_vector(graph, node->beta, 0, node->width, &node->vectors[1], err);
}

struct packing {
    struct lk__nodes *nodes;
    const lk_graph *graph;
    pthread_mutex_t lock;  /* of what follows */
    size_t next, expected; /* nodes that are taken; whose weights are asked for */
    size_t ahead;          /* bytes of the latter without the former */
    struct lk_error *err;
    int code; /* of the first failure */
};

/* The tensor that has to be read for a node from its file; NULL: none has. */
static const struct lk_tensor *read_for(const struct packing *p, size_t i)
{
    const struct lk__node *node = &p->nodes->list[i];
    const struct lk_tensor *tensor =
        node->kind == LK__CONVOLUTION ? tensor_of(p->graph, node) : NULL;
    return tensor && tensor->path && !kept_panels(p->nodes, p->graph, node, 0) ? tensor : NULL;
}

/* The next node, or the count of them; asks the disk for weights of those behind it. */
static size_t take_node(struct packing *p)
{
    const size_t count = p->nodes->count;
    pthread_mutex_lock(&p->lock);
    const size_t i = p->next < count ? p->next++ : count;
    for (; p->expected < count && (p->expected <= i || p->ahead < AHEAD); p->expected++) {
        const struct lk_tensor *tensor = read_for(p, p->expected);
        if (!tensor)
            continue;
        lk_file_expect(tensor->data, tensor->size);
        p->ahead += tensor->size;
    }
    const struct lk_tensor *own = i < count ? read_for(p, i) : NULL;
    p->ahead -= own ? own->size : 0;
    pthread_mutex_unlock(&p->lock);
    return i;
}

static void *pack_some(void *user)
{
    struct packing *p = user;
    for (size_t i; (i = take_node(p)) < p->nodes->count;) {
        struct lk_error err;
        const int code = pack_node(p->nodes, p->graph, &p->nodes->list[i], &err);
        pthread_mutex_lock(&p->lock);
        if (code && !p->code) {
            p->code = code;
            if (p->err)
                *p->err = err;
        }
        pthread_mutex_unlock(&p->lock);
    }
    return NULL;
}

int lk__nodes_pack(struct lk__nodes *nodes,
                   const lk_graph *graph,
                   int threads,
                   const struct lk__pack_place *place,
                   struct lk_error *err)
{
    struct packing packing = {.nodes = nodes, .graph = graph, .err = err};
    nodes->packs =
        lk__packs_open(place, nodes->kernels, lk__graph_numbers(graph, nodes->numbers), graph);
    pthread_t others[MAX_THREADS];
    int started = 0;
    pthread_mutex_init(&packing.lock, NULL);
    while (started < threads - 1 && started < MAX_THREADS &&
           !pthread_create(&others[started], NULL, pack_some, &packing))
        started++;
    pack_some(&packing);
    while (started > 0)
        pthread_join(others[--started], NULL);
    pthread_mutex_destroy(&packing.lock);
    if (!packing.code)
        keep_panels(nodes, graph);
    return packing.code;
}

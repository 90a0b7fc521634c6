// SPDX-License-Identifier: Apache-2.0
/* What an ONNX graph says of its arrays, sorted by their names: nodes are many, and for each of
 * them the whole file would have to be walked. */
#include <stdlib.h>
#include <string.h>

#include "runtime/graph/onnx.h"
#include "runtime/onnx/view.h"

static int compare(const void *a, const void *b)
{
    const struct lk__onnx_name *x = a, *y = b;
    const size_t sizes[] = {(size_t)(x->name.end - x->name.at), (size_t)(y->name.end - y->name.at)};
    if (x->role != y->role)
        return x->role < y->role ? -1 : 1;
    if (sizes[0] != sizes[1])
        return sizes[0] < sizes[1] ? -1 : 1;
    const int order = memcmp(x->name.at, y->name.at, sizes[0]);
    return order ? order : (x->at.at > y->at.at) - (x->at.at < y->at.at);
}

static int add(struct lk__onnx_names *names,
               enum lk__onnx_role role,
               struct lk_proto_view name,
               struct lk_proto_view at,
               struct lk_error *err)
{
    if (names->count == names->capacity) {
        const size_t capacity = names->capacity ? 2 * names->capacity : 256;
        struct lk__onnx_name *list = reallocarray(names->list, capacity, sizeof *list);
        if (!list)
            return lk_fail_memory(err, "names of arrays", capacity * sizeof *list);
        names->list = list;
        names->capacity = capacity;
    }
    names->list[names->count++] = (struct lk__onnx_name){role, name, at};
    return 0;
}

static int add_node(struct lk__onnx_names *names, struct lk_proto_view node, struct lk_error *err)
{
    struct lk_proto_view view = node;
    struct lk_proto_field field;
    int code = 0;
    while (!code && lk_proto_next(&view, &field) == 1) {
        if (field.number == FIELD_NODE_INPUT && field.type == 2)
            code = add(names, LK__ONNX_READ, field.inner, node, err);
        else if (field.number == FIELD_NODE_OUTPUT && field.type == 2)
            code = add(names, LK__ONNX_MADE, field.inner, node, err);
    }
    return code;
}

int lk__onnx_names_read(struct lk_proto_view graph,
                        struct lk__onnx_names *out,
                        struct lk_error *err)
{
    static const struct {
        int field, name;
        enum lk__onnx_role role;
    } rows[] = {{FIELD_GRAPH_INITIALIZER, FIELD_TENSOR_NAME, LK__ONNX_INITIALIZER},
                {FIELD_GRAPH_OUTPUT, FIELD_VALUE_NAME, LK__ONNX_OUTPUT},
                {FIELD_GRAPH_INFERRED, FIELD_VALUE_NAME, LK__ONNX_INFERRED}};
    struct lk_proto_view name;
    struct lk_proto_field field;
    int code = 0;
    *out = (struct lk__onnx_names){0};
    while (!code && lk_proto_next(&graph, &field) == 1) {
        if (field.type != 2)
            continue;
        if (field.number == FIELD_GRAPH_NODE)
            code = add_node(out, field.inner, err);
        for (size_t i = 0; i < sizeof rows / sizeof *rows && !code; i++) {
            if (field.number == rows[i].field && lk__onnx_inside(field.inner, rows[i].name, &name))
                code = add(out, rows[i].role, name, field.inner, err);
        }
    }
    if (!code && out->count)
        qsort(out->list, out->count, sizeof *out->list, compare);
    if (code)
        lk__onnx_names_free(out);
    return code;
}

void lk__onnx_names_free(struct lk__onnx_names *names)
{
    free(names->list);
    *names = (struct lk__onnx_names){0};
}

/* How many come before what is said of the name at that place. */
static size_t before(const struct lk__onnx_names *names, const struct lk__onnx_name *place)
{
    size_t first = 0, end = names->count;
    while (first < end) {
        const size_t middle = first + (end - first) / 2;
        if (compare(&names->list[middle], place) < 0)
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

const struct lk__onnx_name *lk__onnx_all(const struct lk__onnx_names *names,
                                         enum lk__onnx_role role,
                                         struct lk_proto_view name,
                                         size_t *count)
{
    struct lk__onnx_name place = {.role = role, .name = name};
    const size_t first = before(names, &place);
    place.at.at = (const unsigned char *)UINTPTR_MAX;
    *count = before(names, &place) - first;
    return names->list + first;
}

bool lk__onnx_named(const struct lk__onnx_names *names,
                    enum lk__onnx_role role,
                    struct lk_proto_view name,
                    struct lk_proto_view *out)
{
    size_t count;
    const struct lk__onnx_name *first = lk__onnx_all(names, role, name, &count);
    if (count)
        *out = first->at;
    return count > 0;
}

// SPDX-License-Identifier: Apache-2.0
/* The convolutions of an ONNX file by our own kernels, on the CPU: those of 3×3 at stride 1, which
 * Winograd's way computes with a fourth of the products (docs/performance.md).
 *
 *   Conv(x) [Relu]   →   Transpose · likeness:Convolution · Transpose
 *
 * since our pictures are NHWC and ONNX's NCHW. The engine moves transposes through what stands
 * between (sums, activations, concatenations), and takes out those that meet their inverse; so
 * neighbours hand over NHWC. All else stays as the file has it. Weights may be kept smaller than
 * f32, as in the starter pack: halves, or whole numbers times a factor of each row
 * (weights.c). */
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "runtime/internal.h"
#include "runtime/onnx/view.h"

enum { LEAST_CHANNELS = 16, KERNEL = 3 };

/* A Conv that becomes ours. */
struct convolution {
    struct lk_proto_view node, relu; /* relu.at NULL: none follows that nothing else reads */
    struct lk_proto_view x, y, w_name, name;
    struct lk_tensor w, b; /* w [n,channels,3,3]; b.data NULL: none */
    float *made;           /* the numbers of w where the file has them in another way; malloc'd */
    int pad[4];
};

struct convolving {
    struct lk_proto_view graph;
    struct lk__onnx_names names;
    struct convolution *list; /* in the order of the file */
    size_t count, capacity;
    struct lk_proto *out;
};

/* ---- what the file has ---- */

/* All numbers of an attribute, packed or one by one; false where there are others than `count`. */
static bool numbers_of(struct lk_proto_view attribute, size_t count, int64_t *out)
{
    struct lk_proto_field field;
    uint64_t number;
    size_t n = 0;
    while (lk_proto_next(&attribute, &field) == 1) {
        if (field.number != FIELD_ATTRIBUTE_INTS)
            continue;
        if (field.type == 0 && n++ < count)
            out[n - 1] = (int64_t)field.value;
        while (field.type == 2 && lk_proto_next_varint(&field.inner, &number) == 1) {
            if (n++ < count)
                out[n - 1] = (int64_t)number;
        }
    }
    return n == count;
}

static bool are(const int64_t *numbers, size_t count, int64_t least, int64_t most)
{
    for (size_t i = 0; i < count; i++) {
        if (numbers[i] < least || numbers[i] > most)
            return false;
    }
    return true;
}

/* Whether an attribute of a Conv says what our kernel does; its padding. */
static bool take_attribute(struct lk_proto_view attribute, int pad[4])
{
    struct lk_proto_view name, text = {0};
    struct lk_proto_field field;
    struct lk_proto_view view = attribute;
    int64_t n[4], number = 1;
    if (!lk__onnx_inside(attribute, FIELD_ATTRIBUTE_NAME, &name))
        return false;
    while (lk_proto_next(&view, &field) == 1)
        number = field.number == FIELD_ATTRIBUTE_I ? (int64_t)field.value : number;
    if (lk_proto_equals(name, "group"))
        return number == 1;
    if (lk_proto_equals(name, "auto_pad"))
        return lk__onnx_inside(attribute, FIELD_ATTRIBUTE_S, &text) &&
               lk_proto_equals(text, "NOTSET");
    if (lk_proto_equals(name, "kernel_shape"))
        return numbers_of(attribute, 2, n) && are(n, 2, KERNEL, KERNEL);
    if (lk_proto_equals(name, "strides") || lk_proto_equals(name, "dilations"))
        return numbers_of(attribute, 2, n) && are(n, 2, 1, 1);
    if (!lk_proto_equals(name, "pads") || !numbers_of(attribute, 4, n) || !are(n, 4, 0, KERNEL))
        return false;
    for (int i = 0; i < 4; i++)
        pad[i] = (int)n[i];
    return true;
}

static bool bias_of(const struct convolving *c, struct lk_proto_view name, struct lk_tensor *out)
{
    struct lk_proto_view found;
    return lk__onnx_named(&c->names, LK__ONNX_INITIALIZER, name, &found) &&
           lk__onnx_tensor(found, NULL, out) && out->dtype == LK_F32 && out->rank == 1;
}

/* The node that alone reads the array, which is no output either. */
static bool only_reader(const struct convolving *c,
                        struct lk_proto_view name,
                        struct lk_proto_view *out)
{
    size_t count;
    struct lk_proto_view output;
    const struct lk__onnx_name *readers = lk__onnx_all(&c->names, LK__ONNX_READ, name, &count);
    if (count != 1 || lk__onnx_named(&c->names, LK__ONNX_OUTPUT, name, &output))
        return false;
    *out = readers->at;
    return true;
}

/* The Relu that alone reads the array. */
static void find_relu(const struct convolving *c, struct convolution *conv)
{
    struct lk_proto_view reader, y;
    if (only_reader(c, conv->y, &reader) && lk__onnx_is_a(reader, "Relu") &&
        lk__onnx_inside(reader, FIELD_NODE_OUTPUT, &y)) {
        conv->relu = reader;
        conv->y = y;
    }
}

/* false: the node stays as it is. */
static bool read_node(const struct convolving *c,
                      struct lk_proto_view node,
                      struct convolution *out)
{
    struct lk_proto_view view = node, inputs[3] = {{0}};
    struct lk_proto_field field;
    size_t n = 0;
    *out = (struct convolution){.node = node};
    if (!lk__onnx_is_a(node, "Conv") || !lk__onnx_inside(node, FIELD_NODE_OUTPUT, &out->y))
        return false;
    while (lk_proto_next(&view, &field) == 1) {
        if (field.type != 2)
            continue;
        if (field.number == FIELD_NODE_NAME)
            out->name = field.inner;
        else if (field.number == FIELD_NODE_INPUT && n < LK_ARRAY_LENGTH(inputs))
            inputs[n++] = field.inner;
        else if (field.number == FIELD_NODE_ATTRIBUTE && !take_attribute(field.inner, out->pad))
            return false;
    }
    const bool biased = n == 3 && inputs[2].at != inputs[2].end;
    const int64_t *shape = out->w.shape;
    if (n < 2 || (biased && !bias_of(c, inputs[2], &out->b)) ||
        !lk__onnx_weights(&c->names, inputs[1], &out->w, &out->made))
        return false;
    if (shape[1] < LEAST_CHANNELS || shape[0] < LEAST_CHANNELS || shape[2] != KERNEL ||
        shape[3] != KERNEL || (biased && out->b.shape[0] != shape[0])) {
        free(out->made);
        return false;
    }
    out->x = inputs[0];
    out->w_name = inputs[1];
    find_relu(c, out);
    return true;
}

/* Whether a node has a graph inside, whose nodes may read any array of the one around it. */
static bool is_nested(struct lk_proto_view node)
{
    struct lk_proto_field attribute, field;
    while (lk_proto_next(&node, &attribute) == 1) {
        if (attribute.number != FIELD_NODE_ATTRIBUTE || attribute.type != 2)
            continue;
        while (lk_proto_next(&attribute.inner, &field) == 1) {
            if (field.number == FIELD_ATTRIBUTE_GRAPH || field.number == FIELD_ATTRIBUTE_GRAPHS)
                return true;
        }
    }
    return false;
}

/* Whether all nodes stand transposes before them. The engine (1.23) moves those through a Resize
 * that names its axes without a change of these. */
static bool may_change(struct lk_proto_view graph)
{
    struct lk_proto_field field;
    struct lk_proto_view axes;
    while (lk_proto_next(&graph, &field) == 1) {
        if (field.number == FIELD_GRAPH_NODE && field.type == 2 &&
            (is_nested(field.inner) || (lk__onnx_is_a(field.inner, "Resize") &&
                                        lk__onnx_attribute(field.inner, "axes", &axes))))
            return false;
    }
    return true;
}

static int gather(struct convolving *c, struct lk_error *err)
{
    struct lk_proto_view view = c->graph;
    struct lk_proto_field field;
    struct convolution found;
    while (lk_proto_next(&view, &field) == 1) {
        if (field.number != FIELD_GRAPH_NODE || field.type != 2)
            continue;
        if (!read_node(c, field.inner, &found))
            continue;
        if (c->count == c->capacity) {
            const size_t capacity = c->capacity ? 2 * c->capacity : 64;
            struct convolution *list = reallocarray(c->list, capacity, sizeof *list);
            if (!list) {
                free(found.made);
                return lk_fail_memory(err, "convolutions", capacity * sizeof *list);
            }
            c->list = list;
            c->capacity = capacity;
        }
        c->list[c->count++] = found;
    }
    return 0;
}

/* ---- what becomes of it ---- */

static struct lk_proto_view text_of(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    return (struct lk_proto_view){at, at + strlen(text)};
}

/* NAME, or NAME and what tells our arrays from the file's. */
static void put_name(struct lk_proto *out, int field, struct lk_proto_view name, const char *more)
{
    const size_t at = lk_proto_begin(out, field);
    lk_proto_raw(out, name);
    lk_proto_raw(out, text_of(more));
    lk_proto_end(out, at);
}

static const char rows[] = ":likeness rows", none[] = "";

static void put_transpose(struct lk_proto *out,
                          struct lk_proto_view x,
                          const char *x_more,
                          struct lk_proto_view y,
                          const char *y_more,
                          const int order[4])
{
    const size_t node = lk_proto_begin(out, FIELD_GRAPH_NODE);
    put_name(out, FIELD_NODE_INPUT, x, x_more);
    put_name(out, FIELD_NODE_OUTPUT, y, y_more);
    lk_proto_string(out, FIELD_NODE_TYPE, "Transpose");
    const size_t attribute = lk_proto_begin(out, FIELD_NODE_ATTRIBUTE);
    lk_proto_string(out, FIELD_ATTRIBUTE_NAME, "perm");
    for (int i = 0; i < 4; i++)
        lk_proto_int(out, FIELD_ATTRIBUTE_INTS, order[i]);
    lk_proto_int(out, FIELD_ATTRIBUTE_TYPE, LK__ATTR_INTS);
    lk_proto_end(out, attribute);
    lk_proto_end(out, node);
}

/* The one of ours that the node becomes, or NULL. */
static const struct convolution *ours_at(const struct convolving *c, struct lk_proto_view node)
{
    size_t first = 0, end = c->count;
    while (first < end) {
        const size_t middle = first + (end - first) / 2;
        if (c->list[middle].node.at < node.at)
            first = middle + 1;
        else
            end = middle;
    }
    return first < c->count && c->list[first].node.at == node.at ? &c->list[first] : NULL;
}

/* The first of ours that reads x. */
static const struct convolution *first_of(const struct convolving *c, struct lk_proto_view x)
{
    size_t count;
    const struct convolution *found = NULL;
    const struct lk__onnx_name *readers = lk__onnx_all(&c->names, LK__ONNX_READ, x, &count);
    for (size_t i = 0; i < count && !found; i++) {
        found = ours_at(c, readers[i].at);
        found = found && lk__onnx_equal(found->x, x) ? found : NULL;
    }
    return found;
}

static void put_convolution(struct convolving *c, const struct convolution *conv)
{
    struct lk_proto *out = c->out;
    if (first_of(c, conv->x) == conv)
        put_transpose(out, conv->x, none, conv->x, rows, (const int[]){0, 2, 3, 1});
    const size_t node = lk_proto_begin(out, FIELD_GRAPH_NODE);
    put_name(out, FIELD_NODE_INPUT, conv->x, rows);
    put_name(out, FIELD_NODE_OUTPUT, conv->y, ":likeness result");
    put_name(out, FIELD_NODE_NAME, conv->name, none);
    lk_proto_string(out, FIELD_NODE_TYPE, "Convolution");
    lk_proto_string(out, FIELD_NODE_DOMAIN, LK__DOMAIN);
    const size_t attribute = lk_proto_begin(out, FIELD_NODE_ATTRIBUTE);
    lk_proto_string(out, FIELD_ATTRIBUTE_NAME, "node");
    lk_proto_int(out, FIELD_ATTRIBUTE_I, conv - c->list);
    lk_proto_int(out, FIELD_ATTRIBUTE_TYPE, LK__ATTR_INT);
    lk_proto_end(out, attribute);
    lk_proto_end(out, node);
    put_transpose(out, conv->y, ":likeness result", conv->y, none, (const int[]){0, 3, 1, 2});
}

/* Whether a port or an initializer tells weights that only one of ours reads. */
static bool is_taken(const struct convolving *c, struct lk_proto_view message, int name_number)
{
    struct lk_proto_view name, reader;
    if (!lk__onnx_inside(message, name_number, &name) || !only_reader(c, name, &reader))
        return false;
    const struct convolution *conv = ours_at(c, reader);
    return conv && lk__onnx_equal(conv->w_name, name);
}

/* Whether a node is a Relu in one of ours. */
static bool is_inside(const struct convolving *c, struct lk_proto_view node)
{
    struct lk_proto_view name, maker;
    if (!lk__onnx_is_a(node, "Relu") || !lk__onnx_inside(node, FIELD_NODE_INPUT, &name) ||
        !lk__onnx_named(&c->names, LK__ONNX_MADE, name, &maker))
        return false;
    const struct convolution *conv = ours_at(c, maker);
    return conv && conv->relu.at == node.at;
}

/* What becomes of a field of the graph: ours take the place of their Conv, and what goes into them
 * is left out; weights of old files are inputs too. */
static void put_field(struct convolving *c, const struct lk_proto_field *field)
{
    const bool node = field->number == FIELD_GRAPH_NODE && field->type == 2;
    const struct convolution *conv = node ? ours_at(c, field->inner) : NULL;
    const bool gone =
        field->type == 2 &&
        ((node && is_inside(c, field->inner)) ||
         (field->number == FIELD_GRAPH_INITIALIZER &&
          is_taken(c, field->inner, FIELD_TENSOR_NAME)) ||
         (field->number == FIELD_GRAPH_INPUT && is_taken(c, field->inner, FIELD_VALUE_NAME)));
    if (conv)
        put_convolution(c, conv);
    else if (!gone)
        lk_proto_raw(c->out, field->whole);
}

static void put_graph(struct convolving *c)
{
    struct lk_proto_view view = c->graph;
    struct lk_proto_field field;
    const size_t at = lk_proto_begin(c->out, FIELD_MODEL_GRAPH);
    while (lk_proto_next(&view, &field) == 1)
        put_field(c, &field);
    lk_proto_end(c->out, at);
}

static void put_model(struct convolving *c, const void *bytes, size_t size)
{
    struct lk_proto_view model = {bytes, (const unsigned char *)bytes + size};
    struct lk_proto_field field;
    while (lk_proto_next(&model, &field) == 1) {
        if (field.number == FIELD_MODEL_GRAPH && field.type == 2)
            put_graph(c);
        else
            lk_proto_raw(c->out, field.whole);
    }
    const size_t domain = lk_proto_begin(c->out, FIELD_MODEL_OPSET);
    lk_proto_string(c->out, FIELD_OPSET_DOMAIN, LK__DOMAIN);
    lk_proto_int(c->out, FIELD_OPSET_VERSION, 1);
    lk_proto_end(c->out, domain);
}

/* What our operators need to know: the weights as a graph, which is not computed, and a node of
 * each. */
static int make_nodes(struct convolving *c,
                      lk_graph *weights,
                      struct lk__nodes *nodes,
                      struct lk_error *err)
{
    for (size_t i = 0; i < c->count; i++) {
        struct convolution *conv = &c->list[i];
        struct lk__node *node = lk__nodes_add(nodes, LK__CONVOLUTION, "a convolution");
        if (!node)
            return lk_fail_memory(err, "convolutions", sizeof *node);
        node->w = conv->made ? lk_graph_constant(weights, 4, conv->w.shape, conv->made)
                             : lk_graph_weight(weights, &conv->w, 4, conv->w.shape);
        free(conv->made); /* the graph has its own */
        conv->made = NULL;
        if (conv->b.data)
            node->b = lk_graph_weight(weights, &conv->b, 1, conv->b.shape);
        node->kernel = KERNEL;
        node->stride = 1;
        memcpy(node->pad, conv->pad, sizeof node->pad);
        node->relu = conv->relu.at != NULL;
        node->roles[LK__ROLE_X] = 0;
    }
    return lk_graph_status(weights, err);
}

int lk__onnx_convolve(const void *bytes,
                      size_t size,
                      lk_graph *weights,
                      struct lk__nodes *nodes,
                      struct lk_proto *out,
                      struct lk_error *err)
{
    struct convolving c = {.out = out};
    const bool may = lk__onnx_graph(bytes, size, &c.graph) && may_change(c.graph);
    int code = may ? lk__onnx_names_read(c.graph, &c.names, err) : 0;
    if (!code && may)
        code = gather(&c, err);
    if (!code && c.count)
        code = make_nodes(&c, weights, nodes, err);
    if (!code && c.count) {
        put_model(&c, bytes, size);
        code = out->failed ? lk_fail_memory(err, "an ONNX model", size) : 0;
    }
    for (size_t i = 0; i < c.count; i++)
        free(c.list[i].made);
    free(c.list);
    lk__onnx_names_free(&c.names);
    return code;
}

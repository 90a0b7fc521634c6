// SPDX-License-Identifier: Apache-2.0
/* Finding one's way in the bytes of an ONNX file that lk__onnx_file_check let through. */
#ifndef LK_RUNTIME_ONNX_VIEW_H
#define LK_RUNTIME_ONNX_VIEW_H

#include "data/tensor_file.h"
#include "runtime/proto.h"

/* The GraphProto of a ModelProto; false when there is none or the bytes are broken. */
bool lk__onnx_graph(const void *bytes, size_t size, struct lk_proto_view *graph);
/* The first message of that number; false when there is none. */
bool lk__onnx_inside(struct lk_proto_view view, int number, struct lk_proto_view *out);
bool lk__onnx_equal(struct lk_proto_view a, struct lk_proto_view b);
/* Whether the node is that operator of the ONNX standard. */
bool lk__onnx_is_a(struct lk_proto_view node, const char *type);
/* The attribute of a node; false when it has none of that name. */
bool lk__onnx_attribute(struct lk_proto_view node, const char *name, struct lk_proto_view *out);
/* A TensorProto whose numbers lie in the file, of floats as raw bytes or numbers, others as raw
 * bytes. path: of the file, kept by pointer. false: it is another. */
bool lk__onnx_tensor(struct lk_proto_view view, const char *path, struct lk_tensor *out);
/* Its dimensions; false where it has not so many. */
bool lk__onnx_shape(struct lk_proto_view view, int rank, int64_t *shape);

/* names.c */

/* What is said of an array, and where. */
enum lk__onnx_role {
    LK__ONNX_INITIALIZER, /* its TensorProto */
    LK__ONNX_MADE,        /* the node that it comes from */
    LK__ONNX_READ,        /* a node that it goes into */
    LK__ONNX_OUTPUT,      /* its ValueInfoProto as an output of the graph */
    LK__ONNX_INFERRED     /* its ValueInfoProto, of an array between */
};

struct lk__onnx_name {
    enum lk__onnx_role role;
    struct lk_proto_view name, at;
};

/* Sorted by role, name and place. */
struct lk__onnx_names {
    struct lk__onnx_name *list;
    size_t count, capacity;
};

int lk__onnx_names_read(struct lk_proto_view graph,
                        struct lk__onnx_names *out,
                        struct lk_error *err);
void lk__onnx_names_free(struct lk__onnx_names *names);
/* All that have the role and name, in the order of the file. */
const struct lk__onnx_name *lk__onnx_all(const struct lk__onnx_names *names,
                                         enum lk__onnx_role role,
                                         struct lk_proto_view name,
                                         size_t *count);
/* The first of them; false when there is none. */
bool lk__onnx_named(const struct lk__onnx_names *names,
                    enum lk__onnx_role role,
                    struct lk_proto_view name,
                    struct lk_proto_view *out);

/* weights.c: the array of that name [n,c,h,w] as f32; false where it is no constant. *made:
 * NULL where its numbers lie in the file, else they, malloc'd. */
bool lk__onnx_weights(const struct lk__onnx_names *names,
                      struct lk_proto_view name,
                      struct lk_tensor *out,
                      float **made);

#endif

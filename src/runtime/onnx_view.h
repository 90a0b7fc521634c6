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
/* The message of that number in the graph whose field name_number is the name: an initializer, an
 * input, what was inferred. */
bool lk__onnx_named(struct lk_proto_view graph,
                    int number,
                    int name_number,
                    struct lk_proto_view name,
                    struct lk_proto_view *out);
/* A TensorProto whose numbers lie in the file, of floats as raw bytes or numbers, others as raw
 * bytes. path: of the file, kept by pointer. false: it is another. */
bool lk__onnx_tensor(struct lk_proto_view view, const char *path, struct lk_tensor *out);
/* Its dimensions; false where it has not so many. */
bool lk__onnx_shape(struct lk_proto_view view, int rank, int64_t *shape);

/* onnx_weights.c: the array of that name [n,c,h,w] as f32; false where it is no constant. *made:
 * NULL where its numbers lie in the file, else they, malloc'd. */
bool lk__onnx_weights(struct lk_proto_view graph,
                      struct lk_proto_view name,
                      struct lk_tensor *out,
                      float **made);

#endif

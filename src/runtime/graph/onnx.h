// SPDX-License-Identifier: Apache-2.0
/* Writing an ONNX ModelProto, and the numbers of its schema (onnx/onnx.proto).
 *
 * A writer holds the GraphProto that grows; the lowerings add nodes and initializers, finish wraps
 * it. Names of values are strings in the writer's arena. */
#ifndef LK_RUNTIME_GRAPH_ONNX_H
#define LK_RUNTIME_GRAPH_ONNX_H

#include "base/arena.h"
#include "data/tensor_file.h"
#include "runtime/proto.h"

enum {
    FIELD_MODEL_IR_VERSION = 1,
    FIELD_MODEL_PRODUCER = 2,
    FIELD_MODEL_GRAPH = 7,
    FIELD_MODEL_OPSET = 8
};
enum { FIELD_OPSET_DOMAIN = 1, FIELD_OPSET_VERSION = 2 };
enum {
    FIELD_GRAPH_NODE = 1,
    FIELD_GRAPH_NAME = 2,
    FIELD_GRAPH_INITIALIZER = 5,
    FIELD_GRAPH_INPUT = 11,
    FIELD_GRAPH_OUTPUT = 12,
    FIELD_GRAPH_INFERRED = 13 /* value_info */
};
enum {
    FIELD_NODE_INPUT = 1,
    FIELD_NODE_OUTPUT = 2,
    FIELD_NODE_NAME = 3,
    FIELD_NODE_TYPE = 4,
    FIELD_NODE_ATTRIBUTE = 5,
    FIELD_NODE_DOMAIN = 7
};
enum {
    FIELD_ATTRIBUTE_NAME = 1,
    FIELD_ATTRIBUTE_F = 2,
    FIELD_ATTRIBUTE_I = 3,
    FIELD_ATTRIBUTE_S = 4,
    FIELD_ATTRIBUTE_TENSOR = 5,
    FIELD_ATTRIBUTE_GRAPH = 6,
    FIELD_ATTRIBUTE_INTS = 8,
    FIELD_ATTRIBUTE_GRAPHS = 11,
    FIELD_ATTRIBUTE_TYPE = 20
};
enum {
    FIELD_TENSOR_DIMS = 1,
    FIELD_TENSOR_TYPE = 2,
    FIELD_TENSOR_FLOATS = 4,
    FIELD_TENSOR_NAME = 8,
    FIELD_TENSOR_RAW = 9,
    FIELD_TENSOR_DOUBLES = 10,
    FIELD_TENSOR_EXTERNAL = 13,
    FIELD_TENSOR_LOCATION = 14
};
enum { FIELD_ENTRY_KEY = 1, FIELD_ENTRY_VALUE = 2 };
enum { FIELD_VALUE_NAME = 1, FIELD_VALUE_TYPE = 2 };
enum { FIELD_TYPE_TENSOR = 1, FIELD_TYPE_ELEMENT = 1, FIELD_TYPE_SHAPE = 2 };
enum { FIELD_SHAPE_DIM = 1, FIELD_DIM_VALUE = 1, FIELD_DIM_PARAM = 2 };

/* TensorProto.DataType of ours, and back (−1: none of ours). */
int lk__onnx_of_dtype(enum lk_dtype dtype);
int lk__dtype_of_onnx(int64_t type);

/* Where the numbers of a weight are: a file and an offset in it. The session points into the user's
 * checkpoint, the export into its own data file. */
struct lk__onnx_place {
    const char *location; /* NULL: in none, the numbers are copied into the model */
    uint64_t offset;
};

/* A weight as it is being written. */
struct lk__onnx_weight {
    const char *name; /* in the model; lives until the model is finished */
    const struct lk_tensor *tensor;
    int rank;
    const int64_t *shape;
};
/* Asked once for each weight. */
typedef struct lk__onnx_place lk__onnx_place_of(void *user, const struct lk__onnx_weight *weight);

struct lk__onnx {
    struct lk_proto graph;
    lk_arena *arena;    /* names; owned by the caller */
    unsigned names;     /* how many names were made */
    enum lk_dtype flow; /* of what flows between the ports: LK_F32, or LK_F16 */
    bool failed;        /* the arena was out of memory */
    lk__onnx_place_of *place;
    void *user;
};

struct lk__attribute {
    const char *name;
    enum { LK__ATTR_FLOAT = 1, LK__ATTR_INT = 2, LK__ATTR_STRING = 3, LK__ATTR_INTS = 7 } type;
    float f;
    int64_t i; /* the value, or how many ints */
    const char *s;
    const int64_t *ints;
};

/* A new name "at/what_12", unique in the model. */
const char *lk__onnx_name(struct lk__onnx *onnx, const char *at, const char *what);
#define LK__DOMAIN "likeness"       /* of our own operators */
#define LK__CONTRIB "com.microsoft" /* of those that ONNX Runtime adds to the standard */
/* op: of the standard, or DOMAIN:op. inputs: NULL or "" where not given; at the end they may be
 * left out. */
void lk__onnx_node(struct lk__onnx *onnx,
                   const char *op,
                   const char *name,
                   size_t n_in,
                   const char *const *inputs,
                   size_t n_out,
                   const char *const *outputs,
                   size_t n_attributes,
                   const struct lk__attribute *attributes);
void lk__onnx_initializer(struct lk__onnx *onnx,
                          const char *name,
                          enum lk_dtype dtype,
                          int rank,
                          const int64_t *shape,
                          const void *values);
/* Numbers of ours as they flow: converted to onnx->flow. */
void lk__onnx_numbers(
    struct lk__onnx *onnx, const char *name, int rank, const int64_t *shape, const float *values);
/* A weight whose numbers are where onnx->place says. */
void lk__onnx_weight(struct lk__onnx *onnx, const struct lk__onnx_weight *weight);
/* An input or output of the graph; free dimensions get names. */
void lk__onnx_port(struct lk__onnx *onnx,
                   int field,
                   const char *name,
                   enum lk_dtype dtype,
                   int rank,
                   const int64_t *shape);
/* The ModelProto around the graph; frees the graph's buffer. model->failed tells of failure. */
void lk__onnx_finish(struct lk__onnx *onnx, const char *name, struct lk_proto *model);

#endif

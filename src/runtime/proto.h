// SPDX-License-Identifier: Apache-2.0
/* The protobuf wire format, as much of it as ONNX models need, by hand.
 *
 * Why no protobuf library: a model that we write only points at weights (file, offset, length), so
 * it is small and flat; and finding one initializer in a 500 MB ONNX file must neither copy nor
 * parse the rest, which generated parsers do. The wire format is a list of fields:
 *
 *   key = field number << 3 | type     varint
 *   type 0: varint   1: 8 bytes   2: varint length, then that many bytes   5: 4 bytes
 *
 * (https://protobuf.dev/programming-guides/encoding/). Everything read is hostile until checked. */
#ifndef LK_RUNTIME_PROTO_H
#define LK_RUNTIME_PROTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A window of bytes, owned by somebody else. */
struct lk_proto_view {
    const unsigned char *at, *end;
};

/* Writing: a buffer that grows up to LK_PROTO_MAX; after the first failure `failed` is set and
 * nothing more is written. Free with lk_proto_free. A zeroed struct is an empty buffer. */
#define LK_PROTO_MAX ((size_t)0x7fffffff) /* protobuf's own limit for one message */

struct lk_proto {
    unsigned char *bytes;
    size_t size, capacity;
    bool failed;
};

void lk_proto_free(struct lk_proto *out);
void lk_proto_int(struct lk_proto *out, int field, int64_t value);
void lk_proto_float(struct lk_proto *out, int field, float value);
/* A field as it was read: key and all. */
void lk_proto_raw(struct lk_proto *out, struct lk_proto_view field);
void lk_proto_string(struct lk_proto *out, int field, const char *text);
void lk_proto_bytes(struct lk_proto *out, int field, const void *bytes, size_t size);
/* A message inside: begin returns where it starts, end puts its length there. */
size_t lk_proto_begin(struct lk_proto *out, int field);
void lk_proto_end(struct lk_proto *out, size_t begin);

/* Reading. */
struct lk_proto_field {
    int number;
    int type;                   /* wire type 0, 1, 2 or 5 */
    uint64_t value;             /* types 0, 1 and 5 */
    struct lk_proto_view inner; /* type 2 */
    struct lk_proto_view whole; /* with its key */
};

/* 1: the next field was read; 0: the end; -1: broken (truncated, overlong varint, group, field 0).
 */
int lk_proto_next(struct lk_proto_view *view, struct lk_proto_field *field);
/* One bare varint, of a packed list; results as above. */
int lk_proto_next_varint(struct lk_proto_view *view, uint64_t *value);
bool lk_proto_equals(struct lk_proto_view view, const char *text);

#endif

// SPDX-License-Identifier: Apache-2.0
/* The protobuf wire format by hand: see proto.h for why and for the layout. */
#include "runtime/proto.h"

#include <stdlib.h>
#include <string.h>

#include "base/size.h"

enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

/* Lengths of inner messages are written as varints of fixed width, so that nothing has to move when
 * the length is known: 5 bytes hold 35 bits. Readers accept padded varints. */
#define LENGTH_BYTES 5

void lk_proto_free(struct lk_proto *out)
{
    free(out->bytes);
    memset(out, 0, sizeof *out);
}

static bool reserve(struct lk_proto *out, size_t more)
{
    size_t need;
    if (out->failed || !lk_size_add(out->size, more, &need) || need > LK_PROTO_MAX)
        return !(out->failed = true);
    if (need <= out->capacity)
        return true;
    size_t capacity = out->capacity ? out->capacity : 4096;
    while (capacity < need)
        capacity *= 2;
    unsigned char *bytes = realloc(out->bytes, capacity);
    if (!bytes)
        return !(out->failed = true);
    out->bytes = bytes;
    out->capacity = capacity;
    return true;
}

static void put(struct lk_proto *out, const void *bytes, size_t size)
{
    if (size && reserve(out, size)) {
        memcpy(out->bytes + out->size, bytes, size);
        out->size += size;
    }
}

static void put_varint(struct lk_proto *out, uint64_t value)
{
    unsigned char bytes[10];
    size_t n = 0;
    do {
        bytes[n++] = (unsigned char)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        value >>= 7;
    } while (value);
    put(out, bytes, n);
}

static void put_key(struct lk_proto *out, int field, int type)
{
    put_varint(out, (uint64_t)field << 3 | (uint64_t)type);
}

void lk_proto_int(struct lk_proto *out, int field, int64_t value)
{
    put_key(out, field, WIRE_VARINT);
    put_varint(out, (uint64_t)value);
}

void lk_proto_float(struct lk_proto *out, int field, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    const unsigned char bytes[4] = {bits & 0xff, bits >> 8 & 0xff, bits >> 16 & 0xff, bits >> 24};
    put_key(out, field, WIRE_32);
    put(out, bytes, sizeof bytes);
}

void lk_proto_bytes(struct lk_proto *out, int field, const void *bytes, size_t size)
{
    put_key(out, field, WIRE_BYTES);
    put_varint(out, size);
    put(out, bytes, size);
}

void lk_proto_raw(struct lk_proto *out, struct lk_proto_view field)
{
    put(out, field.at, (size_t)(field.end - field.at));
}

void lk_proto_string(struct lk_proto *out, int field, const char *text)
{
    lk_proto_bytes(out, field, text, strlen(text));
}

size_t lk_proto_begin(struct lk_proto *out, int field)
{
    static const unsigned char blank[LENGTH_BYTES];
    put_key(out, field, WIRE_BYTES);
    put(out, blank, sizeof blank);
    return out->size;
}

void lk_proto_end(struct lk_proto *out, size_t begin)
{
    if (out->failed)
        return;
    size_t length = out->size - begin;
    unsigned char *at = out->bytes + begin - LENGTH_BYTES;
    for (int i = 0; i < LENGTH_BYTES; i++, length >>= 7)
        at[i] = (unsigned char)((length & 0x7f) | (i + 1 < LENGTH_BYTES ? 0x80 : 0));
}

int lk_proto_next_varint(struct lk_proto_view *view, uint64_t *value)
{
    if (view->at == view->end)
        return 0;
    uint64_t result = 0;
    for (int shift = 0; shift < 70 && view->at < view->end; shift += 7) {
        unsigned char byte = *view->at++;
        if (shift == 63 && byte > 1)
            return -1;
        result |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *value = result;
            return 1;
        }
    }
    return -1;
}

static int next_fixed(struct lk_proto_view *view, size_t size, uint64_t *value)
{
    if ((size_t)(view->end - view->at) < size)
        return -1;
    *value = 0;
    for (size_t i = 0; i < size; i++)
        *value |= (uint64_t)view->at[i] << 8 * i;
    view->at += size;
    return 1;
}

/* What follows a key. */
static int next_value(struct lk_proto_view *view, struct lk_proto_field *field)
{
    uint64_t length;
    switch (field->type) {
    case WIRE_VARINT:
        return lk_proto_next_varint(view, &field->value) == 1 ? 1 : -1;
    case WIRE_64:
        return next_fixed(view, 8, &field->value);
    case WIRE_32:
        return next_fixed(view, 4, &field->value);
    case WIRE_BYTES:
        if (lk_proto_next_varint(view, &length) != 1 || length > (uint64_t)(view->end - view->at))
            return -1;
        field->inner = (struct lk_proto_view){view->at, view->at + length};
        view->at += length;
        return 1;
    default:
        return -1;
    }
}

int lk_proto_next(struct lk_proto_view *view, struct lk_proto_field *field)
{
    const unsigned char *const begin = view->at;
    uint64_t key;
    int got = lk_proto_next_varint(view, &key);
    if (got <= 0)
        return got;
    memset(field, 0, sizeof *field);
    if (key >> 3 == 0 || key >> 3 > 0x1fffffff)
        return -1;
    field->number = (int)(key >> 3);
    field->type = (int)(key & 7);
    got = next_value(view, field);
    field->whole = (struct lk_proto_view){begin, view->at};
    return got;
}

bool lk_proto_equals(struct lk_proto_view view, const char *text)
{
    size_t size = (size_t)(view.end - view.at);
    return size == strlen(text) && memcmp(view.at, text, size) == 0;
}

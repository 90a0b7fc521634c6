// SPDX-License-Identifier: Apache-2.0
/* The stack machine. Opcodes are those of Python's pickletools; values live in the arena and are
 * shared as the memo shares them, so what comes out may even be a circle: who walks it, counts. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "data/pickle/pickle.h"

enum { STACK_MAX = 1 << 22, MEMO_MAX = 1 << 24, LONG_MAX_BYTES = 8 };

enum meaning {
    HARMLESS,  /* calling it would give something that is no tensor */
    DICT,      /* an empty one */
    TENSOR_V2, /* (storage, first, shape, stride, …) */
    TENSOR_V3, /* (untyped storage, first, shape, stride, …, dtype at 6) */
    PARAMETER, /* (tensor, …) */
    TYPED,     /* (function, class, arguments, state): function(*arguments) */
    STORAGE,   /* a class of storages, of one type */
    UNTYPED,
    TYPE, /* of elements */
};

/* Everything a file may name. */
struct lk__pickle_name {
    const char *module, *name;
    enum meaning meaning;
    enum lk_dtype dtype;
    const char *unread; /* a type of elements that enum lk_dtype lacks; dtype is one of its size */
};

/* clang-format off */
static const struct lk__pickle_name NAMES[] = {
    {"collections", "OrderedDict", DICT, 0},
    {"collections", "defaultdict", DICT, 0},
    {"torch._utils", "_rebuild_tensor_v2", TENSOR_V2, 0},
    {"torch._utils", "_rebuild_tensor_v3", TENSOR_V3, 0},
    {"torch._utils", "_rebuild_parameter", PARAMETER, 0},
    {"torch._tensor", "_rebuild_from_type_v2", TYPED, 0},
    {"torch", "FloatStorage", STORAGE, LK_F32},
    {"torch", "HalfStorage", STORAGE, LK_F16},
    {"torch", "BFloat16Storage", STORAGE, LK_BF16},
    {"torch", "DoubleStorage", STORAGE, LK_F64},
    {"torch", "LongStorage", STORAGE, LK_I64},
    {"torch", "IntStorage", STORAGE, LK_I32},
    {"torch", "ByteStorage", STORAGE, LK_U8},
    {"torch", "BoolStorage", STORAGE, LK_BOOL},
    {"torch", "Float8_e4m3fnStorage", STORAGE, LK_F8_E4M3},
    {"torch", "Float8_e5m2Storage", STORAGE, LK_F8_E5M2},
    {"torch", "CharStorage", STORAGE, LK_U8, "int8"},
    {"torch", "ShortStorage", STORAGE, LK_F16, "int16"},
    {"torch", "ComplexFloatStorage", STORAGE, LK_F64, "complex64"},
    {"torch", "QInt8Storage", STORAGE, LK_U8, "qint8"},
    {"torch", "QUInt8Storage", STORAGE, LK_U8, "quint8"},
    {"torch", "QInt32Storage", STORAGE, LK_I32, "qint32"},
    {"torch.storage", "UntypedStorage", UNTYPED, 0},
    {"torch", "float32", TYPE, LK_F32},
    {"torch", "float16", TYPE, LK_F16},
    {"torch", "bfloat16", TYPE, LK_BF16},
    {"torch", "float64", TYPE, LK_F64},
    {"torch", "int64", TYPE, LK_I64},
    {"torch", "int32", TYPE, LK_I32},
    {"torch", "uint8", TYPE, LK_U8},
    {"torch", "bool", TYPE, LK_BOOL},
    {"torch", "float8_e4m3fn", TYPE, LK_F8_E4M3},
    {"torch", "float8_e5m2", TYPE, LK_F8_E5M2},
    {"torch", "int8", TYPE, 0, "int8"},
    {"torch", "int16", TYPE, 0, "int16"},
    {"torch", "uint16", TYPE, 0, "uint16"},
    {"torch", "uint32", TYPE, 0, "uint32"},
    {"torch", "uint64", TYPE, 0, "uint64"},
    {"torch", "complex64", TYPE, 0, "complex64"},
    {"torch", "complex128", TYPE, 0, "complex128"},
    {"torch", "float8_e4m3fnuz", TYPE, 0, "float8_e4m3fnuz"},
    {"torch", "float8_e5m2fnuz", TYPE, 0, "float8_e5m2fnuz"},
    {"torch", "float8_e8m0fnu", TYPE, 0, "float8_e8m0fnu"},
    {"torch", "Size", HARMLESS, 0},
    {"torch", "device", HARMLESS, 0},
    {"torch", "Tensor", HARMLESS, 0},
    {"torch.nn.parameter", "Parameter", HARMLESS, 0},
    {"builtins", "set", HARMLESS, 0},
    {"__builtin__", "set", HARMLESS, 0},
    {"_codecs", "encode", HARMLESS, 0},
    {"numpy", "dtype", HARMLESS, 0},
    {"numpy.core.multiarray", "scalar", HARMLESS, 0},
    {"numpy._core.multiarray", "scalar", HARMLESS, 0},
    {"pytorch_lightning.callbacks.model_checkpoint", "ModelCheckpoint", HARMLESS, 0},
};
/* clang-format on */

typedef struct lk__pickle_value value;

struct machine {
    struct lk__pickle *pickle;
    const uint8_t *bytes;
    size_t size, at;
    value **stack, **memo;
    size_t depth, stack_room, memo_count, memo_room;
    struct lk_error *err;
};

static int broken(struct machine *m, const char *what)
{
    return lk_fail(m->err, LK_E_INPUT,
                   "file '%s': its pickle %s at byte %zu: it is damaged or no file of tensors",
                   m->pickle->path, what, m->at);
}

static int no_memory(struct machine *m)
{
    return lk_fail_memory(m->err, "a pickle", m->size);
}

/* The next n bytes, or NULL. */
static const uint8_t *take(struct machine *m, size_t n)
{
    const uint8_t *from = m->bytes + m->at;
    if (n > m->size - m->at) {
        broken(m, "ends too early");
        return NULL;
    }
    m->at += n;
    return from;
}

static int take_number(struct machine *m, size_t bytes, uint64_t *out)
{
    const uint8_t *from = take(m, bytes);
    if (!from)
        return LK_E_INPUT;
    *out = 0;
    for (size_t i = bytes; i > 0; i--)
        *out = *out << 8 | from[i - 1];
    return 0;
}

static int grow(struct machine *m, value ***list, size_t *room, size_t wanted, size_t most)
{
    if (wanted <= *room)
        return 0;
    if (wanted > most)
        return broken(m, "holds more than any file of tensors");
    size_t larger = *room ? 2 * *room : 256;
    while (larger < wanted)
        larger *= 2;
    value **grown = reallocarray(*list, larger, sizeof *grown);
    if (!grown)
        return no_memory(m);
    memset(grown + *room, 0, (larger - *room) * sizeof *grown);
    *list = grown;
    *room = larger;
    return 0;
}

static int push(struct machine *m, value *v)
{
    int code = grow(m, &m->stack, &m->stack_room, m->depth + 1, STACK_MAX);
    if (!code)
        m->stack[m->depth++] = v;
    return code;
}

static value *new_value(struct machine *m, enum lk__pickle_kind kind)
{
    value *v = lk_arena_alloc(m->pickle->arena, 1, sizeof *v);
    if (v)
        v->kind = kind;
    else
        no_memory(m);
    return v;
}

static int push_kind(struct machine *m, enum lk__pickle_kind kind)
{
    value *v = new_value(m, kind);
    return v ? push(m, v) : LK_E_FAILED;
}

static int push_integer(struct machine *m, int64_t integer)
{
    value *v = new_value(m, LK__PICKLE_INTEGER);
    if (!v)
        return LK_E_FAILED;
    v->as.integer = integer;
    return push(m, v);
}

static int push_text(struct machine *m, size_t length)
{
    const uint8_t *from = take(m, length);
    if (!from)
        return LK_E_INPUT;
    value *v = new_value(m, LK__PICKLE_TEXT);
    if (!v)
        return LK_E_FAILED;
    v->as.text = lk_arena_strndup(m->pickle->arena, (const char *)from, length);
    return v->as.text ? push(m, v) : no_memory(m);
}

/* The top, which leaves the stack; NULL when there is none above a mark. */
static value *pop(struct machine *m)
{
    if (m->depth && m->stack[m->depth - 1]->kind != LK__PICKLE_MARK)
        return m->stack[--m->depth];
    broken(m, "takes from an empty stack");
    return NULL;
}

/* Where the values above the last mark begin; 0 when there is none. */
static size_t find_mark(struct machine *m)
{
    size_t at = m->depth;
    while (at && m->stack[at - 1]->kind != LK__PICKLE_MARK)
        at--;
    if (!at)
        broken(m, "has no mark");
    return at;
}

static int append(struct machine *m, value *to, value *const *from, size_t n)
{
    const size_t wanted = to->as.items.count + n;
    if (wanted > to->as.items.room) {
        const size_t room = wanted < 8 ? 8 : 2 * wanted;
        value **at = lk_arena_alloc(m->pickle->arena, room, sizeof(value *));
        if (!at)
            return no_memory(m);
        if (to->as.items.count)
            memcpy(at, to->as.items.at, to->as.items.count * sizeof(value *));
        to->as.items.at = at;
        to->as.items.room = room;
    }
    if (n)
        memcpy(to->as.items.at + to->as.items.count, from, n * sizeof(value *));
    to->as.items.count = wanted;
    return 0;
}

/* A tuple of the n top values, which it replaces. */
static int make_tuple(struct machine *m, size_t n)
{
    value *v = new_value(m, LK__PICKLE_SEQUENCE);
    if (!v)
        return LK_E_FAILED;
    if (n > m->depth)
        return broken(m, "takes from an empty stack");
    m->depth -= n;
    int code = append(m, v, m->stack + m->depth, n);
    return code ? code : push(m, v);
}

/* The values above the mark go into the container below it. */
static int add_items(struct machine *m, size_t from, enum lk__pickle_kind kind)
{
    if (from < 2 || m->stack[from - 2]->kind == LK__PICKLE_MARK)
        return broken(m, "fills nothing");
    value *to = m->stack[from - 2];
    const size_t n = m->depth - from;
    m->depth = from - 1;
    if (to->kind == LK__PICKLE_OTHER) /* what a harmless function would give */
        return 0;
    if (to->kind != kind || (kind == LK__PICKLE_DICT && n % 2))
        return broken(m, "fills what is no container");
    return append(m, to, m->stack + from, n);
}

static int add_top(struct machine *m, size_t n, enum lk__pickle_kind kind)
{
    if (m->depth < n + 1)
        return broken(m, "takes from an empty stack");
    value *to = m->stack[m->depth - n - 1];
    m->depth -= n;
    if (to->kind == LK__PICKLE_OTHER)
        return 0;
    if (to->kind != kind)
        return broken(m, "fills what is no container");
    return append(m, to, m->stack + m->depth, n);
}

static int push_name(struct machine *m, const char *module, const char *name)
{
    for (size_t i = 0; i < LK_ARRAY_LENGTH(NAMES); i++) {
        if (strcmp(NAMES[i].module, module) || strcmp(NAMES[i].name, name))
            continue;
        value *v = new_value(m, LK__PICKLE_NAME);
        if (!v)
            return LK_E_FAILED;
        v->as.name = &NAMES[i];
        return push(m, v);
    }
    if (!strcmp(module, "torch") || !strncmp(module, "torch.", 6))
        return lk_fail(m->err, LK_E_INPUT,
                       "file '%s' needs %.100s.%.100s, of which nothing is known here: take a "
                       ".safetensors file of it in f16",
                       m->pickle->path, module, name);
    return lk_fail(m->err, LK_E_INPUT,
                   "file '%s' would run %.100s.%.100s when Python loads it: refused; take a "
                   ".safetensors file of it",
                   m->pickle->path, module, name);
}

/* A line of the pickle, without its end. */
static int take_line(struct machine *m, char out[256])
{
    const uint8_t *from = m->bytes + m->at;
    const uint8_t *end = memchr(from, '\n', m->size - m->at);
    if (!end || end - from > 255)
        return broken(m, "has a name without end");
    memcpy(out, from, (size_t)(end - from));
    out[end - from] = '\0';
    m->at += (size_t)(end - from) + 1;
    return 0;
}

static int global(struct machine *m)
{
    char module[256], name[256];
    int code = take_line(m, module);
    code = code ? code : take_line(m, name);
    return code ? code : push_name(m, module, name);
}

static int stack_global(struct machine *m)
{
    const value *name = pop(m), *module = name ? pop(m) : NULL;
    if (!module)
        return LK_E_INPUT;
    if (module->kind != LK__PICKLE_TEXT || name->kind != LK__PICKLE_TEXT)
        return broken(m, "names nothing");
    return push_name(m, module->as.text, name->as.text);
}

static const value *item(const value *list, size_t i, enum lk__pickle_kind kind)
{
    const value *v =
        list->kind == LK__PICKLE_SEQUENCE && i < list->as.items.count ? list->as.items.at[i] : NULL;
    return v && v->kind == kind ? v : NULL;
}

/* ("storage", class, key, device, count, …) */
static int persistent(struct machine *m)
{
    value *id = pop(m), *v = NULL;
    if (!id)
        return LK_E_INPUT;
    const value *type = item(id, 1, LK__PICKLE_NAME), *key = item(id, 2, LK__PICKLE_TEXT);
    const value *count = item(id, 4, LK__PICKLE_INTEGER);
    const enum meaning meaning = type ? type->as.name->meaning : HARMLESS;
    if (!type || !key || !count || count->as.integer < 0 ||
        (meaning != STORAGE && meaning != UNTYPED))
        return broken(m, "refers to something that is no storage");
    struct lk__pickle_storage *s = lk_arena_alloc(m->pickle->arena, 1, sizeof *s);
    if (!s || !(v = new_value(m, LK__PICKLE_STORAGE)))
        return no_memory(m);
    s->key = key->as.text;
    s->dtype = type->as.name->dtype;
    s->untyped = meaning == UNTYPED;
    s->unread = type->as.name->unread;
    s->count = (uint64_t)count->as.integer;
    s->next = m->pickle->storages;
    m->pickle->storages = s;
    v->as.storage = s;
    return push(m, v);
}

static int take_shape(struct machine *m,
                      const value *list,
                      int64_t out[LK_TENSOR_MAX_RANK],
                      int *rank)
{
    if (!list || list->as.items.count > LK_TENSOR_MAX_RANK)
        return broken(m, "has a tensor without a shape");
    *rank = (int)list->as.items.count;
    for (int i = 0; i < *rank; i++) {
        const value *side = item(list, (size_t)i, LK__PICKLE_INTEGER);
        if (!side || side->as.integer < 0)
            return broken(m, "has a tensor without a shape");
        out[i] = side->as.integer;
    }
    return 0;
}

static int make_tensor(struct machine *m, const value *arguments, enum meaning meaning)
{
    const value *storage = item(arguments, 0, LK__PICKLE_STORAGE);
    const value *first = item(arguments, 1, LK__PICKLE_INTEGER);
    const value *type = item(arguments, 6, LK__PICKLE_NAME);
    if (!storage || !first || first->as.integer < 0 ||
        (storage->as.storage->untyped && (!type || type->as.name->meaning != TYPE)))
        return broken(m, "has a tensor without a storage");
    value *v = new_value(m, LK__PICKLE_TENSOR);
    if (!v)
        return LK_E_FAILED;
    int strides = 0;
    v->as.tensor.storage = storage->as.storage;
    const bool own_type = meaning == TENSOR_V3 && type;
    v->as.tensor.dtype = own_type ? type->as.name->dtype : storage->as.storage->dtype;
    v->as.tensor.unread = own_type ? type->as.name->unread : storage->as.storage->unread;
    v->as.tensor.first = (uint64_t)first->as.integer;
    int code = take_shape(m, item(arguments, 2, LK__PICKLE_SEQUENCE), v->as.tensor.shape,
                          &v->as.tensor.rank);
    code = code ? code
                : take_shape(m, item(arguments, 3, LK__PICKLE_SEQUENCE), v->as.tensor.stride,
                             &strides);
    if (!code && strides != v->as.tensor.rank)
        code = broken(m, "has a tensor without a shape");
    return code ? code : push(m, v);
}

/* What the function would give; it is not called. */
static int apply(struct machine *m, const value *function, value *arguments)
{
    const enum meaning meaning =
        function->kind == LK__PICKLE_NAME ? function->as.name->meaning : HARMLESS;
    switch (meaning) {
    case DICT:
        return push_kind(m, LK__PICKLE_DICT);
    case TENSOR_V2:
    case TENSOR_V3:
        return make_tensor(m, arguments, meaning);
    case PARAMETER: {
        const value *tensor = item(arguments, 0, LK__PICKLE_TENSOR);
        return tensor ? push(m, arguments->as.items.at[0]) : broken(m, "has an empty parameter");
    }
    case TYPED: {
        const value *inner = item(arguments, 0, LK__PICKLE_NAME);
        const value *tuple = item(arguments, 2, LK__PICKLE_SEQUENCE);
        if (!inner || !tuple ||
            (inner->as.name->meaning != TENSOR_V2 && inner->as.name->meaning != TENSOR_V3))
            return broken(m, "has a tensor without a storage");
        return make_tensor(m, tuple, inner->as.name->meaning);
    }
    default:
        return push_kind(m, LK__PICKLE_OTHER);
    }
}

static int reduce(struct machine *m)
{
    value *arguments = pop(m);
    const value *function = arguments ? pop(m) : NULL;
    return function ? apply(m, function, arguments) : LK_E_INPUT;
}

/* The state of what is below: harmless, for nothing is built. */
static int drop(struct machine *m)
{
    return pop(m) ? 0 : LK_E_INPUT;
}

static int pop_any(struct machine *m)
{
    if (!m->depth)
        return broken(m, "takes from an empty stack");
    m->depth--;
    return 0;
}

static int remember(struct machine *m, uint64_t place)
{
    if (!m->depth)
        return broken(m, "remembers nothing");
    if (place >= MEMO_MAX || place > m->at) /* places are counted: none is beyond what was read */
        return broken(m, "remembers at a place that it cannot have reached");
    int code = grow(m, &m->memo, &m->memo_room, (size_t)place + 1, MEMO_MAX);
    if (code)
        return code;
    m->memo[place] = m->stack[m->depth - 1];
    m->memo_count++;
    return 0;
}

static int recall(struct machine *m, uint64_t place)
{
    if (place >= m->memo_room || !m->memo[place])
        return broken(m, "recalls what it did not remember");
    return push(m, m->memo[place]);
}

static int skip(struct machine *m, size_t n)
{
    return take(m, n) ? 0 : LK_E_INPUT;
}

/* An integer of n bytes, the last with the sign; longer ones than 64 bits are no sizes. */
static int push_long(struct machine *m, size_t n)
{
    uint64_t number = 0;
    if (n > LONG_MAX_BYTES)
        return skip(m, n) ? LK_E_INPUT : push_kind(m, LK__PICKLE_OTHER);
    int code = take_number(m, n, &number);
    if (!code && n && n < LONG_MAX_BYTES && number >> (8 * n - 1))
        number |= UINT64_MAX << (8 * n);
    return code ? code : push_integer(m, (int64_t)number);
}

static int above_mark(struct machine *m, int (*use)(struct machine *m, size_t from))
{
    const size_t from = find_mark(m);
    return from ? use(m, from) : LK_E_INPUT;
}

/* The container itself, of the values above the mark. */
static int make_of_mark(struct machine *m, size_t from, enum lk__pickle_kind kind)
{
    const size_t n = m->depth - from;
    value *v = new_value(m, kind);
    if (!v)
        return LK_E_FAILED;
    if (kind == LK__PICKLE_DICT && n % 2)
        return broken(m, "has a key without a value");
    m->depth = from - 1;
    int code = append(m, v, m->stack + from, n);
    return code ? code : push(m, v);
}

static int tuple_of(struct machine *m, size_t from)
{
    return make_of_mark(m, from, LK__PICKLE_SEQUENCE);
}

static int dict_of(struct machine *m, size_t from)
{
    return make_of_mark(m, from, LK__PICKLE_DICT);
}

/* Protocol 0 writes numbers and texts as lines. */
static int text_opcode(struct machine *m, uint8_t opcode)
{
    char line[256];
    int code = take_line(m, line);
    if (code)
        return code;
    const long long number = strtoll(line, NULL, 10);
    switch (opcode) {
    case 'p':
        return remember(m, number < 0 ? UINT64_MAX : (uint64_t)number);
    case 'g':
        return recall(m, number < 0 ? UINT64_MAX : (uint64_t)number);
    case 'I':
    case 'L':
        return push_integer(m, number);
    default: /* S, V, F: no key that tensors have, but what stands before a function's name */
        return push_kind(m, LK__PICKLE_OTHER);
    }
}

static int append_all(struct machine *m, size_t from)
{
    return add_items(m, from, LK__PICKLE_SEQUENCE);
}

static int set_all(struct machine *m, size_t from)
{
    return add_items(m, from, LK__PICKLE_DICT);
}

static int forget(struct machine *m, size_t from)
{
    m->depth = from - 1;
    return 0;
}

static int step(struct machine *m, uint8_t opcode)
{
    uint64_t n = 0;
    int code = 0;
    switch (opcode) {
    case 0x80: /* PROTO */
        return skip(m, 1);
    case 0x95: /* FRAME */
        return skip(m, 8);
    case '(':
        return push_kind(m, LK__PICKLE_MARK);
    case '}':
        return push_kind(m, LK__PICKLE_DICT);
    case ']':
    case ')':
        return push_kind(m, LK__PICKLE_SEQUENCE);
    case 0x8f: /* EMPTY_SET */
    case 'N':
        return push_kind(m, LK__PICKLE_OTHER);
    case 'G': /* BINFLOAT */
        code = skip(m, 8);
        return code ? code : push_kind(m, LK__PICKLE_OTHER);
    case 0x88: /* NEWTRUE */
        return push_integer(m, 1);
    case 0x89: /* NEWFALSE */
        return push_integer(m, 0);
    case 'K': /* BININT1, BININT2, BININT */
        code = take_number(m, 1, &n);
        return code ? code : push_integer(m, (int64_t)n);
    case 'M':
        code = take_number(m, 2, &n);
        return code ? code : push_integer(m, (int64_t)n);
    case 'J':
        return push_long(m, 4);
    case 0x8a: /* LONG1 */
        code = take_number(m, 1, &n);
        return code ? code : push_long(m, n);
    case 'U':  /* SHORT_BINSTRING */
    case 'C':  /* SHORT_BINBYTES */
    case 0x8c: /* SHORT_BINUNICODE */
        code = take_number(m, 1, &n);
        return code ? code : push_text(m, n);
    case 'T': /* BINSTRING */
    case 'B': /* BINBYTES */
    case 'X': /* BINUNICODE */
        code = take_number(m, 4, &n);
        return code ? code : push_text(m, n);
    case 't':
    case 'l':
        return above_mark(m, tuple_of);
    case 'd':
        return above_mark(m, dict_of);
    case 'p':
    case 'g':
    case 'I':
    case 'L':
    case 'F':
    case 'S':
    case 'V':
        return text_opcode(m, opcode);
    case 0x85: /* TUPLE1, TUPLE2, TUPLE3 */
    case 0x86:
    case 0x87:
        return make_tuple(m, opcode - 0x84u);
    case 'a':
        return add_top(m, 1, LK__PICKLE_SEQUENCE);
    case 'e':
    case 0x90: /* ADDITEMS */
        return above_mark(m, append_all);
    case 's':
        return add_top(m, 2, LK__PICKLE_DICT);
    case 'u':
        return above_mark(m, set_all);
    case 'q': /* BINPUT, LONG_BINPUT, MEMOIZE */
        code = take_number(m, 1, &n);
        return code ? code : remember(m, n);
    case 'r':
        code = take_number(m, 4, &n);
        return code ? code : remember(m, n);
    case 0x94:
        return remember(m, m->memo_count);
    case 'h': /* BINGET, LONG_BINGET */
        code = take_number(m, 1, &n);
        return code ? code : recall(m, n);
    case 'j':
        code = take_number(m, 4, &n);
        return code ? code : recall(m, n);
    case 'c':
    case 'i': /* INST: would also call it */
        return global(m);
    case 0x93:
        return stack_global(m);
    case 'Q':
        return persistent(m);
    case 'R':
    case 0x81: /* NEWOBJ */
        return reduce(m);
    case 'b':
        return drop(m);
    case '0':
        return pop_any(m);
    case '1':
        return above_mark(m, forget);
    default:
        m->at--;
        return broken(m, "has an opcode that no file of tensors needs");
    }
}

int lk__pickle_run(struct lk__pickle *pickle,
                   const uint8_t *bytes,
                   size_t size,
                   size_t *at,
                   const struct lk__pickle_value **out,
                   struct lk_error *err)
{
    struct machine m = {.pickle = pickle, .bytes = bytes, .size = size, .at = *at, .err = err};
    const value *last = NULL;
    const uint8_t *opcode;
    int code = 0;
    while (!code && (opcode = take(&m, 1)) && *opcode != '.')
        code = step(&m, *opcode);
    if (!code && opcode)
        last = pop(&m);
    free(m.stack);
    free(m.memo);
    if (!last)
        return code ? code : LK_E_INPUT;
    *at = m.at;
    *out = last;
    return 0;
}

// SPDX-License-Identifier: Apache-2.0
#include "runtime/contract.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"

bool lk_port_fits(const struct lk_port *port, int rank, const int64_t *shape)
{
    if (port->rank != rank)
        return false;
    for (int i = 0; i < rank; i++) {
        if (shape[i] >= 0 && port->shape[i] >= 0 && port->shape[i] != shape[i])
            return false;
    }
    return true;
}

const struct lk_port *lk_port_named(const struct lk_port *ports, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(ports[i].name, name) == 0)
            return &ports[i];
    }
    return NULL;
}

/* Text that is cut where the room ends. */
struct text {
    char *at;
    size_t left;
};

static void put(struct text *text, const char *format, ...) LK_PRINTF(2, 3);
static void put(struct text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text->at, text->left, format, args);
    va_end(args);
    if (length > 0) {
        size_t moved = (size_t)length < text->left ? (size_t)length : text->left - 1;
        text->at += moved;
        text->left -= moved;
    }
}

/* "a [1,3,?,?], b [1,512]"; many ports are counted instead of listed. */
static void put_ports(struct text *text, const struct lk_port *ports, size_t count)
{
    enum { LISTED = 3 };
    for (size_t i = 0; i < count && i < LISTED; i++) {
        put(text, "%s%.24s [", i ? ", " : "", ports[i].name);
        for (int k = 0; k < ports[i].rank; k++) {
            if (ports[i].shape[k] < 0)
                put(text, "%s?", k ? "," : "");
            else
                put(text, "%s%" PRId64, k ? "," : "", ports[i].shape[k]);
        }
        put(text, "]");
    }
    if (count > LISTED)
        put(text, " … %zu in all", count);
}

int lk_contract_fail(const struct lk_contract *contract,
                     const lk_session *session,
                     struct lk_error *err)
{
    char found[240] = "";
    struct text text = {found, sizeof found};
    const struct lk_port *ports;
    size_t count = lk_session_inputs(session, &ports);
    put(&text, "inputs ");
    put_ports(&text, ports, count);
    count = lk_session_outputs(session, &ports);
    put(&text, "; outputs ");
    put_ports(&text, ports, count);
    return lk_fail(err, LK_E_INPUT, "'%s' is no %s of family %s: that has %s; this file has %s",
                   contract->path, contract->role, contract->family, contract->expects, found);
}

size_t lk_array_count(const struct lk_array *array)
{
    size_t count = 1;
    for (int i = 0; i < array->rank; i++) {
        if (array->shape[i] <= 0 || !lk_size_mul(count, (size_t)array->shape[i], &count))
            return 0;
    }
    return count;
}

int lk_contract_finite(const struct lk_contract *contract,
                       const struct lk_array *array,
                       struct lk_error *err)
{
    const float *values = array->data;
    size_t count = lk_array_count(array);
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(values[i]))
            return lk_fail(err, LK_E_INPUT,
                           "the %s '%s' answers with NaN or infinity: its weights are damaged, get "
                           "the file again",
                           contract->role, contract->path);
    }
    return 0;
}

void lk_arrays_free(struct lk_array *arrays, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(arrays[i].data);
        arrays[i].data = NULL;
    }
}

// SPDX-License-Identifier: Apache-2.0
/* Contracts: does the network in a file offer what its role needs?
 *
 * Users hand in files by hand, and mix them up. A stage checks the ports right after opening and
 * says in one sentence which file it was, which role it was to play, what that role expects and
 * what was found. */
#ifndef LK_RUNTIME_CONTRACT_H
#define LK_RUNTIME_CONTRACT_H

#include <stdbool.h>

#include "runtime/session.h"

/* What is being opened, for sentences. */
struct lk_contract {
    const char *path;    /* the file */
    const char *role;    /* "detector" */
    const char *family;  /* "scrfd" */
    const char *expects; /* "input [1,3,H,W], 9 outputs …" */
};

/* shape[rank]: −1 takes any size; a dimension that the network leaves free fits every size. */
bool lk_port_fits(const struct lk_port *port, int rank, const int64_t *shape);

/* The port of that name, or NULL. */
const struct lk_port *lk_port_named(const struct lk_port *ports, size_t count, const char *name);

/* LK_E_INPUT with the sentence above. */
int lk_contract_fail(const struct lk_contract *contract,
                     const lk_session *session,
                     struct lk_error *err);

/* 0 when every number of the array is finite, else LK_E_INPUT with a sentence that names the
 * file: broken weights answer with NaN. array: f32. */
int lk_contract_finite(const struct lk_contract *contract,
                       const struct lk_array *array,
                       struct lk_error *err);

/* Elements of the array; 0 when a dimension is not positive. */
size_t lk_array_count(const struct lk_array *array);

/* Frees data of all arrays and sets them to NULL. */
void lk_arrays_free(struct lk_array *arrays, size_t count);

#endif

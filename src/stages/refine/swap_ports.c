// SPDX-License-Identifier: Apache-2.0
/* What the families of swappers have in common: their ports, and unit vectors. */
#include <math.h>

#include "stages/refine/swap_family.h"

enum { MAX_SIDE = 1024 };

double lk__swap_normalise(float *vector)
{
    double square = 0;
    for (int i = 0; i < LK__SWAP_VECTOR; i++)
        square += (double)vector[i] * vector[i];
    if (!(square > 1e-24) || !isfinite(square))
        return 0;
    const double length = sqrt(square);
    for (int i = 0; i < LK__SWAP_VECTOR; i++)
        vector[i] = (float)(vector[i] / length);
    return length;
}

int lk__swap_unit_source(const struct lk_contract *contract,
                         const struct lk__swap_ports *ports,
                         float *vector,
                         struct lk_error *err)
{
    (void)ports;
    if (lk__swap_normalise(vector) > 0)
        return 0;
    return lk_fail(err, LK_E_INPUT,
                   "the identity that swapper '%s' is given is zero or NaN: make the identity "
                   "again, or get its converter again",
                   contract->path);
}

static bool fits_source(const struct lk__swap_family *family, const struct lk_port *port)
{
    const int64_t side = family->source_side;
    return side ? lk_port_fits(port, 4, (const int64_t[]){1, 3, side, side})
                : lk_port_fits(port, 2, (const int64_t[]){1, LK__SWAP_VECTOR});
}

/* Inputs by their names, or by their shapes when an export has renamed them. */
static bool find_inputs(const struct lk__swap_family *family,
                        const lk_session *session,
                        const struct lk_port **target,
                        const struct lk_port **source)
{
    const struct lk_port *in;
    if (lk_session_inputs(session, &in) != 2)
        return false;
    *target = lk_port_named(in, 2, "target");
    *source = lk_port_named(in, 2, "source");
    if (!*target || !*source) {
        const int first = fits_source(family, &in[0]);
        if (first && fits_source(family, &in[1]))
            return false;
        *source = &in[first ? 0 : 1];
        *target = &in[first ? 1 : 0];
    }
    return fits_source(family, *source);
}

/* The answer's port: the first that is a picture of that side; some exports answer a mask too. */
static const struct lk_port *find_output(const lk_session *session, int64_t side)
{
    const struct lk_port *out;
    size_t n = lk_session_outputs(session, &out);
    for (size_t i = 0; i < n; i++)
        if (lk_port_fits(&out[i], 4, (const int64_t[]){1, 3, side, side}))
            return &out[i];
    return NULL;
}

int lk__swap_find_ports(const struct lk__swap_family *family,
                        const struct lk_contract *contract,
                        const lk_session *session,
                        struct lk__swap_ports *ports,
                        struct lk_error *err)
{
    const struct lk_port *target, *source, *out;
    if (!find_inputs(family, session, &target, &source) || target->rank != 4)
        return lk_contract_fail(contract, session, err);
    int64_t side = target->shape[2] > 0 ? target->shape[2] : family->side;
    out = find_output(session, side);
    if (side > MAX_SIDE || !lk_port_fits(target, 4, (const int64_t[]){1, 3, side, side}) || !out)
        return lk_contract_fail(contract, session, err);
    ports->target = target->name;
    ports->source = source->name;
    ports->output = out->name;
    ports->side = (int)side;
    ports->source_side = family->source_side;
    return 0;
}

// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a file with C2PA boxes: a state, with texts within their room. The boxes themselves
 * are read by the library of LIKENESS_C2PA, which is not instrumented: what counts here is how its
 * answers, which quote the file, are read, and that it does not take the program down. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "stages/mark/c2pa.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check_room(const char *text, size_t room)
{
    if (!memchr(text, 0, room))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static lk_c2pa *c2pa;
    struct lk_error err;
    struct lk_c2pa_found found;
    if (!c2pa && lk_c2pa_open(NULL, &c2pa, &err)) {
        fprintf(stderr, "fuzz_c2pa: %s\n", err.message);
        exit(1);
    }
    lk_c2pa_read(c2pa, bytes, size, &found);
    check_room(found.why, sizeof found.why);
    check_room(found.generator, sizeof found.generator);
    check_room(found.title, sizeof found.title);
    check_room(found.issuer, sizeof found.issuer);
    check_room(found.signer, sizeof found.signer);
    check_room(found.time, sizeof found.time);
    if (found.n_sources > LK_C2PA_SOURCES || found.n_codes > LK_C2PA_CODES ||
        !lk_c2pa_state_name(found.state))
        abort();
    return 0;
}

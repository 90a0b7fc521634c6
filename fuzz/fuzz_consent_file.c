// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a consent file, and as the body of a record, which no signature protects here: one
 * error, or a record that is written and read again as it was. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cast/consent_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check_file(const uint8_t *bytes, size_t size)
{
    struct lk_error err = {0};
    struct lk__consent_record *records = NULL;
    size_t n = 0;
    int rc = lk__consent_file_read((const char *)bytes, size, "fuzz", &records, &n, &err);
    if (rc ? records || !err.message[0] : !n)
        abort();
    lk__consent_file_free(records, n);
}

static void check_body(const char *body)
{
    struct lk_error err = {0};
    struct lk_consent read, again;
    char *written;
    int rc = lk__consent_read(body, &read, &err);
    if (rc) {
        if (!err.message[0])
            abort();
        return;
    }
    if (*read.source || lk__consent_write(&read, NULL, &written, &err))
        return;
    if (lk__consent_read(written, &again, &err) || memcmp(&read, &again, sizeof read) != 0)
        abort();
    free(written);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *body = malloc(size + 1);
    if (!body)
        return 0;
    memcpy(body, bytes, size);
    body[size] = 0;
    check_file(bytes, size);
    check_body(body);
    free(body);
    return 0;
}

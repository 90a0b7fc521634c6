// SPDX-License-Identifier: Apache-2.0
/* Any bytes as an XMP packet, and as what our own packet says: texts within their room, and what is
 * written is read again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "stages/mark/xmp.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check_room(const char *text, size_t room)
{
    if (!memchr(text, 0, room))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct lk_xmp_found found;
    char *text = malloc(size + 1), *packet = NULL;
    if (!text)
        return 0;
    memcpy(text, bytes, size);
    text[size] = 0;
    lk_xmp_read(text, size, &found);
    check_room(found.source_uri, sizeof found.source_uri);
    check_room(found.creator, sizeof found.creator);
    check_room(found.aigc, sizeof found.aigc);
    const struct lk_xmp own = {.source = LK_SOURCE_COMPOSITE, .version = "1", .prompt = text};
    if (!lk_xmp_write(&own, &packet, NULL)) {
        lk_xmp_read(packet, strlen(packet), &found);
        if (found.source != LK_SOURCE_COMPOSITE || strlen(packet) > 64000)
            abort();
    }
    free(packet);
    free(text);
    return 0;
}

// SPDX-License-Identifier: Apache-2.0
/* Memory as the library's stream. Offsets come from the bytes of strangers, by way of the library:
 * each is checked. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "stages/mark/c2pa/internal.h"

enum { FROM_START, FROM_HERE, FROM_END };

static intptr_t fail(int reason)
{
    errno = reason;
    return -1;
}

static intptr_t read_memory(void *context, uint8_t *data, intptr_t size)
{
    struct lk__c2pa_memory *memory = context;
    if (size < 0)
        return fail(EINVAL);
    size_t left = memory->at < memory->size ? memory->size - memory->at : 0;
    size_t n = (size_t)size < left ? (size_t)size : left;
    if (n)
        memcpy(data, memory->bytes + memory->at, n);
    memory->at += n;
    return (intptr_t)n;
}

static intptr_t seek_memory(void *context, intptr_t offset, int whence)
{
    struct lk__c2pa_memory *memory = context;
    const size_t bases[] = {[FROM_START] = 0, [FROM_HERE] = memory->at, [FROM_END] = memory->size};
    intptr_t to;
    if (whence < 0 || (size_t)whence >= LK_ARRAY_LENGTH(bases) ||
        __builtin_add_overflow((intptr_t)bases[whence], offset, &to) || to < 0)
        return fail(EINVAL);
    memory->at = (size_t)to;
    return to;
}

static int make_room(struct lk__c2pa_memory *memory, size_t need)
{
    size_t room = memory->room ? memory->room : 65536;
    if (need > memory->limit)
        return (int)fail(EFBIG);
    while (room < need)
        room *= 2;
    if (room == memory->room)
        return 0;
    uint8_t *owned = realloc(memory->owned, room);
    if (!owned)
        return (int)fail(ENOMEM);
    memory->bytes = memory->owned = owned;
    memory->room = room;
    return 0;
}

static intptr_t write_memory(void *context, const uint8_t *data, intptr_t size)
{
    struct lk__c2pa_memory *memory = context;
    size_t end;
    if (size < 0 || !lk_size_add(memory->at, (size_t)size, &end))
        return fail(EINVAL);
    if (make_room(memory, end))
        return -1;
    if (memory->at > memory->size)
        memset(memory->owned + memory->size, 0, memory->at - memory->size);
    if (size)
        memcpy(memory->owned + memory->at, data, (size_t)size);
    memory->at = end;
    if (end > memory->size)
        memory->size = end;
    return size;
}

static intptr_t flush_memory(void *context)
{
    (void)context;
    return 0;
}

lk__c2pa_stream *lk__c2pa_stream_of(const struct lk__c2pa_api *api, struct lk__c2pa_memory *memory)
{
    return api->stream_new(memory, read_memory, seek_memory, write_memory, flush_memory);
}

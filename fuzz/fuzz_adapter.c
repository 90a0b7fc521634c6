// SPDX-License-Identifier: Apache-2.0
/* Any bytes as an IP-Adapter and as an image encoder: one error, or a network that can be written
 * down. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "stages/diffuse/adapter/graphs.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static char path[] = "/tmp/fuzz-adapter-XXXXXX";

static void remove_file(void)
{
    unlink(path);
}

static void write_file(const uint8_t *bytes, size_t size)
{
    static int file = -1;
    if (file < 0) {
        file = mkstemp(path);
        atexit(remove_file);
    }
    if (ftruncate(file, (off_t)size) || pwrite(file, bytes, size, 0) != (ssize_t)size)
        abort();
}

static void check(int rc, const struct lk_error *err)
{
    if (rc && !err->message[0])
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct lk_error err = {0};
    lk_adapter *adapter = NULL;
    lk_vision_file *vision = NULL;
    lk_graph *graph = NULL;
    write_file(bytes, size);
    int rc = lk_adapter_open(path, &adapter, &err);
    rc = rc ? rc : lk__adapter_graph(adapter, &graph, &err);
    check(rc, &err);
    lk_graph_free(graph);
    lk_adapter_free(adapter);
    graph = NULL;
    err = (struct lk_error){0};
    rc = lk_vision_file_open(path, &vision, &err);
    rc = rc ? rc : lk__vision_graph(vision, &graph, &err);
    check(rc, &err);
    lk_graph_free(graph);
    lk_vision_file_free(vision);
    return 0;
}

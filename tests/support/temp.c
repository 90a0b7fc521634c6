// SPDX-License-Identifier: Apache-2.0
#include "support/temp.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ftw.h>

static void must(int holds, const char *what)
{
    if (!holds) {
        perror(what);
        abort();
    }
}

char *test_format(const char *format, ...)
{
    char *text = NULL;
    va_list list;
    va_start(list, format);
    must(vasprintf(&text, format, list) >= 0, "test_format");
    va_end(list);
    return text;
}

char *test_temp_dir(void)
{
    const char *root = getenv("TMPDIR");
    char *path = test_format("%s/likeness-test-XXXXXX", root ? root : "/tmp");
    must(mkdtemp(path) != NULL, path);
    return path;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info, (void)kind, (void)walk;
    return remove(path);
}

void test_temp_remove(char *folder)
{
    must(nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS) == 0, folder);
    free(folder);
}

void test_make_dir(const char *path)
{
    must(mkdir(path, 0777) == 0, path);
}

void test_write_file(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    must(file != NULL, path);
    must(size == 0 || fwrite(bytes, size, 1, file) == 1, path);
    must(fclose(file) == 0, path);
}

void test_write_text(const char *path, const char *text)
{
    test_write_file(path, text, strlen(text));
}

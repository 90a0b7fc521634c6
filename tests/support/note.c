// SPDX-License-Identifier: Apache-2.0
#include "support/note.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void test_note(const char *name, double value)
{
    const char *path = getenv("LIKENESS_PARITY_NOTES");
    FILE *file = path && isfinite(value) ? fopen(path, "a") : NULL;
    if (file) {
        fprintf(file, "%s\t%g\n", name, value);
        fclose(file);
    }
}

// SPDX-License-Identifier: Apache-2.0
/* `likeness doctor`: what is installed, which devices work, which models are there. */
#include <stdio.h>

#include "catalog/catalog.h"
#include "cli.h"
#include "pipeline/engine.h"

static void print_models(const lk_catalog *catalog)
{
    int missing[LK_ROLE_COUNT] = {0}, found[LK_ROLE_COUNT] = {0};
    for (size_t i = 0; i < lk_catalog_count(catalog); i++) {
        const struct lk_model_entry *entry = lk_catalog_at(catalog, i);
        *(entry->path ? &found[entry->role] : &missing[entry->role]) += 1;
    }
    for (int role = 0; role < LK_ROLE_COUNT; role++)
        printf("%-13s %d here, %d known and not here\n", lk_role_name((enum lk_role)role),
               found[role], missing[role]);
}

/* Optional, so that it is said and not checked. */
static void print_c2pa(void)
{
    struct lk_error err;
    lk_c2pa *c2pa = NULL;
    if (lk_c2pa_open(NULL, &c2pa, &err))
        printf("C2PA          %s\n", err.message);
    else
        printf("C2PA          %s\n", lk_c2pa_version(c2pa));
    lk_c2pa_free(c2pa);
}

/* Every starter model must be there for the main job. */
static int check_starter(lk_catalog *catalog, struct lk_error *err)
{
    static const enum lk_role roles[] = {LK_ROLE_CHECKPOINT, LK_ROLE_DETECTOR, LK_ROLE_EMBEDDER,
                                         LK_ROLE_SWAPPER, LK_ROLE_UPSCALER};
    const struct lk_model_entry *entry;
    int rc = 0;
    for (size_t i = 0; i < sizeof roles / sizeof *roles && !rc; i++)
        rc = lk_catalog_find(catalog, roles[i], NULL, &entry, err);
    return rc;
}

/* Devices that do not work here, and why. */
static void print_absent(const lk_runtime *runtime)
{
    const struct lk_absent *absent;
    const size_t n = lk_runtime_absent(runtime, &absent);
    for (size_t i = 0; i < n; i++)
        printf("%-13s not here: %s\n", absent[i].kind, absent[i].why);
}

int cmd_doctor(struct cli *cli, struct lk_error *err)
{
    lk_engine *engine;
    printf("likeness      %s\n", lk_version());
    int rc = lk_engine_open(&cli->with.engine, &engine, err);
    if (rc)
        return rc;
    const char *kernels = lk_runtime_kernels(engine->runtime);
    printf("ONNX Runtime  %s\nkernels       %s\ndevices      ", lk_runtime_version(engine->runtime),
           kernels ? kernels : "reference");
    for (const char *const *device = lk_runtime_devices(engine->runtime); *device; device++)
        printf(" %s", *device);
    putchar('\n');
    print_absent(engine->runtime);
    printf("folders      ");
    for (const char *const *folder = lk_catalog_folders(engine->catalog); *folder; folder++)
        printf(" %s", *folder);
    putchar('\n');
    print_c2pa();
    print_models(engine->catalog);
    rc = check_starter(engine->catalog, err);
    if (!rc)
        puts("all is well: the main job can run");
    lk_engine_free(engine);
    return rc;
}

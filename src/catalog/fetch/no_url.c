// SPDX-License-Identifier: Apache-2.0
/* In place of url.c where likeness is built without curl. */
#include "catalog/fetch/download.h"

int lk__fetch_url(
    lk__download *download, const char *url, const char *file, bool plain, struct lk_error *err)
{
    (void)download, (void)url, (void)file, (void)plain;
    return lk_fail(err, LK_E_FAILED,
                   "this likeness is built without curl and fetches no URL: get the file, and give "
                   "its folder with --from");
}

// SPDX-License-Identifier: Apache-2.0
/* The sha256 of a model, computed in a thread of its own, because gigabytes take seconds in which
 * the drawing can begin; and, where a folder for that is given, kept there for the next process:
 *
 *   FOLDER/HASH.sha256     "STAMP DIGEST\n": of the file whose path has that hash, as long as it
 *                          has that stamp (base/file.h); believed when only its owner
 *                          can have written it
 *
 * That of small files, and of folders of files, is computed anew in every process. */
#ifndef LK_CATALOG_HASHING_H
#define LK_CATALOG_HASHING_H

#include "base/hash.h"

typedef struct lk_hashing lk_hashing;

/* name: for messages. stamp: of the file as it is used, NULL: not known; what lies at the path must
 * be that. folder: NULL, or where hashes are kept. All are copied. */
int lk_hashing_begin(const char *name,
                     const char *path,
                     const char *stamp,
                     const char *folder,
                     lk_hashing **out,
                     struct lk_error *err);
/* Waits for it; may be asked again. Not from several threads. LK_E_FAILED when the file was
 * replaced or written again meanwhile: nobody knows whose hash it would be. */
int lk_hashing_end(lk_hashing *hashing, struct lk_sha256 *out, struct lk_error *err);
void lk_hashing_free(lk_hashing *hashing); /* stops it; NULL is fine */

#endif

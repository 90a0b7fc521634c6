// SPDX-License-Identifier: Apache-2.0
/* What the tests of the cast share: faces that no network has seen, and an embedder without one. */
#ifndef LK_TESTS_CAST_FACES_H
#define LK_TESTS_CAST_FACES_H

#include "cast/cast.h"

/* Sha256 of embedders that there are not. */
extern const char FIRST_EMBEDDER[65], OTHER_EMBEDDER[65];

/* Photo `n` of person `who` for the first embedder: photos of one person have cosine ≥ 0.9, of two
 * people ≤ 0.3. Its crop shows who it is. Free with free_photo. */
struct lk_cast_photo make_photo(int who, int n);
void free_photo(struct lk_cast_photo *photo);

/* Sees in a crop of make_photo who it is; counts how often it was asked in *asked. */
struct lk_cast_embedder make_embedder(const char *sha256, int *asked);

/* A cast opened for writing, or the end of the test. */
lk_cast *open_cast(const char *path, const char *passphrase);
/* Adds photos first … first + n − 1 of a person. */
int add_person(lk_cast *cast, const char *name, int who, int first, int n, struct lk_error *err);

/* Whether the bytes stand anywhere in the file. */
bool file_holds(const char *path, const void *bytes, size_t n);

#endif

// SPDX-License-Identifier: Apache-2.0
/* What the tests of the face stages share: one runtime, golden numbers, test pictures, tiny
 * networks. Every call ends the test on failure. */
#ifndef TESTS_STAGES_FACE_SUPPORT_H
#define TESTS_STAGES_FACE_SUPPORT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "data/face.h"
#include "data/identity.h"
#include "data/picture.h"
#include "runtime/session.h"
#include "stages/find/find.h"

/* Opened at the first call, on one thread, for the whole program. */
lk_runtime *test_runtime(void);

/* The real SCRFD of the shared data; as the runtime. */
const lk_detector *test_scrfd(void);
/* The faces that it finds in a picture, malloc'd; the default threshold, no landmarker. */
size_t scrfd_find(const struct lk_picture *picture,
                  enum lk_find_effort effort,
                  struct lk_face **faces);

/* The path of a file of tests/golden; valid until the next call. */
const char *golden_path(const char *name);

/* A file of tests/golden, open for reading; its first line (a comment) is skipped. */
FILE *golden_open(const char *name);

/* The photo `name` of the shared data. */
struct lk_picture *photo_read(const char *name);

/* The pictures of tools/golden/face.py: its noise() u8, its smooth() f32. */
struct lk_picture *picture_noise(int width, int height);
struct lk_picture *picture_smooth(int width, int height);
/* That of tools/golden/refine.py: waves() f32. */
struct lk_picture *picture_waves(int width, int height, double phase);

/* Puts a ModelProto around a bare GraphProto of tests/golden and writes it to the scratch folder as
 * `name`. emap_name: adds inswapper's matrix (face.py's emap()) under that name; NULL: none.
 * broken: the bias 0.123456 that marks such networks becomes NaN. Returns the path. */
const char *network_write(const char *graph, const char *name, const char *emap_name, int broken);

/* Path of tests/golden/refine/NAME.onnx; good until the next call. */
const char *golden_network(const char *name);

/* face.py's identity(), of no embedder in particular. */
struct lk_identity identity_512(void);

/* Compares sampled values "value INDEX NUMBER" up to the next line of another kind, which is left
 * unread; returns how many there were. */
int golden_compare(FILE *file, const float *values, size_t count, double tolerance);
/* What the last golden_compare found: the largest difference. */
double golden_worst(void);

/* A measurement for docs/face-parity.md, see test_note: of a family in its role ("detector"),
 * measure: a column of tools/parity/faces. */
void face_note(const char *role, const char *family, const char *measure, double value);

#endif

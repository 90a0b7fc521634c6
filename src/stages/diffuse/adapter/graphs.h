// SPDX-License-Identifier: Apache-2.0
/* The networks of an image prompt, as graphs over their files' own weights, which must outlive the
 * sessions made of them. */
#ifndef LK_STAGES_DIFFUSE_ADAPTER_GRAPHS_H
#define LK_STAGES_DIFFUSE_ADAPTER_GRAPHS_H

#include "catalog/adapter.h"
#include "catalog/vision.h"
#include "runtime/graph.h"

/* in: pixels [1,3,side,side]; out: vector [1,1,projection], states [1,tokens,width]. vision.c */
int lk__vision_graph(const lk_vision_file *file, lk_graph **out, struct lk_error *err);

/* in: seen [1,S,reads], S = 1 of a vector or face; of a FaceID Plus also states [1,S,sees]; out:
 * token [1,T,context], and of all layers, one behind the other, k and v [1,T,Σ width]. project.c */
int lk__adapter_graph(const lk_adapter *adapter, lk_graph **out, struct lk_error *err);

#endif

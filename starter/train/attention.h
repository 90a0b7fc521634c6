// SPDX-License-Identifier: Apache-2.0
/* Attention with narrow heads: softmax(q kᵀ) v and its gradients. Tensors are float, contiguous,
 * [heads][rows][width], width 8 or 16; q [n rows] is scaled already, k and v have m rows. level
 * [heads][n] holds the logarithm of Σ exp of the scores, within [heads][n] Σ o·go of each query.
 */
void attend(long heads,
            int n,
            int m,
            int width,
            const float *q,
            const float *k,
            const float *v,
            float *o,
            float *level);
void attend_back(long heads,
                 int n,
                 int m,
                 int width,
                 const float *q,
                 const float *k,
                 const float *v,
                 const float *level,
                 const float *within,
                 const float *go,
                 float *gq,
                 float *gk,
                 float *gv);

#ifdef __AMX_BF16__
/* The same on tiles: products in bfloat16. Whether the system lets this process have them, and rows
 * this many fit. */
int tiles_fit(int n, int m);
void attend_tiles(long heads,
                  int n,
                  int m,
                  int width,
                  const float *q,
                  const float *k,
                  const float *v,
                  float *o,
                  float *level);
void attend_tiles_back(long heads,
                       int n,
                       int m,
                       int width,
                       const float *q,
                       const float *k,
                       const float *v,
                       const float *level,
                       const float *within,
                       const float *go,
                       float *gq,
                       float *gk,
                       float *gv);
#endif

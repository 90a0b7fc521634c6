// SPDX-License-Identifier: Apache-2.0
/* One head of attention.c's functions on AMX's tiles, products in bfloat16. Between tiles_begin()
 * and tiles_end() all heads have the same shape; tiles_begin() is 0 where there are no tiles, or
 * too many rows for them.
 */
#ifdef __AMX_BF16__
int tiles_begin(int n, int m, int width);
void tiles_end(void);
void tiles_forward(
    int n, int m, int D, const float *q, const float *k, const float *v, float *o, float *level);
void tiles_backward(int n,
                    int m,
                    int D,
                    const float *q,
                    const float *k,
                    const float *v,
                    const float *level,
                    const float *within,
                    const float *go,
                    float *gq,
                    float *gk,
                    float *gv);
#else
#define tiles_begin(...) 0
#define tiles_end() ((void)0)
#define tiles_forward(...) ((void)0)
#define tiles_backward(...) ((void)0)
#endif

// SPDX-License-Identifier: Apache-2.0
/* Earrings: a ball on the lobe, or a ring that hangs from it, turned so that a camera in front sees
 * it open.
 */
#include "wear.h"

void earrings_build(struct model *m, const struct body *b)
{
    enum { N = 28 };
    if (b->look->earrings == EARRINGS_NONE || b->look->hat == HAT_HEADSCARF)
        return;
    struct rng rng = rng_make(b->look->seed, FOR_EARRINGS);
    int metal = rng_below(&rng, METAL_KINDS);
    float size = rng_range(&rng, 0.10f, 0.165f), grown = 1 - 0.25f * b->child;
    for (float s = -1; s < 2; s += 2) {
        struct vec3 lobe = ear_lobe(b, s);
        if (b->look->earrings == EARRINGS_STUDS) {
            float r = 0.042f * grown;
            model_ball(m, b, JOINT_HEAD, v3_add(lobe, v3(s * 0.012f, 0.02f, 0.03f)), v3(r, r, r),
                       MAT_METAL, metal);
            continue;
        }
        struct vec3 path[N];
        float radius[N], r = size * grown;
        for (int i = 0; i < N; i++) {
            float u = sector(i, N);
            path[i] = v3(lobe.x + s * (0.015f + 0.80f * r * sinf(u)),
                         lobe.y + 0.02f - r + r * cosf(u), lobe.z + 0.02f + 0.55f * r * sinf(u));
            radius[i] = 0.014f + 0.006f * (1 - cosf(u)) * 0.5f;
        }
        struct tube tube = {
            .path = path, .radius = radius, .n = N, .sides = 8, .closed = true, .flat = 1};
        model_tube(m, b, &tube, JOINT_HEAD, MAT_METAL, metal);
    }
}

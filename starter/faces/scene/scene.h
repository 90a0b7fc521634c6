#ifndef S
#define S
#include "faces.h"
struct vec3 backdrop_colour(const struct shot *shot, float u, float v, float pixel);
struct vec3 scene_colour(int scene, uint64_t seed, float u, float v, float pixel);
#endif

// SPDX-License-Identifier: Apache-2.0
/* A person's pose, as a network sees it. */
#ifndef LK_STAGES_DIFFUSE_CONTROL_POSE_NETWORK_H
#define LK_STAGES_DIFFUSE_CONTROL_POSE_NETWORK_H

#include "base/error.h"
#include "base/watch.h"
#include "data/picture.h"
#include "runtime/session.h"
#include "stages/diffuse/control/pose.h"

typedef struct lk_pose_network lk_pose_network;

/* family: "rtmpose". The runtime must outlive it. LK_E_INPUT when the file is another kind of
 * network, or the family is not known. */
int lk_pose_network_open(lk_runtime *runtime,
                         const char *family,
                         const char *path,
                         const char *device,
                         lk_pose_network **out,
                         struct lk_error *err);
void lk_pose_network_free(lk_pose_network *network); /* NULL is fine */

/* Takes the whole picture (u8 or f32) for one person. out: in its pixels. */
int lk_pose_network_see(const lk_pose_network *network,
                        const struct lk_picture *picture,
                        const struct lk_watch *watch,
                        struct lk_pose *out,
                        struct lk_error *err);

#endif

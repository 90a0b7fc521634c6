// SPDX-License-Identifier: Apache-2.0
/* TAESD (Ollin Boer Bohan, github.com/madebyollin/taesd; diffusers' AutoencoderTiny): a decoder so
 * small that each step can be looked at. Its input is the latent as the UNet leaves it.
 *
 *   x = 3·tanh(z/3); x = relu(conv x)
 *   x = relu(conv(relu(conv(relu(conv x)))) + x)    three blocks
 *   x = conv(upsample2 x)                           both three times; then one block
 *   picture = conv x, 0…1 */
#ifndef LK_STAGES_DIFFUSE_TINY_DECODER_H
#define LK_STAGES_DIFFUSE_TINY_DECODER_H

#include "base/error.h"
#include "base/watch.h"
#include "data/picture.h"
#include "data/tensor_file.h"
#include "runtime/session.h"

typedef struct lk_tiny_decoder lk_tiny_decoder;

/* A file of TAESD's or of diffusers' names. LK_E_INPUT names a tensor that is missing or of another
 * shape. runtime must outlive it; device as in lk_session_of_graph. */
int lk_tiny_decoder_open(lk_runtime *runtime,
                         const char *path,
                         const char *device,
                         lk_tiny_decoder **out,
                         struct lk_error *err);
void lk_tiny_decoder_free(lk_tiny_decoder *decoder);
int lk_tiny_decoder_channels(const lk_tiny_decoder *decoder); /* of the latents it takes */

/* z [channels,h,w] → f32 RGB 8w×8h */
int lk_tiny_decode(const lk_tiny_decoder *decoder,
                   const float *z,
                   int height,
                   int width,
                   const struct lk_watch *watch,
                   struct lk_picture **out,
                   struct lk_error *err);

#endif

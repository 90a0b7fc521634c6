// SPDX-License-Identifier: Apache-2.0
/* One row per option. To add one: a member in lk_request (or lk_engine_options, lk_output) and a
 * row here. */
#include "pipeline/options.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "cast/consent.h"
#include "pipeline/faces/manners.h"
#include "pipeline/request_controls.h"
#include "pipeline/request_images.h"
#include "pipeline/request_people.h"
#include "stages/diffuse/control/annotate.h"

#define IN_REQUEST(member) LK_HOME_REQUEST, offsetof(struct lk_request, member)
#define IN_ENGINE(member) LK_HOME_ENGINE, offsetof(struct lk_engine_options, member)
#define IN_OUTPUT(member) LK_HOME_OUTPUT, offsetof(struct lk_output, member)
#define IN_CAST(member) LK_HOME_CAST, offsetof(struct lk_cast_words, member)
#define IN_MODELS(member) LK_HOME_MODELS, offsetof(struct lk_models_words, member)
#define IN_SETTINGS(member) LK_HOME_SETTINGS, offsetof(struct lk_settings, member)

enum {
    DRAWS = LK_CMD_PORTRAIT | LK_CMD_DRAW,
    REFINES = LK_CMD_PORTRAIT | LK_CMD_SWAP,
    RESTORES = REFINES | LK_CMD_RESTORE,
    CHANGES = LK_CMD_SWAP | LK_CMD_RESTORE | LK_CMD_UPSCALE | LK_CMD_REDRAW,
    PAINTS = DRAWS | LK_CMD_REDRAW,
    SHOWS = REFINES | LK_CMD_DRAW, /* people */
    FINDS = RESTORES | DRAWS | LK_CMD_REDRAW | LK_CMD_DETECT | LK_CMD_COMPARE | LK_CMD_INSPECT |
            LK_CMD_CAST,
    MAKES = DRAWS | CHANGES | LK_CMD_RUN,
    COMPUTES = MAKES | FINDS | LK_CMD_DOCTOR | LK_CMD_BENCH,
    AUDITS = MAKES | LK_CMD_INSPECT | LK_CMD_AUDIT,
    ALL = COMPUTES | LK_CMD_MODELS | LK_CMD_AUDIT | LK_CMD_CAST,
};

// clang-format off
static const struct lk_option options[] = {
    {"negative", 0, LK_OPTION_TEXT, IN_REQUEST(negative), 0, 0, NULL, NULL, "TEXT",
     "what the picture should not show", PAINTS},
    {"model", 'm', LK_OPTION_TEXT, IN_REQUEST(model), 0, 0, NULL, NULL, "NAME|PATH",
     "checkpoint: a name of `likeness models list`, a .safetensors file or a diffusers folder (default: the starter pack)",
     PAINTS | LK_CMD_MODELS | LK_CMD_BENCH},
    {"vae", 0, LK_OPTION_TEXT, IN_REQUEST(vae), 0, 0, NULL, NULL, "PATH",
     "VAE file or folder that replaces the checkpoint's own", PAINTS | LK_CMD_MODELS},
    {"lora", 0, LK_OPTION_LIST, IN_REQUEST(lora), 0, 0, NULL, NULL, "NAME|PATH[:W]",
     "change the model by this LoRA (kohya, diffusers, LyCORIS), with weight W (default: 1); may be given several times, and <lora:NAME:W> in the prompt does the same", PAINTS},
    {"refiner", 0, LK_OPTION_TEXT, IN_REQUEST(refiner), 0, 0, NULL, NULL, "NAME|PATH",
     "another checkpoint, such as SDXL's refiner, that takes the last steps", DRAWS},
    {"refiner-switch", 0, LK_OPTION_REAL, IN_REQUEST(refiner_switch), 0, 1, NULL, "0.8", "X",
     "with --refiner: after which part of the way it takes over", DRAWS},
    {"prediction", 0, LK_OPTION_CHOICE, IN_REQUEST(prediction), 0, 0, "auto|epsilon|v", "auto", "NAME",
     "what the UNet answers: epsilon or v; auto: as the checkpoint says", PAINTS},
    {"size", 's', LK_OPTION_SIZE, IN_REQUEST(width), 64, 2048, NULL, NULL, "WxH",
     "size of the drawn picture in pixels, multiples of 8 (default: the model's)", PAINTS | LK_CMD_BENCH},
    {"original-size", 0, LK_OPTION_SIZE, IN_REQUEST(original_size), 1, 16384, NULL, NULL, "WxH",
     "SDXL: the size that the picture pretends to have had before it was scaled; small ones look blurred (default: --size)", DRAWS},
    {"crop-left", 0, LK_OPTION_INT, IN_REQUEST(crop_left), 0, 16384, NULL, "0", "PIXELS",
     "SDXL: how much was cut off the picture's left, or so it pretends; 0 keeps what is shown in the middle", DRAWS},
    {"crop-top", 0, LK_OPTION_INT, IN_REQUEST(crop_top), 0, 16384, NULL, "0", "PIXELS", "the same at its top", DRAWS},
    {"target-size", 0, LK_OPTION_SIZE, IN_REQUEST(target_size), 1, 16384, NULL, NULL, "WxH",
     "SDXL: the size that the picture pretends to have (default: --size)", DRAWS},
    {"aesthetic-score", 0, LK_OPTION_REAL, IN_REQUEST(aesthetic_score), 0, 10, NULL, "6", "X",
     "how beautiful SDXL's refiner is told that the picture is", DRAWS},
    {"negative-original-size", 0, LK_OPTION_SIZE, IN_REQUEST(negative_original_size), 1, 16384, NULL, NULL, "WxH",
     "what goes with the negative prompt, away from which --guidance leads (default: as with the prompt)", DRAWS},
    {"negative-crop-left", 0, LK_OPTION_INT, IN_REQUEST(negative_crop_left), -1, 16384, NULL, "-1", "PIXELS", "the same; -1: as with the prompt", DRAWS},
    {"negative-crop-top", 0, LK_OPTION_INT, IN_REQUEST(negative_crop_top), -1, 16384, NULL, "-1", "PIXELS", "the same; -1: as with the prompt", DRAWS},
    {"negative-target-size", 0, LK_OPTION_SIZE, IN_REQUEST(negative_target_size), 1, 16384, NULL, NULL, "WxH",
     "the same (default: as with the prompt)", DRAWS},
    {"negative-aesthetic-score", 0, LK_OPTION_REAL, IN_REQUEST(negative_aesthetic_score), 0, 10, NULL, "2.5", "X",
     "how beautiful the refiner is told that what the negative prompt describes is", DRAWS},
    {"steps", 0, LK_OPTION_INT, IN_REQUEST(steps), 1, 1000, NULL, NULL, "N",
     "denoising steps (default: the model's, 20 where it has none)", PAINTS},
    {"guidance", 'g', LK_OPTION_REAL, IN_REQUEST(guidance), 0, 100, NULL, NULL, "X",
     "how strictly to follow the prompt; up to 1 the negative prompt is not used (default: the model's, 7.5 where it has none)", PAINTS},
    {"sampler", 0, LK_OPTION_SAMPLER, IN_REQUEST(sampler), 0, 0,
     "ddim|ddpm|pndm|lms|heun|euler|euler-a|dpm2|dpm2-a|dpmpp-2s-a|dpmpp-2m|dpmpp-2m-sde|dpmpp-sde|dpmpp-3m-sde|unipc|deis|lcm|tcd", NULL, "NAME",
     "ddim, ddpm, pndm, lms, heun, euler, euler-a, dpm2, dpm2-a, dpmpp-2s-a, dpmpp-2m, dpmpp-2m-sde, dpmpp-sde, dpmpp-3m-sde, unipc, deis, lcm or tcd; "
     "or the WebUI's name, such as 'DPM++ 2M Karras' (default: the model's, dpmpp-2m where it has none)", PAINTS},
    {"schedule", 0, LK_OPTION_CHOICE, IN_REQUEST(schedule), 0, 0, "normal|karras|exponential|beta|sgm-uniform|simple|align-your-steps", NULL, "NAME",
     "noise schedule: normal, karras, exponential, beta, sgm-uniform, simple or align-your-steps; ddim, ddpm, pndm, lcm and tcd know only normal "
     "(default: the model's, normal where it has none)", PAINTS},
    {"sigmas", 0, LK_OPTION_TEXT, IN_REQUEST(sigmas), 0, 0, NULL, NULL, "X,X,…,0",
     "noise levels instead of --steps and --schedule: falling, the last one 0, one more than steps", PAINTS},
    {"eta", 0, LK_OPTION_REAL, IN_REQUEST(eta), 0, 1, NULL, NULL, "X",
     "share of fresh noise in each step of ddim (default 0), tcd (0.3), euler-a, dpm2-a and dpmpp-2s-a (1)", PAINTS},
    {"guidance-mode", 0, LK_OPTION_CHOICE, IN_REQUEST(guidance_mode), 0, 0, "plain|cfg++", "plain", "NAME",
     "plain; or cfg++, with ddim, euler and euler-a: the noise that stays is that of the negative prompt, and --guidance counts 1/12.5 as in the WebUI", PAINTS},
    {"guidance-rescale", 0, LK_OPTION_REAL, IN_REQUEST(guidance_rescale), 0, 1, NULL, "0", "X",
     "how far to bring the contrast that guidance adds back to the prompt's own; 0.7 suits v-prediction models", PAINTS},
    {"guidance-start", 0, LK_OPTION_REAL, IN_REQUEST(guidance_start), 0, 1, NULL, "0", "X",
     "share of the steps before guidance begins; steps without it take half the time", PAINTS},
    {"guidance-end", 0, LK_OPTION_REAL, IN_REQUEST(guidance_end), 0, 1, NULL, "1", "X", "share of the steps after which guidance ends", PAINTS},
    {"perturbed-guidance", 0, LK_OPTION_REAL, IN_REQUEST(perturbed_guidance), 0, 100, NULL, "0", "X",
     "go this far away from what the UNet draws without self-attention in its middle (PAG; 3 is usual); a third more time beside --guidance", PAINTS},
    {"freeu", 0, LK_OPTION_TEXT, IN_REQUEST(freeu), 0, 0, NULL, NULL, "B1,B2,S1,S2",
     "FreeU: factors of the UNet's own channels and of the slow waves in its skips, in its two lowest levels; 1.5,1.6,0.9,0.2 suits SD 1.5", PAINTS},
    {"deep-cache", 0, LK_OPTION_INT, IN_REQUEST(deep_cache), 1, 100, NULL, "1", "N",
     "run the whole UNet in every N-th step only, and its last layer between (DeepCache): faster, and another picture; 1: in all", DRAWS},
    {"token-merging", 0, LK_OPTION_REAL, IN_REQUEST(token_merging), 0, 0.75, NULL, "0", "RATIO",
     "merge this share of the tokens in the UNet's largest self-attentions (ToMe; SD 1.x and 2.x): faster, and another picture; 0: none", DRAWS},
    {"seed", 0, LK_OPTION_INT64, IN_REQUEST(seed), -1, 9007199254740991.0, NULL, "-1", "N",
     "picture i of --count has seed N + i; -1 draws one at random and reports it", PAINTS},
    {"variation-strength", 0, LK_OPTION_REAL, IN_REQUEST(variation_strength), 0, 1, NULL, "0", "X",
     "mix in this much of the noise of --variation-seed; all pictures of --count then have the same --seed", DRAWS},
    {"variation-seed", 0, LK_OPTION_INT64, IN_REQUEST(variation_seed), -1, 9007199254740991.0, NULL, "-1", "N",
     "picture i of --count mixes in the noise of seed N + i; -1 draws one at random and reports it", DRAWS},
    {"rng", 0, LK_OPTION_CHOICE, IN_REQUEST(rng), 0, 0, "torch|philox", "torch", "NAME",
     "whose noise: torch (diffusers on the CPU) or philox (WebUI and CUDA)", PAINTS},
    {"clip-skip", 0, LK_OPTION_INT, IN_REQUEST(clip_skip), 0, 30, NULL, "0", "N",
     "leave out the last N layers of the text encoder, counted as diffusers does (the WebUI's N + 1)", PAINTS},
    {"embedding", 0, LK_OPTION_LIST, IN_REQUEST(embedding), 0, 0, NULL, NULL, "PATH",
     "textual inversion that prompts name by its file's name, or a folder of them; may be given several times (more are looked for in embeddings/ of "
     "the model folders)", PAINTS},
    {"count", 'n', LK_OPTION_INT, IN_REQUEST(count), 1, 1000, NULL, "1", "N", "how many pictures", DRAWS},
    {"init", 0, LK_OPTION_TEXT, IN_REQUEST(init), 0, 0, NULL, NULL, "IMAGE",
     "start from this picture instead of from noise", DRAWS},
    {"strength", 0, LK_OPTION_REAL, IN_REQUEST(strength), 0, 1, NULL, "0.8", "X",
     "with --init: how far to go from it, 0 to 1", DRAWS},
    {"mask", 0, LK_OPTION_TEXT, IN_REQUEST(mask), 0, 0, NULL, NULL, "IMAGE",
     "with --init: paint where this picture is white; everything else stays as it is, bit by bit", DRAWS},
    {"mask-invert", 0, LK_OPTION_FLAG, IN_REQUEST(mask_invert), 0, 0, NULL, NULL, NULL, "paint where the mask is black", DRAWS},
    {"mask-blur", 0, LK_OPTION_REAL, IN_REQUEST(mask_blur), 0, 64, NULL, "4", "PIXELS", "softens the mask's edge", PAINTS},
    {"inpaint-fill", 0, LK_OPTION_CHOICE, IN_REQUEST(inpaint_fill), 0, 0, "original|noise|fill", "original", "WHAT",
     "what is under the mask at first: the picture, noise, or the colours around it", DRAWS},
    {"inpaint-area", 0, LK_OPTION_CHOICE, IN_REQUEST(inpaint_area), 0, 0, "whole|masked", "whole", "WHAT",
     "whole: the picture is drawn at --size; masked: only what is masked and --inpaint-padding around it is, and put back at the picture's own size", DRAWS},
    {"inpaint-padding", 0, LK_OPTION_INT, IN_REQUEST(inpaint_padding), 0, 1024, NULL, "32", "PIXELS", "see --inpaint-area", PAINTS},
    {"extend", 0, LK_OPTION_TEXT, IN_REQUEST(extend), 0, 0, NULL, NULL, "LEFT,TOP,RIGHT,BOTTOM",
     "with --init: paint as many pixels more on each side", DRAWS},
    {"control", 0, LK_OPTION_CONTROL, IN_REQUEST(controls), 0, 0, LK_ANNOTATORS, NULL, "TYPE:IMAGE[:W[:START[:END]]]",
     "a ControlNet follows this picture: its edges (canny), its dark lines (scribble), the picture (tile), its faces (face), a person's pose (pose), what is near (depth), "
     "or what it shows as an annotation (none); "
     "W says how much (1), START and END in which part of the steps (0, 1). May be given several times", DRAWS},
    {"control-model", 0, LK_OPTION_CONTROL_MODEL, IN_REQUEST(controls), 0, 0, NULL, NULL, "NAME|PATH",
     "ControlNet of the first --control, given again of the second … (default: the one that is called like TYPE)", DRAWS},
    {"depth-estimator", 0, LK_OPTION_TEXT, IN_REQUEST(depth_estimator), 0, 0, NULL, NULL, "NAME|FAMILY:PATH",
     "network of --control depth, such as depth-anything:model.onnx (default: an installed one)", DRAWS},
    {"pose-estimator", 0, LK_OPTION_TEXT, IN_REQUEST(pose_estimator), 0, 0, NULL, NULL, "NAME|FAMILY:PATH",
     "network of --control pose, such as rtmpose:dw-ll_ucoco_384.onnx (default: an installed one)", DRAWS},
    {"control-mode", 0, LK_OPTION_CHOICE, IN_REQUEST(control_mode), 0, 0, "balanced|prompt|control", "balanced", "NAME",
     "what counts more: both the same, the prompt (a ControlNet shapes the whole, hardly the details), or the ControlNet (the same, and the negative prompt goes without; "
     "guess mode)", DRAWS},
    {"ip-adapter", 0, LK_OPTION_IMAGE, IN_REQUEST(images), 0, 0, NULL, NULL, "NAME|PATH:IMAGE[:W[:START[:END]]]",
     "an IP-Adapter: this picture is a prompt, too; W says how much it counts (1), START and END in which part of the steps (0, 1). May be given several "
     "times. Whoever shows their face in the picture must have consented", DRAWS},
    {"image-encoder", 0, LK_OPTION_TEXT, IN_REQUEST(image_encoder), 0, 0, NULL, NULL, "NAME|PATH",
     "CLIP's image encoder that --ip-adapter was trained with, a file or folder (default: image_encoder/ beside the adapter)", DRAWS},
    {"face-adapter", 0, LK_OPTION_TEXT, IN_REQUEST(face_adapter), 0, 0, NULL, NULL, "NAME|PATH[:W[:START[:END]]]",
     "an IP-Adapter FaceID: the face of --face goes into the drawing itself; W, START and END as for --ip-adapter", DRAWS},
    {"hires", 0, LK_OPTION_REAL, IN_REQUEST(hires), 1, 4, NULL, "1", "FACTOR",
     "draw, enlarge by this factor, and draw again from that", DRAWS},
    {"hires-strength", 0, LK_OPTION_REAL, IN_REQUEST(hires_strength), 0, 1, NULL, "0.7", "X", "how far the second drawing goes, 0 to 1", DRAWS},
    {"hires-steps", 0, LK_OPTION_INT, IN_REQUEST(hires_steps), 0, 1000, NULL, "0", "N", "steps of the second drawing; 0: as many as --steps", DRAWS},
    {"hires-upscaler", 0, LK_OPTION_TEXT, IN_REQUEST(hires_upscaler), 0, 0, NULL, "latent", "latent|lanczos|NAME|FAMILY:PATH",
     "how the first drawing is enlarged", DRAWS},
    {"upscale", 0, LK_OPTION_INT, IN_REQUEST(upscale), 1, 8, NULL, NULL, "N",
     "enlarge the picture by N: portrait does it before the faces are refined, 1 does not (default: the model's, of upscale the network's)",
     LK_CMD_PORTRAIT | LK_CMD_UPSCALE},
    {"tile", 0, LK_OPTION_INT, IN_REQUEST(tile), 0, 2048, NULL, "256", "PIXELS", "side of the tiles in which a picture is enlarged; 0: all at once", LK_CMD_UPSCALE},
    {"tile-pad", 0, LK_OPTION_INT, IN_REQUEST(tile_pad), 0, 128, NULL, "16", "PIXELS",
     "what a tile sees beyond itself: as much as the network does, and tiles make no difference", LK_CMD_UPSCALE},

    {"face", 'f', LK_OPTION_PERSON, IN_REQUEST(people), 0, 0, NULL, NULL, "[PLACE=]NAME|PHOTO",
     "whose face: a person of the cast, or a photo (what is no name of the cast, or has a /). PLACE says which face of the picture gets it: largest (default), smallest, left, right, "
     "top, bottom, best, worst or center, each with :N for a later one; N for the one from the left; at:XxY; like:NAME|PHOTO; all; before it woman+, man+ or age:LOW-HIGH+ "
     "(docs/find.md). May be given several times, or as left=ada,right=bo; draw takes one, with --face-adapter", SHOWS},
    {"photo", 0, LK_OPTION_PHOTO, IN_REQUEST(people), 0, 0, NULL, NULL, "PHOTO",
     "one more photo of whom the last --face names by a photo: their mean is the identity, in which good photos from the front count more. May be given several times", SHOWS},
    {"refine", 0, LK_OPTION_CHOICE, IN_REQUEST(refine), 0, 0, "auto|swap|restore|redraw|none", "auto", "MODE",
     "auto: with --face that identity is swapped in, other faces are made clearer by a restorer or their own identity; swap: only faces that --face names; "
     "restore: nothing is swapped, all faces are restored; redraw: of portrait, all faces are drawn again, larger, before those that --face names are swapped; none", REFINES},
    {"redraw-strength", 0, LK_OPTION_REAL, IN_REQUEST(redraw_strength), 0, 1, NULL, "0.4", "X", "how far a face that is drawn again goes from what it was",
     LK_CMD_PORTRAIT | LK_CMD_REDRAW},
    {"use", 0, LK_OPTION_CHOICE, IN_REQUEST(use), 0, 0, LK_CONSENT_USES, "portrait", "USE",
     "what the picture is for: portrait, film, advertising, editorial, education or research; everybody whose face is used must have consented to it", SHOWS},
    {"consent", 0, LK_OPTION_CHOICE, IN_REQUEST(consent), 0, 0, "recorded|self", "recorded", "WHOSE",
     "recorded: only faces of whom the cast has consent; self: you declare, in the audit, that those of whom nothing is recorded agree", SHOWS},
    {"face-score", 0, LK_OPTION_REAL, IN_REQUEST(face_score), 0.01, 1, NULL, "0.5", "X",
     "only faces that the detector is this sure of", FINDS},
    {"find", 0, LK_OPTION_CHOICE, IN_REQUEST(find), 0, 0, "auto|quick|thorough", "auto", "EFFORT",
     "how hard to look for faces: quick at the picture as it is; auto also turned and in tiles where that may show more (not with the starter's detector); thorough always", FINDS | LK_CMD_DRAW},
    {"detector", 0, LK_OPTION_TEXT, IN_REQUEST(detector), 0, 0, NULL, NULL, "NAME|FAMILY:PATH", "face detector, such as scrfd:det_10g.onnx", FINDS | LK_CMD_DRAW | LK_CMD_BENCH},
    {"landmarker", 0, LK_OPTION_TEXT, IN_REQUEST(landmarker), 0, 0, NULL, NULL, "NAME|FAMILY:PATH",
     "network that finds a face's points more exactly, such as 2dfan4:2dfan4.onnx (default: none, the starter's with the starter's detector)", FINDS | LK_CMD_DRAW | LK_CMD_BENCH},
    {"embedder", 0, LK_OPTION_TEXT, IN_REQUEST(embedder), 0, 0, NULL, NULL, "NAME|FAMILY:PATH", "identity network, such as arcface:w600k_r50.onnx",
     RESTORES | PAINTS | LK_CMD_COMPARE | LK_CMD_CAST | LK_CMD_BENCH},
    {"swapper", 0, LK_OPTION_TEXT, IN_REQUEST(swapper), 0, 0, NULL, NULL, "NAME|FAMILY:PATH", "face swapper: inswapper, hyperswap, simswap, simswap_512, ghost, hififace, uniface or blendswap, such as inswapper:inswapper_128.onnx", REFINES | LK_CMD_BENCH},
    {"converter", 0, LK_OPTION_TEXT, IN_REQUEST(converter), 0, 0, NULL, NULL, "NAME|PATH",
     "embedding converter of a swapper that needs one (default: crossface_simswap.onnx, crossface_ghost.onnx, crossface_hififace.onnx in a model folder)", REFINES | LK_CMD_BENCH},
    {"identity-strength", 0, LK_OPTION_REAL, IN_REQUEST(identity_strength), 0, 1, NULL, "1", "X", "how much of the asked identity a face gets; the rest stays its own", REFINES},
    {"swap-passes", 0, LK_OPTION_INT, IN_REQUEST(swap_passes), 1, 4, NULL, NULL, "N", "how often a face goes through the swapper, from the second time on as it came out: more likeness, less of the picture's own (default: the swapper's, 1 where it has none)", REFINES},
    {"restorer", 0, LK_OPTION_TEXT, IN_REQUEST(restorer), 0, 0, NULL, NULL, "NAME|FAMILY:PATH",
     "face restorer: gfpgan, codeformer, restoreformer or gpen, such as gfpgan:GFPGANv1.4.onnx (default: the starter's, if it has one)", RESTORES | LK_CMD_BENCH},
    {"restore-strength", 0, LK_OPTION_REAL, IN_REQUEST(restore_strength), 0, 1, NULL, "0.8", "X", "share of the restored face in the result; 0 restores nothing", RESTORES},
    {"codeformer-weight", 0, LK_OPTION_REAL, IN_REQUEST(codeformer_weight), 0, 1, NULL, "0.5", "X",
     "of codeformer: 1 stays true to the face it sees, 0 makes it handsome", RESTORES},
    {"grain", 0, LK_OPTION_REAL, IN_REQUEST(grain), 0, 1, NULL, "1", "X", "how much of the picture's own grain and fine texture a refined face gets back", RESTORES},
    {"face-mask", 0, LK_OPTION_TEXT, IN_REQUEST(face_mask), 0, 0, NULL, "auto", "WHAT,…",
     "what bounds a refined face beside its shape: box, region (a parser tells skin from hair), occlusion (an occluder sees hands and things before it); "
     "auto: all for which a network is installed", RESTORES},
    {"face-mask-blur", 0, LK_OPTION_REAL, IN_REQUEST(face_mask_blur), 0, 1, NULL, "0.3", "X", "softness of the box", RESTORES},
    {"face-mask-padding", 0, LK_OPTION_TEXT, IN_REQUEST(face_mask_padding), 0, 0, NULL, NULL, "TOP,RIGHT,BOTTOM,LEFT", "percent of the crop that the box leaves out", RESTORES},
    {"face-mask-regions", 0, LK_OPTION_TEXT, IN_REQUEST(face_mask_regions), 0, 0, NULL, "all", "PART,…",
     "of the region mask: skin, left-eyebrow, right-eyebrow, left-eye, right-eye, glasses, nose, mouth, upper-lip, lower-lip", RESTORES},
    {"parser", 0, LK_OPTION_TEXT, IN_REQUEST(parser), 0, 0, NULL, NULL, "NAME|FAMILY:PATH", "face parser, such as bisenet:bisenet_resnet_34.onnx", RESTORES},
    {"occluder", 0, LK_OPTION_TEXT, IN_REQUEST(occluder), 0, 0, NULL, NULL, "NAME|FAMILY:PATH", "face occluder, such as xseg:xseg_1.onnx", RESTORES},
    {"retries", 0, LK_OPTION_INT, IN_REQUEST(retries), 0, 8, NULL, "0", "N",
     "how often a face that does not pass verification is done again in another manner; the best is kept", RESTORES},
    {"manner", 0, LK_OPTION_CHOICE, IN_REQUEST(manner), 0, 0, LK__MANNERS, "as-asked", "NAME",
     "in which manner faces are refined first, as the sheet of --alternatives names them (docs/judge.md)", RESTORES},
    {"alternatives", 0, LK_OPTION_INT, IN_REQUEST(alternatives), 0, 8, NULL, "0", "N",
     "show each refined face in N manners more, with their measures, on a sheet beside the picture: of out.png it is out-alternatives.png", RESTORES},
    {"upscaler", 0, LK_OPTION_TEXT, IN_REQUEST(upscaler), 0, 0, NULL, NULL, "NAME|FAMILY:PATH", "super-resolution network of any factor, such as rrdbnet:x2.onnx",
     REFINES | LK_CMD_UPSCALE | LK_CMD_BENCH},

    {"visible-mark", 0, LK_OPTION_TEXT, IN_REQUEST(visible_mark), 0, 0, NULL, NULL, "TEXT|FILE.png",
     "show this text or logo in the lower right corner", DRAWS | CHANGES},
    {"watermark-method", 0, LK_OPTION_CHOICE, IN_REQUEST(watermark_method), 0, 0, "own|dwt-dct|rivagan", "own", "NAME",
     "own; or the id a second time, for the decoder of the invisible-watermark package: dwt-dct (dwtDct, 64 bits), rivagan (rivaGan, the first 32; a network)", DRAWS | CHANGES},

    {"device", 0, LK_OPTION_TEXT, IN_ENGINE(device), 0, 0, NULL, NULL, "NAME", "auto (a GPU that works, else the CPU), cpu, cuda:0 …, tensorrt:0 … (docs/runtime.md); likeness doctor says what works here", COMPUTES},
    {"draw-device", 0, LK_OPTION_TEXT, IN_ENGINE(draw_device), 0, 0, NULL, NULL, "NAME", "device of the diffusion networks", MAKES},
    {"face-device", 0, LK_OPTION_TEXT, IN_ENGINE(face_device), 0, 0, NULL, NULL, "NAME", "device of the face networks", MAKES},
    {"threads", 't', LK_OPTION_INT, IN_ENGINE(threads), 1, 1024, NULL, NULL, "N", "threads to compute with (default: all cores)", COMPUTES},
    {"memory", 0, LK_OPTION_BYTES, IN_ENGINE(memory), 67108864, 1e15, NULL, NULL, "BYTES",
     "memory to compute in, such as 4G: where it is short, networks are read from their files anew in each step, and given up for each other (docs/runtime.md; default: three quarters of the machine's)", COMPUTES},
    {"kernels", 0, LK_OPTION_CHOICE, IN_ENGINE(kernels), 0, 0, "auto|reference", "auto", "NAME",
     "what computes the diffusion networks: likeness's own kernels on the CPU and fused operators on a GPU, or ONNX Runtime's plain ones (docs/performance.md)", COMPUTES},
    {"precision", 0, LK_OPTION_CHOICE, IN_ENGINE(precision), 0, 0, "auto|f32|f16|bf16|int8", "auto", "NAME",
     "what the diffusion networks are computed in: on a GPU f16 (auto) or f32; on the CPU f32 (auto), or the UNet in bf16 or int8: half or a quarter of the memory, less time, a somewhat different picture (docs/performance.md)", MAKES},
    {"cuda-graphs", 0, LK_OPTION_FLAG, IN_ENGINE(cuda_graphs), 0, 0, NULL, NULL, NULL,
     "on cuda, capture a step of the UNet and replay it as a whole (docs/runtime.md)", MAKES},
    {"pack-cache", 0, LK_OPTION_TEXT, IN_ENGINE(pack_cache), 0, 0, NULL, "off", "DIR|auto|off",
     "keep weights as the kernels read them in this folder, 3.4 GB for SD 1.5, so that later starts take no time; auto: ~/.cache/likeness (docs/performance.md)", COMPUTES},
    {"pack-cache-size", 0, LK_OPTION_BYTES, IN_ENGINE(pack_cache_size), 1048576, 1e15, NULL, "24G", "BYTES",
     "what the folder of --pack-cache may take: what was unused longest goes", COMPUTES},
    {"audit", 0, LK_OPTION_TEXT, IN_ENGINE(audit), 0, 0, NULL, NULL, "FILE",
     "audit ledger, in which every picture that leaves has its row (default: audit.db in ~/.local/state/likeness)", AUDITS | LK_CMD_CAST},
    {"audit-mirror", 0, LK_OPTION_TEXT, IN_ENGINE(audit_mirror), 0, 0, NULL, NULL, "FILE",
     "second file, best on another machine, to which each signed head of the ledger is added", AUDITS},
    {"producer", 0, LK_OPTION_TEXT, IN_ENGINE(producer), 0, 0, NULL, NULL, "NAME",
     "who answers for the pictures, for their AIGC label (GB 45438-2025): a name, or the provider's code", MAKES},
    {"watermark-key", 0, LK_OPTION_TEXT, IN_ENGINE(watermark_key), 0, 0, NULL, NULL, "FILE",
     "key of the hidden mark, 64 hex digits (default: watermark.key in ~/.local/state/likeness, made at the first use)", AUDITS | LK_CMD_CAST},
    {"c2pa-key", 0, LK_OPTION_TEXT, IN_ENGINE(c2pa_key), 0, 0, NULL, NULL, "FILE.pem",
     "with --c2pa-certificate: signs a C2PA manifest of every picture with this private key (docs/c2pa.md)", MAKES},
    {"c2pa-certificate", 0, LK_OPTION_TEXT, IN_ENGINE(c2pa_certificate), 0, 0, NULL, NULL, "CHAIN.pem",
     "certificate of --c2pa-key, then those up to its root", MAKES},
    {"c2pa-trust", 0, LK_OPTION_TEXT, IN_ENGINE(c2pa_trust), 0, 0, NULL, NULL, "ROOTS.pem",
     "root certificates whose C2PA signers are trusted (default: nobody is)", LK_CMD_INSPECT},
    {"cast-file", 0, LK_OPTION_TEXT, IN_ENGINE(cast_file), 0, 0, NULL, NULL, "FILE",
     "the cast: people by name, with their consents (default: cast.db in ~/.local/state/likeness)", MAKES | LK_CMD_CAST},
    {"passphrase-file", 0, LK_OPTION_TEXT, IN_ENGINE(passphrase_file), 0, 0, NULL, NULL, "FILE",
     "its first line opens a sealed cast, and seals a new one; so does LIKENESS_PASSPHRASE", MAKES | LK_CMD_CAST},
    {"preview-decoder", 0, LK_OPTION_TEXT, IN_ENGINE(preview_decoder), 0, 0, NULL, NULL, "FILE.safetensors",
     "with --preview: TAESD decoder that draws it, at the picture's size (default: a linear map, at an eighth)", DRAWS | LK_CMD_RUN},
    {"policy", 0, LK_OPTION_TEXT, IN_ENGINE(policy), 0, 0, NULL, NULL, "FILE",
     "rules that add to the program's own of what is refused (docs/policy.md)", MAKES},
    {"policy-levels", 0, LK_OPTION_TEXT, IN_ENGINE(policy_levels), 0, 0, NULL, NULL, "RULE=LEVEL,…",
     "off, warn or refuse for rules, such as sexual=warn,person=refuse,forensics=off", MAKES},
    {"forensics", 0, LK_OPTION_TEXT, IN_ENGINE(forensics), 0, 0, NULL, NULL, "NAME|FAMILY:PATH",
     "network that judges whether a face was put in, such as mesonet:Meso4_DF.onnx", MAKES | LK_CMD_INSPECT},
    {"nsfw", 0, LK_OPTION_TEXT, IN_ENGINE(nsfw), 0, 0, NULL, NULL, "NAME|FAMILY:PATH",
     "network that judges whether a picture is sexual, such as vit-nsfw:nsfw.onnx", MAKES},
    {"agegender", 0, LK_OPTION_TEXT, IN_ENGINE(agegender), 0, 0, NULL, NULL, "NAME|FAMILY:PATH",
     "network that tells ages, such as genderage:genderage.onnx", MAKES | LK_CMD_DETECT},
    {"expression", 0, LK_OPTION_TEXT, IN_ENGINE(expression), 0, 0, NULL, NULL, "NAME|FAMILY:PATH",
     "network that tells expressions, such as ferplus:emotion-ferplus-8.onnx", LK_CMD_DETECT},

    {"use", 0, LK_OPTION_TEXT, IN_CAST(uses), 0, 0, NULL, NULL, "USES",
     "consent grant: for what, separated by commas: portrait, film, advertising, editorial, education, research", LK_CMD_CAST},
    {"until", 0, LK_OPTION_TEXT, IN_CAST(until), 0, 0, NULL, NULL, "DATE", "consent grant: the last day, such as 2027-12-31", LK_CMD_CAST},
    {"evidence", 0, LK_OPTION_TEXT, IN_CAST(evidence), 0, 0, NULL, NULL, "TEXT|FILE",
     "consent grant: what shows it; of a file its name and sha256 are recorded", LK_CMD_CAST},
    {"from", 0, LK_OPTION_TEXT, IN_CAST(from), 0, 0, NULL, NULL, "PICTURE", "new: the picture of likeness's own that the person is born from", LK_CMD_CAST},
    {"new-passphrase-file", 0, LK_OPTION_TEXT, IN_CAST(new_passphrase_file), 0, 0, NULL, NULL, "FILE",
     "seal: its first line becomes the passphrase of a cast that is sealed already", LK_CMD_CAST},
    {"name", 0, LK_OPTION_TEXT, IN_CAST(name), 0, 0, NULL, NULL, "NAME", "import: of whom (default: the file's name)", LK_CMD_CAST},

    {"from", 0, LK_OPTION_TEXT, IN_MODELS(from), 0, 0, NULL, NULL, "URL|FOLDER",
     "pull: a mirror or a folder that has the files under their names, instead of their owners' addresses", LK_CMD_MODELS},
    {"mirror", 0, LK_OPTION_TEXT, IN_SETTINGS(mirror), 0, 0, NULL, NULL, "URL|FOLDER",
     "pull: the same for good, as a line of likeness.ini; --from goes before it", LK_CMD_MODELS},
    {"unverified", 0, LK_OPTION_FLAG, IN_MODELS(unverified), 0, 0, NULL, NULL, NULL,
     "pull: take a file of which no sha256 is known, too, and print what it has", LK_CMD_MODELS},
    {"name", 0, LK_OPTION_TEXT, IN_MODELS(name), 0, 0, NULL, NULL, "NAME", "add: what the model is called (default: the file's name)", LK_CMD_MODELS},
    {"family", 0, LK_OPTION_TEXT, IN_MODELS(family), 0, 0, NULL, NULL, "FAMILY|ROLE:FAMILY",
     "add: which of the families it is that have such inputs and outputs", LK_CMD_MODELS},
    {"copy", 0, LK_OPTION_FLAG, IN_MODELS(copy), 0, 0, NULL, NULL, NULL, "add: copy the file into the model folder instead of linking it", LK_CMD_MODELS},

    {"output", 'o', LK_OPTION_TEXT, IN_OUTPUT(path), 0, 0, NULL, NULL, "FILE|-",
     "where the picture goes (png, jpg, webp, tif); with --count a number is put before the ending; - is standard output, as png", MAKES | LK_CMD_MODELS | LK_CMD_CAST},
    {"report", 0, LK_OPTION_TEXT, IN_OUTPUT(report), 0, 0, NULL, NULL, "FILE|-", "write what was done and measured, as JSON", MAKES},
    {"debug", 0, LK_OPTION_TEXT, IN_OUTPUT(debug), 0, 0, NULL, NULL, "DIR", "write every intermediate picture and mask, numbered in order", MAKES},
    {"preview", 0, LK_OPTION_TEXT, IN_OUTPUT(preview), 0, 0, NULL, NULL, "FILE.png[:EVERY]",
     "while drawing, after EVERY steps (1), show here what the picture looks like so far, small and hatched; gone if the run fails", DRAWS | LK_CMD_RUN},
    {"explain", 0, LK_OPTION_FLAG, IN_OUTPUT(explain), 0, 0, NULL, NULL, NULL,
     "print how the prompt is read, its texts step by step and their tokens, and draw nothing", DRAWS},
    {"runs", 0, LK_OPTION_INT, IN_OUTPUT(runs), 1, 1000, NULL, "3", "N", "how often each part is measured: the median counts", LK_CMD_BENCH},
    {"json", 0, LK_OPTION_FLAG, IN_OUTPUT(json), 0, 0, NULL, NULL, NULL, "machine-readable output: one JSON object a line", ALL},
    {"quiet", 'q', LK_OPTION_FLAG, IN_OUTPUT(quiet), 0, 0, NULL, NULL, NULL, "no progress line, no remarks", ALL},
    {"verbose", 'v', LK_OPTION_FLAG, IN_OUTPUT(verbose), 0, 0, NULL, NULL, NULL, "say what was decided in your place, such as another schedule for a sampler", ALL},
};
// clang-format on

const struct lk_option *lk_options(size_t *count)
{
    *count = LK_ARRAY_LENGTH(options);
    return options;
}

const struct lk_option *lk_option_find(const char *name, unsigned command)
{
    for (size_t i = 0; i < LK_ARRAY_LENGTH(options); i++) {
        if ((options[i].commands & command) && !strcmp(options[i].name, name))
            return &options[i];
    }
    return NULL;
}

void *lk_option_member(const struct lk_option *option, struct lk_invocation *invocation)
{
    char *homes[] = {
        [LK_HOME_REQUEST] = (char *)&invocation->request,
        [LK_HOME_ENGINE] = (char *)&invocation->engine,
        [LK_HOME_OUTPUT] = (char *)&invocation->output,
        [LK_HOME_CAST] = (char *)&invocation->cast,
        [LK_HOME_MODELS] = (char *)&invocation->models,
        [LK_HOME_SETTINGS] = (char *)&invocation->settings,
    };
    return homes[option->home] + option->offset;
}

static int set_text(char **member, const char *text, const char *label, struct lk_error *err)
{
    char *copy = strdup(text);
    if (!copy)
        return lk_fail_memory(err, label, strlen(text));
    free(*member);
    *member = copy;
    return 0;
}

/* The WebUI's spelling becomes ours: "DPM++ 2M SDE" is dpmpp-2m-sde. */
static void respell(const char *text, char *out, size_t size)
{
    size_t n = 0;
    for (; *text && n + 1 < size; text++) {
        const char c = (char)tolower((unsigned char)*text);
        out[n++] = (char)(c == ' ' || c == '_' ? '-' : c == '+' ? 'p' : c);
    }
    out[n] = 0;
}

static bool is_choice(const char *choices, const char *text)
{
    size_t n = strlen(text);
    for (const char *at = choices; n && at; at = strchr(at, '|')) {
        at += *at == '|';
        if (!strncmp(at, text, n) && (at[n] == '|' || !at[n]))
            return true;
    }
    return false;
}

static int out_of_range(const struct lk_option *o,
                        const char *text,
                        const char *label,
                        struct lk_error *err)
{
    return lk_fail(err, LK_E_INPUT, "%s: '%s' is not a number from %.15g to %.15g", label, text,
                   o->low, o->high);
}

static int parse_number(const struct lk_option *o,
                        const char *text,
                        const char *label,
                        double *out,
                        struct lk_error *err)
{
    char *end;
    errno = 0;
    double value = strtod(text, &end);
    if (o->type == LK_OPTION_BYTES && *end && end != text && !end[1]) {
        const char *unit = strchr("KMG", *end);
        if (unit) {
            value *= (double)(1LL << (10 * (unit - "KMG" + 1)));
            end++;
        }
    }
    bool whole = o->type == LK_OPTION_REAL || value == floor(value);
    if (end == text || *end || errno || !(value >= o->low && value <= o->high) || !whole)
        return out_of_range(o, text, label, err);
    *out = value;
    return 0;
}

static int add_text(char **list, const char *text, const char *label, struct lk_error *err)
{
    int n = 0;
    while (n < LK_LIST_MAX && list[n])
        n++;
    if (n == LK_LIST_MAX)
        return lk_fail(err, LK_E_INPUT, "%s: it is given more than %d times", label, LK_LIST_MAX);
    list[n] = strdup(text);
    return list[n] ? 0 : lk_fail_memory(err, label, strlen(text));
}

static int set_size(const struct lk_option *o,
                    int *member,
                    const char *text,
                    const char *label,
                    struct lk_error *err)
{
    int w, h, used = 0;
    if (strlen(text) > 15 || sscanf(text, "%d%*1[xX]%d%n", &w, &h, &used) != 2 || text[used])
        return lk_fail(err, LK_E_INPUT, "%s: '%s' is not a size such as 512x768", label, text);
    const int unit = (int)o->low % 8 ? 1 : 8;
    if (w < o->low || h < o->low || w > o->high || h > o->high || w % unit || h % unit)
        return lk_fail(err, LK_E_INPUT, "%s: %dx%d: both sides must be %s from %g to %g", label, w,
                       h, unit == 8 ? "multiples of 8" : "numbers", o->low, o->high);
    member[0] = w;
    member[1] = h;
    return 0;
}

static int set_choice(const struct lk_option *o,
                      char **member,
                      const char *text,
                      const char *label,
                      struct lk_error *err)
{
    char ours[64];
    respell(text, ours, sizeof ours);
    if (is_choice(o->choices, text))
        return set_text(member, text, label, err);
    if (is_choice(o->choices, ours))
        return set_text(member, ours, label, err);
    return lk_fail(err, LK_E_INPUT, "%s: '%s' is none of %s", label, text, o->choices);
}

/* A sampler, or the WebUI's name of a sampler with its schedule behind it: "DPM++ 2M Karras". */
static int set_sampler(const struct lk_option *o,
                       struct lk_invocation *invocation,
                       const char *text,
                       const char *label,
                       struct lk_error *err)
{
    const struct lk_option *schedule = lk_option_find("schedule", LK_CMD_DRAW);
    char name[64];
    respell(text, name, sizeof name);
    if (!strcmp(name, "plms"))
        snprintf(name, sizeof name, "pndm");
    char *dash = strrchr(name, '-');
    if (dash && !is_choice(o->choices, name) && is_choice(schedule->choices, dash + 1)) {
        int rc = set_choice(schedule, lk_option_member(schedule, invocation), dash + 1, label, err);
        if (rc)
            return rc;
        *dash = 0;
    }
    if (!is_choice(o->choices, name))
        return lk_fail(err, LK_E_INPUT, "%s: '%s' is none of %s", label, text, o->choices);
    return set_text(lk_option_member(o, invocation), name, label, err);
}

int lk_option_set(const struct lk_option *o,
                  struct lk_invocation *invocation,
                  const char *text,
                  const char *label,
                  struct lk_error *err)
{
    void *member = lk_option_member(o, invocation);
    double number = 0;
    int rc;
    switch (o->type) {
    case LK_OPTION_TEXT:
        return set_text(member, text, label, err);
    case LK_OPTION_CHOICE:
        return set_choice(o, member, text, label, err);
    case LK_OPTION_SAMPLER:
        return set_sampler(o, invocation, text, label, err);
    case LK_OPTION_INT:
        if (!(rc = parse_number(o, text, label, &number, err)))
            *(int *)member = (int)number;
        return rc;
    case LK_OPTION_INT64:
    case LK_OPTION_BYTES:
        if (!(rc = parse_number(o, text, label, &number, err)))
            *(int64_t *)member = (int64_t)number;
        return rc;
    case LK_OPTION_REAL:
        if (!(rc = parse_number(o, text, label, &number, err)))
            *(double *)member = number;
        return rc;
    case LK_OPTION_SIZE:
        return set_size(o, member, text, label, err);
    case LK_OPTION_FLAG:
        *(bool *)member = true;
        return 0;
    case LK_OPTION_LIST:
        return add_text(member, text, label, err);
    case LK_OPTION_CONTROL:
        return lk__request_add_control(&invocation->request, text, label, err);
    case LK_OPTION_CONTROL_MODEL:
        return lk__request_add_control_model(&invocation->request, text, label, err);
    case LK_OPTION_IMAGE:
        return lk__request_add_image(&invocation->request, text, label, err);
    case LK_OPTION_PERSON:
        return lk__request_add_people(&invocation->request, text, label, err);
    case LK_OPTION_PHOTO:
        return lk__request_add_photo(&invocation->request, text, label, err);
    }
    return lk_fail(err, LK_E_FAILED, "%s: option of unknown type", label);
}

void lk_invocation_init(struct lk_invocation *invocation, enum lk_task task)
{
    *invocation = (struct lk_invocation){.request = {.task = task, .guidance = -1, .eta = -1}};
    for (size_t i = 0; i < LK_ARRAY_LENGTH(options); i++) {
        if (options[i].initial)
            lk_option_set(&options[i], invocation, options[i].initial, options[i].name, NULL);
    }
}

/* The text members of a struct are exactly its TEXT, CHOICE and LIST rows, and what no row sets. */
static void free_texts(enum lk_option_home home, char *base)
{
    for (size_t i = 0; i < LK_ARRAY_LENGTH(options); i++) {
        const enum lk_option_type type = options[i].type;
        const int texts = type <= LK_OPTION_CHOICE ? 1 : type == LK_OPTION_LIST ? LK_LIST_MAX : 0;
        char **member = (char **)(base + options[i].offset);
        for (int k = 0; options[i].home == home && k < texts; k++) {
            free(member[k]);
            member[k] = NULL;
        }
    }
}

void lk_invocation_free(struct lk_invocation *invocation)
{
    lk_request_free(&invocation->request);
    lk_engine_options_free(&invocation->engine);
    free_texts(LK_HOME_OUTPUT, (char *)&invocation->output);
    free_texts(LK_HOME_CAST, (char *)&invocation->cast);
    free_texts(LK_HOME_MODELS, (char *)&invocation->models);
    free_texts(LK_HOME_SETTINGS, (char *)&invocation->settings);
    invocation->output = (struct lk_output){0};
}

void lk_request_init(struct lk_request *request, enum lk_task task)
{
    struct lk_invocation invocation;
    lk_invocation_init(&invocation, task);
    *request = invocation.request;
    invocation.request = (struct lk_request){0};
    lk_invocation_free(&invocation);
}

void lk_request_free(struct lk_request *request)
{
    free_texts(LK_HOME_REQUEST, (char *)request);
    free(request->prompt);
    free(request->picture);
    for (int i = 0; i < request->n_people; i++) {
        lk__person_free(&request->people[i]);
    }
    lk__request_free_controls(request);
    lk__request_free_images(request);
    *request = (struct lk_request){0};
}

void lk_engine_options_init(struct lk_engine_options *engine)
{
    struct lk_invocation invocation;
    lk_invocation_init(&invocation, LK_TASK_PORTRAIT);
    *engine = invocation.engine;
    invocation.engine = (struct lk_engine_options){0};
    lk_invocation_free(&invocation);
}

void lk_engine_options_free(struct lk_engine_options *engine)
{
    free_texts(LK_HOME_ENGINE, (char *)engine);
    *engine = (struct lk_engine_options){0};
}

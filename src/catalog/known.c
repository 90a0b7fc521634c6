// SPDX-License-Identifier: Apache-2.0
/* Well-known models by the names under which their owners publish them. likeness carries none of
 * them: a file of that name in a model folder is enough. The licences are those of the weights. */
#include "base/size.h"
#include "catalog/entries.h"

/* clang-format off */
static const struct lk_model_entry KNOWN[] = {
    {.role = LK_ROLE_CHECKPOINT, .family = "sd15", .name = "sd-v1-5", .file = "v1-5-pruned-emaonly.safetensors",
     .licence = "CreativeML OpenRAIL-M", .source = "huggingface.co/stable-diffusion-v1-5/stable-diffusion-v1-5",
     .defaults = {.width = 512, .height = 512, .guidance = 7.5f}},
    {.role = LK_ROLE_CHECKPOINT, .family = "sd15", .name = "realistic-vision-v5.1", .file = "Realistic_Vision_V5.1.safetensors",
     .licence = "CreativeML OpenRAIL-M", .source = "huggingface.co/SG161222/Realistic_Vision_V5.1_noVAE",
     .defaults = {.width = 512, .height = 768, .guidance = 7}},
    {.role = LK_ROLE_VAE, .family = "sd15", .name = "vae-ft-mse", .file = "vae-ft-mse-840000-ema-pruned.safetensors",
     .licence = "MIT", .source = "huggingface.co/stabilityai/sd-vae-ft-mse-original"},
    {.role = LK_ROLE_DETECTOR, .family = "scrfd", .name = "scrfd-10g", .file = "det_10g.onnx",
     .licence = "InsightFace, non-commercial research", .source = "github.com/deepinsight/insightface (buffalo_l)"},
    {.role = LK_ROLE_DETECTOR, .family = "scrfd", .name = "scrfd-2.5g", .file = "scrfd_2.5g_bnkps_640.onnx",
     .licence = "Apache-2.0", .sha256 = "9c162a817c7dd32d35d1f1c6ae6445032d6e73c6c5fe61d8b5b663ba8bc86b30",
     .source = "github.com/cospectrum/scrfd"},
    {.role = LK_ROLE_DETECTOR, .family = "retinaface", .name = "retinaface-mobilenet", .file = "retinaface_mobilenet0.25_640.onnx",
     .licence = "MIT", .source = "github.com/biubug6/Pytorch_Retinaface (exported)"},
    {.role = LK_ROLE_DETECTOR, .family = "yunet", .name = "yunet", .file = "face_detection_yunet_2023mar.onnx",
     .licence = "MIT", .source = "github.com/opencv/opencv_zoo"},
    {.role = LK_ROLE_DETECTOR, .family = "yoloface", .name = "yoloface-8n", .file = "yoloface_8n.onnx",
     .licence = "GPL-3.0", .source = "github.com/derronqi/yolov8-face (FaceFusion's export)"},
    {.role = LK_ROLE_DETECTOR, .family = "ultraface", .name = "ultraface-320", .file = "version-RFB-320.onnx",
     .licence = "MIT", .source = "github.com/Linzaer/Ultra-Light-Fast-Generic-Face-Detector-1MB"},
    {.role = LK_ROLE_LANDMARKER, .family = "2dfan4", .name = "2dfan4", .file = "2dfan4.onnx",
     .licence = "BSD-3-Clause", .source = "github.com/1adrianb/face-alignment (FaceFusion's export)"},
    {.role = LK_ROLE_LANDMARKER, .family = "openseeface", .name = "openseeface", .file = "lm_model3_opt.onnx",
     .licence = "BSD-2-Clause", .source = "github.com/emilianavt/OpenSeeFace"},
    {.role = LK_ROLE_LANDMARKER, .family = "2d106det", .name = "2d106det", .file = "2d106det.onnx",
     .licence = "InsightFace, non-commercial research", .source = "github.com/deepinsight/insightface (buffalo_l)"},
    {.role = LK_ROLE_LANDMARKER, .family = "liveportrait", .name = "liveportrait-203", .file = "landmark.onnx",
     .licence = "MIT", .source = "huggingface.co/KwaiVGI/LivePortrait"},
    {.role = LK_ROLE_EMBEDDER, .family = "arcface", .name = "w600k-r50", .file = "w600k_r50.onnx",
     .licence = "InsightFace, non-commercial research", .source = "github.com/deepinsight/insightface (buffalo_l)",
     .defaults = {.same_person = 0.4f}},
    {.role = LK_ROLE_EMBEDDER, .family = "mobilefacenet", .name = "mobilefacenet", .file = "MobileFaceNet.onnx",
     .licence = "Apache-2.0", .sha256 = "b7120c095d60094f28a4a54ba6a8bf51b297a6273fb40ef6350dfec1f63d9507",
     .source = "github.com/foamliu/MobileFaceNet", .defaults = {.same_person = 0.41f}},
    {.role = LK_ROLE_EMBEDDER, .family = "arcface", .name = "w600k-mbf", .file = "w600k_mbf.onnx",
     .licence = "InsightFace, non-commercial research", .source = "github.com/deepinsight/insightface (buffalo_s)"},
    {.role = LK_ROLE_EMBEDDER, .family = "sface", .name = "sface", .file = "face_recognition_sface_2021dec.onnx",
     .licence = "Apache-2.0", .source = "github.com/opencv/opencv_zoo"},
    {.role = LK_ROLE_SWAPPER, .family = "inswapper", .name = "inswapper-128", .file = "inswapper_128.onnx",
     .licence = "InsightFace, non-commercial research", .embedder = "w600k-r50",
     .source = "github.com/deepinsight/insightface"},
    {.role = LK_ROLE_UPSCALER, .family = "rrdbnet", .name = "real-esrgan-x2plus", .file = "RealESRGAN_x2plus.onnx",
     .licence = "BSD-3-Clause", .source = "github.com/xinntao/Real-ESRGAN", .defaults = {.upscale = 2}},
    {.role = LK_ROLE_AGEGENDER, .family = "genderage", .name = "genderage", .file = "genderage.onnx",
     .licence = "InsightFace, non-commercial research", .source = "github.com/deepinsight/insightface (buffalo_l)"},
    {.role = LK_ROLE_FORENSICS, .family = "mesonet", .name = "meso4-df", .file = "Meso4_DF.onnx",
     .licence = "Apache-2.0", .source = "github.com/DariusAf/MesoNet (weights/Meso4_DF.h5, exported)"},
    {.role = LK_ROLE_FORENSICS, .family = "mesonet", .name = "meso4-f2f", .file = "Meso4_F2F.onnx",
     .licence = "Apache-2.0", .source = "github.com/DariusAf/MesoNet (weights/Meso4_F2F.h5, exported)"},
    {.role = LK_ROLE_NSFW, .family = "vit-nsfw", .name = "falconsai", .file = "nsfw_image_detection.onnx",
     .licence = "Apache-2.0", .source = "huggingface.co/Falconsai/nsfw_image_detection"},
    {.role = LK_ROLE_NSFW, .family = "open-nsfw", .name = "open-nsfw", .file = "open_nsfw.onnx",
     .licence = "BSD-2-Clause", .source = "github.com/yahoo/open_nsfw"},
    {.role = LK_ROLE_WATERMARK, .family = "rivagan", .name = "rivagan", .file = "rivagan_encoder.onnx",
     .licence = "MIT", .sha256 = "66bc7814fadac7d686105c8ab26c6cf2cc8e40deb83e67bb6ef5b9de9b8ece0d",
     .source = "github.com/ShieldMnt/invisible-watermark"},
};
/* clang-format on */

const struct lk_model_entry *lk__known_models(size_t *count)
{
    *count = LK_ARRAY_LENGTH(KNOWN);
    return KNOWN;
}

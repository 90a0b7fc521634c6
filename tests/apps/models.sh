#!/bin/bash
# Models as their owner meets them: fetched, checked, added. The network is a server on this machine (mirror.py).
#   models.sh PROGRAM SHARED [FETCHES]
# FETCHES: false, when the program is built without curl.
likeness=$(realpath "$1") shared=$(realpath "$2") fetches=${3:-true}
tests=$(realpath "$(dirname "$0")")
golden=$tests/../golden
. "$tests/check.sh"
pack=${LIKENESS_MODELS%%:*}
unset LIKENESS_MODELS LIKENESS_MIRROR http_proxy https_proxy all_proxy ALL_PROXY
export XDG_CONFIG_HOME=$work/config XDG_DATA_HOME=$work/data LIKENESS_STATE=$work/state no_proxy=127.0.0.1
lk=$likeness
own=data/likeness/models # the user's model folder

# A mirror with three files, and a pack.json that names them: small.onnx as it is, wrong.onnx as another, loose.onnx without a hash.
mkdir -p mirror "$own" config
head -c 300000 /dev/urandom > mirror/small.onnx
head -c 5000 /dev/urandom > mirror/wrong.onnx
head -c 5000 /dev/urandom > mirror/loose.onnx
head -c 5000 /dev/urandom > "mirror/a file+100%.onnx"
hash() { sha256sum "$1" | cut -c 1-64; }
nobody=$(printf 'f%.0s' {1..64})
python3 "$tests/mirror.py" mirror port &
server=$!
trap 'kill $server 2> /dev/null; rm -rf "$work"' EXIT
for _ in {1..100}; do [ -e port ] && break; sleep 0.1; done
at=http://127.0.0.1:$(cat port)
cat > $own/pack.json <<JSON
{"version": 1, "licence": "MIT", "models": {
 "small": {"file": "small.onnx", "family": "rrdbnet", "role": "upscaler", "bytes": 300000, "sha256": "$(hash mirror/small.onnx)",
           "url": "$at/good/small.onnx?token=geheim"},
 "inner": {"file": "faces/small.onnx", "family": "rrdbnet", "role": "upscaler", "sha256": "$(hash mirror/small.onnx)"},
 "wrong": {"file": "wrong.onnx", "family": "rrdbnet", "role": "upscaler", "sha256": "$nobody", "licence": "non-commercial"},
 "sized": {"file": "wrong.onnx", "family": "rrdbnet", "role": "vae", "bytes": 5001, "sha256": "$nobody"},
 "loose": {"file": "loose.onnx", "family": "rrdbnet", "role": "upscaler", "licence": "CC BY-NC 4.0, non-commercial"},
 "odd": {"file": "a file+100%.onnx", "family": "rrdbnet", "role": "upscaler", "sha256": "$(hash "mirror/a file+100%.onnx")"},
 "ftp": {"file": "ftp.onnx", "family": "rrdbnet", "role": "upscaler", "sha256": "$nobody", "url": "ftp://127.0.0.1/x"},
 "open": {"file": "open.onnx", "family": "rrdbnet", "role": "upscaler", "sha256": "$nobody", "url": "http://example.org/x?key=geheim"}}}
JSON

# nothing FILE…: none of them, nor a part of one, lies in the model folder.
nothing() {
    for file; do
        if compgen -G "$own/$file*" > /dev/null; then fail "left" "$own/$file"; else pass; fi
    done
}
# same NAME: it lies in the model folder as in the mirror, and no part beside it; then it goes.
same() {
    if cmp -s "mirror/$1" "$own/$1" && [ ! -e "$own/$1.part" ]; then pass; else fail "differs" "$1"; fi
    rm -f "$own/$1"
}
# part BYTES: so much of small.onnx has come already.
part() { head -c "$1" mirror/small.onnx > $own/small.onnx.part; }

# Names.
check 2 "usage: likeness models list" $lk models pull
check 4 "no model 'smal' is known .did you mean 'small'" $lk models pull smal
check 4 "no model '../../etc/passwd' is known" $lk models pull ../../etc/passwd
check 4 "no address of 'inner' is known" $lk models pull inner

if [ "$fetches" = true ]; then
    . "$tests/models_network.sh"
else
    check 1 "built without curl" $lk models pull small
fi

# From a folder; a mirror for good.
check 0 "^small" $lk models pull small --from mirror
same small.onnx
check 0 "^inner" $lk models pull inner --from "file://$work/mirror"
check 2 "'' is neither a mirror nor a folder" $lk models pull scrfd-10g --from ""
cmp -s mirror/small.onnx $own/faces/small.onnx && pass || fail "differs" inner
rm -r $own/faces
part 200000
check 0 "^small" $lk models pull small --from mirror/
same small.onnx
: > $own/small.onnx.part # another program has just begun
flock $own/small.onnx.part sleep 2 &
sleep 0.3
check 1 "is being fetched by another program" $lk models pull small --from mirror
wait $!
[ -e $own/small.onnx.part ] && pass || fail "removed" small.onnx.part
check 0 "^small" $lk models pull small --from mirror
same small.onnx
check 4 "mirror/ftp.onnx' cannot be read" $lk models pull ftp --from mirror
check 2 "not $nobody" $lk models pull wrong --from mirror
nothing wrong.onnx
LIKENESS_MIRROR=$work/mirror check 0 "^small" $lk models pull small
same small.onnx
echo "mirror = $work/mirror" > config/likeness.ini
check 0 "^odd" $lk models pull odd
same "a file+100%.onnx"
rm config/likeness.ini

# What is installed, against what the catalogue says.
check 0 "right +starter +$pack/detector.onnx" env LIKENESS_MODELS=$pack $lk models verify
check 0 '"state":"right"' env LIKENESS_MODELS=$pack $lk models verify starter --json
check 4 "is not on this machine" $lk models verify small
cp mirror/loose.onnx $own/small.onnx
check 1 "1 model is not what the catalogue says" $lk models verify
$lk models verify > out.txt 2> err.txt
says "^wrong +small +.* it has 5000 bytes, not 300000" out.txt && pass || fail "not said" verify
rm $own/small.onnx
chmod -w $own 2> /dev/null
[ -w $own ] || check 1 "cannot be made" $lk models pull small --from mirror
chmod +w $own

# A file of the user's own gets a name: what it is, its inputs and outputs say.
# added FILE WHAT: it is recognised as that.
added() {
    check 0 "^added +$2, linked: /.*/$(basename "$1")$" $lk models add "$1" --name added
    rm -r "$own"
}
# asks FILE WHAT…: it may be any of them.
asks() { check 2 "may be any of $2: say which with --family" $lk models add "$golden/$1"; }
rm -r "$own"
added $golden/find_2dfan4.onnx "landmarker of family 2dfan4"
added $golden/find_2d106det.onnx "landmarker of family 2d106det"
added $golden/find_liveportrait.onnx "landmarker of family liveportrait"
added $golden/find_mesh.onnx "landmarker of family mesh"
added $golden/find_mesh478.onnx "landmarker of family mesh478"
added $golden/find_pfld.onnx "landmarker of family pfld"
added $golden/find_pfld98.onnx "landmarker of family pfld98"
added $golden/find_yolo5.onnx "detector of family yoloface"
added $golden/find_yolo8.onnx "detector of family yoloface"
added $golden/find_sface.onnx "embedder of family sface"
added $golden/judge_genderage.onnx "agegender of family genderage"
added $golden/judge_open_nsfw.onnx "nsfw of family open-nsfw"
added $golden/judge_vit_nsfw.onnx "nsfw of family vit-nsfw"
added $golden/control_pose.onnx "pose-estimator of family rtmpose"
added $golden/refine/converter.onnx "converter of family crossface"
added $golden/refine/occluder.onnx "occluder of family xseg"
added $golden/refine/parser.onnx "parser of family bisenet"
added $golden/refine/restore_weight.onnx "restorer of family codeformer"
added $golden/refine/swap_512.onnx "swapper of family simswap_512"
added $golden/refine/swap_uniface.onnx "swapper of family uniface"
added $golden/refine/swap_blendswap.onnx "swapper of family blendswap"
added $golden/refine/upscale_window.onnx "upscaler of family any"
added $golden/ip_adapter_sd_plain.bin "ip-adapter of family sd15"
added $pack/swapper.onnx "swapper of family inswapper"
added $pack/lora/pencil.safetensors "lora of family lora"
added $pack/sd "checkpoint of family sd15"
added $shared/data/detector/scrfd_2.5g_bnkps_640.onnx "detector of family scrfd"
added $shared/data/detector/retinaface_mobilenet0.25_640.onnx "detector of family retinaface"
added $shared/data/detector/ultraface_RFB-320.onnx "detector of family ultraface"
added $shared/data/detector/yunet_n_dynamic.onnx "detector of family yunet"
added $shared/data/landmark/opensee_lm_model0_opt.onnx "landmarker of family openseeface"
added $shared/data/embedder/MobileFaceNet.onnx "embedder of family mobilefacenet"
added $shared/data/watermark/rivagan_encoder.onnx "watermark of family rivagan"
added $shared/data/converted/Meso4_DF.onnx "forensics of family mesonet" # by its name
asks find_embedder.onnx "embedder:arcface, embedder:cosface, embedder:adaface"
asks judge_probability.onnx "forensics:probability, forensics:mesonet"
asks control_depth.onnx "depth-estimator:depth-anything, depth-estimator:dpt, depth-estimator:midas"
asks refine/restore.onnx "restorer:gfpgan, restorer:restoreformer, restorer:gpen"
asks refine/swap_plain.onnx "swapper:hyperswap, swapper:simswap, swapper:ghost, swapper:hififace"
check 2 "has inputs and outputs of no family that is known" $lk models add $shared/data/parsing/SINet_Softmax.onnx
check 2 "is a textual inversion" $lk models add $shared/data/diffusion/ti_EasyNegative.safetensors
check 2 "mirror.py'" $lk models add $tests/mirror.py
check 4 "'nosuch.onnx' cannot be read" $lk models add nosuch.onnx
[ -e $own/pack.json ] && fail "named" "$(cat $own/pack.json)" || pass

# --family decides, --name names; another file of that name, or another model, stays as it is.
restore=$golden/refine/restore.onnx
check 2 "is not codeformer: it looks like restorer:gfpgan, restorer:restoreformer" $lk models add $restore --family codeformer
check 0 "^mine +restorer of family gpen, copied" $lk models add $restore --family gpen --name mine --copy
[ -f $own/restore.onnx ] && [ ! -L $own/restore.onnx ] && pass || fail "no copy" "$(ls -l $own)"
check 2 "restore.onnx' is there already" $lk models add $restore --family gpen --name other
check 0 "^other +restorer of family gfpgan, there" $lk models add $own/restore.onnx --family restorer:gfpgan --name other
check 2 "has a model 'mine' already" $lk models add $pack/parser.onnx --name mine
check 2 "'detector' is no name of a model but of a role" $lk models add $pack/detector.onnx --name detector
for name in "" a/b ../a a:b a,b $'a\nb' -a; do check 2 "is no name of a model: give another" $lk models add $pack/detector.onnx --name="$name"; done
[ "$(ls $own)" = $'pack.json\nrestore.onnx' ] && pass || fail "left" "$(ls $own)"
check 0 "^SINet_Softmax +parser of family bisenet" $lk models add $shared/data/parsing/SINet_Softmax.onnx --family parser:bisenet
check 0 '"name":"mobilefacenet".*"how":"linked".*"licence":"Apache-2.0"' $lk models add $shared/data/embedder/MobileFaceNet.onnx --json
check 0 "right +mine" $lk models verify
check 0 "^restorer +mine +gpen .*$own/restore.onnx" $lk models list

# What a licence forbids is said where the model is used.
check 0 "^nc +upscaler" $lk models add $pack/upscaler.onnx --name nc
sed -i '/"nc"/,/}/s/not known/somebody, non-commercial/' $own/pack.json
vips black black.png 32 32 --bands 3
check 0 "not for commercial use, by the licence of upscaler nc" $lk upscale black.png --upscaler nc -o large.png --report report.json
check 0 "not for commercial use, by the licence of upscaler nc" cat report.json
check 0 "" $lk upscale black.png -o large.png --report report.json
says "commercial" report.json err.txt && fail "said of the starter" "$(cat err.txt)" || pass

counted

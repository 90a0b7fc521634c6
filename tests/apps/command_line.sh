#!/bin/bash
# The command line as a user meets it: exit codes, one-line errors, nothing half-written. Uses the starter pack.
#   command_line.sh PROGRAM SHARED
likeness=$(realpath "$1") shared=$(realpath "$2") golden=$(realpath "$(dirname "$0")/../golden")
. "$(dirname "$0")/check.sh"
export XDG_CONFIG_HOME=$work/config XDG_DATA_HOME=$work/data LIKENESS_STATE=$work/state

# equal A B: two files of the same bytes.
equal() {
    if cmp -s "$1" "$2"; then passed=$((passed + 1)); else echo "FAILED: $1 and $2 differ"; failed=$((failed + 1)); fi
}

lk=$likeness
photo=$shared/data/photos/fr_obama.jpg
other=$shared/data/photos/fr_biden.jpg
scrfd=scrfd:$shared/data/detector/scrfd_2.5g_bnkps_640.onnx
mobile=mobilefacenet:$shared/data/embedder/MobileFaceNet.onnx

# Help and usage.
check 0 'usage: likeness COMMAND' $lk --help
check 0 '^likeness [0-9]' $lk --version
for command in portrait draw swap detect compare inspect run cast models audit doctor bench; do
    check 0 "usage: likeness $command" $lk $command --help
done
check 2 "no command" $lk paint
check 2 "something is missing" $lk portrait
check 2 "too many words" $lk portrait a red house -o x.png
check 2 "no option of this command" $lk portrait "a man" --stepz 3 -o x.png
check 2 "needs a value" $lk portrait "a man" -o
check 2 "give -o" $lk portrait "a man"

# Values.
check 2 "multiples of 8" $lk draw "a man" --size 0x0 -o x.png
check 2 "multiples of 8" $lk draw "a man" --size 100000x100000 -o x.png
check 2 "multiples of 8" $lk draw "a man" --size 100x100 -o x.png
check 2 "not a size" $lk draw "a man" --size big -o x.png
check 2 "from 1 to 1000" $lk draw "a man" --steps 0 -o x.png
check 2 "from 0 to 100" $lk draw "a man" --guidance nan -o x.png
check 2 "none of ddim" $lk draw "a man" --sampler polyester -o x.png
check 2 "karras" $lk draw "a man" --sampler ddim --schedule karras -o x.png
check 2 "UTF-8" $lk draw $'a \xff man' -o x.png
check 2 "prompt" $lk draw "" -o x.png
check 2 "prompt" $lk draw "   " -o x.png
check 2 "nobody is named" $lk portrait "a man" --face left= -o x.png

# How a prompt is read, without a model and without a place for the picture.
grammar="a (red hair:1.4) [woman:man:0.5] AND a [hat]:0.5 <lora:x:0.7>"
check 0 "^part 2 of 2, weight 0.5" $lk draw "$grammar" --explain
check 0 "steps 3 to 4: \"a \(red hair:1.4\) man\"" $lk portrait "$grammar" --steps 4 --explain
check 0 "2 × 1.4" env LIKENESS_MODELS=$work $lk draw "$grammar" --explain
check 0 '"loras": \[\{"name": "x", "unet": 0.7.*"tree": \["a ", \{"emphasis": "\(\)", "of": \["red hair"\], "weight": "1.4"\}, " ", \{"until": 0.5' \
    $lk draw "$grammar" --explain --json
check 0 "8 of <ti_EasyNegative> × 1.2" $lk draw "a" --negative "(ti_easynegative:1.2)" --embedding $shared/data/diffusion/ti_EasyNegative.safetensors --explain
check 4 "nosuch" $lk draw "a" --model nosuch --explain
check 4 "no vae 'nosuch'" $lk draw "a" --vae nosuch --explain
check 2 "name the same file" $lk draw "a" --preview ./x.png -o x.png
check 2 "<hypernet:x:1>" $lk draw "<hypernet:x:1>" --explain
check 4 "nosuch.safetensors" $lk draw "a man" --embedding nosuch.safetensors -o x.png
check 2 "is it a LoRA" $lk draw "a man" --embedding $shared/data/diffusion/analog_svd_rank4_cloneofsimo.safetensors -o x.png
check 2 "vectors of 768 numbers, the text encoder .* takes" $lk draw "ti_easynegative" --embedding $shared/data/diffusion -o x.png

# LoRAs.
loras=$shared/data/diffusion
check 4 "no lora 'nosuch' is known" $lk draw "a man" --lora nosuch:0.5 -o x.png
check 2 "is a path: a prompt names LoRAs" $lk draw "a man <lora:../../../etc/passwd:1>" -o x.png
check 2 "four factors from 0 to 10" $lk draw "a man" --freeu 1e30,1,1,1 -o x.png
check 2 "from -100 to 100" $lk draw "a man" --lora $loras/lora_disney_cloneofsimo.safetensors:1e9 -o x.png
check 2 "is not made for checkpoint .* for SD 1.x" $lk draw "a man" --lora $loras/lora_sd15_diffusers_catundchat.safetensors -o x.png
check 2 "is no LoRA" $lk draw "a man" --lora $loras/ti_EasyNegative.safetensors -o x.png
check 0 "2 of 386 keys: first <s1>" $lk models show $loras/lora_disney_cloneofsimo.safetensors

# Files that are not there, not what they should be, or not writable.
check 4 "nosuch" $lk draw "a man" --model nosuch -o x.png
check 4 "nosuch.safetensors" $lk draw "a man" --model ./nosuch.safetensors -o x.png
check 2 "LFS" $lk draw "a man" --model $shared/data/corrupt/lfs_pointer_v1-5-pruned-emaonly.safetensors -o x.png
check 2 "would run posix.system" $lk draw "a man" --model $golden/pickle/evil_plain.ckpt -o x.png
check 2 "would run posix.system" $lk draw "a man" --lora $golden/pickle/evil_zip.pt -o x.png
check 2 "would run posix.system" $lk draw "a man" --embedding $golden/pickle/evil_stack.ckpt -o x.png
[ ! -e /tmp/likeness-was-here ] && pass || fail "run" "a pickle"
check 2 "is a textual inversion" $lk draw "a man" --model $shared/data/diffusion/ti_bad_prompt_version2.pt -o x.png
head -c 5000 /dev/urandom > noise.safetensors
check 2 "noise.safetensors" $lk draw "a man" --model noise.safetensors -o x.png
: > empty.safetensors
check 2 "empty" $lk draw "a man" --model empty.safetensors -o x.png
check 2 "nosuch.png" $lk detect nosuch.png
head -c 20000 $photo > cut.jpg
check 2 "cut.jpg" $lk detect cut.jpg
: > empty.png
check 2 "empty.png" $lk detect empty.png
check 4 "nosuch.onnx" $lk detect $photo --detector scrfd:nosuch.onnx
head -c 3000 ${scrfd#scrfd:} > cut.onnx
check 2 "cut.onnx" $lk detect $photo --detector scrfd:cut.onnx
check 2 "MobileFaceNet" $lk detect $photo --detector scrfd:${mobile#mobilefacenet:}
check 2 "family" $lk detect $photo --detector foo:${scrfd#scrfd:}
check 2 "folder" $lk draw "a man" -o nosuch/x.png
check 2 "ending" $lk draw "a man" -o x.gif
mkdir -p dir.png
check 2 "is a folder" $lk draw "a man" -o dir.png
check 2 "face" $lk portrait "a man" --face $shared/data/photos/noface_hemlock_2.jpg --consent self --detector $scrfd -o x.png
check 2 "nosuch.json" $lk run nosuch.json -o x.png
echo '{"likeness": 1, "task": "draw", "stepz": 1}' > bad.json
check 2 "stepz" $lk run bad.json -o x.png

# Configuration and environment.
mkdir -p config
echo "stepz = 3" > config/likeness.ini
check 2 "likeness.ini: 'stepz' is no option" $lk draw "a man" -o x.png
echo "steps = many" > config/likeness.ini
check 2 "likeness.ini: steps" $lk draw "a man" -o x.png
rm config/likeness.ini
LIKENESS_STEPS=many check 2 "LIKENESS_STEPS" $lk draw "a man" -o x.png

# The main job. 64x64 is quickest; pictures of that size have no hidden mark, so their bytes are what was drawn.
small="--size 64x64"
check 0 "drawn.png" $lk draw "a lighthouse by the sea" --seed 3 --steps 4 $small -o drawn.png
check 0 "again.png" $lk draw "a lighthouse by the sea" --seed 3 --steps 4 $small -o again.png
equal drawn.png again.png
printf '[draw]\nsteps = 4\nseed = 3\nsize = 64x64\n' > config/likeness.ini
check 0 "again.png" $lk draw "a lighthouse by the sea" -o again.png
equal drawn.png again.png
check 0 "more.png" $lk draw "a lighthouse by the sea" --seed 3 --steps 5 -o more.png
if cmp -s drawn.png more.png; then echo "FAILED: the command line does not win"; failed=$((failed + 1)); fi
rm config/likeness.ini
check 0 "many-1.png" $lk draw "a lighthouse by the sea" --seed 2 --steps 4 --count 2 $small -o many.png
equal drawn.png many-1.png
echo '{"likeness": 1, "task": "draw", "prompt": "a lighthouse by the sea", "seed": 3, "steps": 4, "size": "64x64"}' > request.json
# The model's own schedule gives way to a sampler that has its times.
mkdir models && ln -s "${LIKENESS_MODELS%%:*}/sd" models/sd
echo '{"version": 1, "models": {"mine": {"file": "sd", "family": "sd15", "role": "checkpoint", "schedule": "karras"}}}' > models/pack.json
LIKENESS_MODELS=models:$LIKENESS_MODELS check 0 "the model's schedule 'karras' is not for ddim.* normal is taken" \
    $lk draw "a man" --model mine --sampler ddim --steps 1 $small -v -o again.png
check 0 "again.png" $lk run request.json -o again.png
equal drawn.png again.png
$lk draw "a lighthouse by the sea" --seed 3 --steps 4 $small -q -o - > again.png
equal drawn.png again.png
check 0 '"faces": *\[\]' $lk portrait "a lighthouse by the sea" --seed 3 --steps 4 $small --upscale 1 --report - -o noface.png
# No face: what portrait writes has draw's pixels, every one.
[ "$(vips getpoint drawn.png 5 5)" = "$(vips getpoint noface.png 5 5)" ] &&
    vips subtract drawn.png noface.png difference.v && [ "$(vips max difference.v)" = 0.000000 ] && [ "$(vips min difference.v)" = 0.000000 ]
if [ $? = 0 ]; then passed=$((passed + 1)); else echo "FAILED: the face stage changed a picture without a face"; failed=$((failed + 1)); fi
check 0 "a lighthouse by the sea" $lk inspect drawn.png
check 0 "trainedAlgorithmicMedia" $lk inspect drawn.png --json
long=$(printf 'red hair, %.0s' $(seq 1000))
check 0 "long.png" $lk draw "$long" --steps 1 $small -o long.png
for format in jpg webp tif; do
    check 0 "f.$format" $lk draw "a man" --steps 1 $small -o "f.$format"
    check 0 "Prompt|prompt|a man" $lk inspect "f.$format"
done
check 0 "starter" $lk models list
check 0 "family +SD 1.x" $lk models show starter
check 0 "unet +[0-9.]+ M parameters in " $lk models show starter
check 2 "'sometimes' is none of auto" $lk draw "a man" --prediction sometimes -o x.png
check 4 "refiner" $lk draw "a man" --refiner nosuch -o x.png
check 0 "unet.onnx" $lk models export starter unet -o unet.onnx
check 0 "ONNX Runtime" $lk doctor
check 2 "device 'abacus' is unknown; this machine has .*cpu" $lk draw "x" --steps 1 --device abacus -o x.png
check 2 "precision.*auto|f32|f16|bf16|int8" $lk draw "x" --steps 1 --precision f8 -o x.png
if ! $lk doctor | grep -q "devices.*cuda"; then
    check 0 "cuda  *not here: ..*" $lk doctor
    check 4 "device 'cuda' does not work here: ..*; this machine has cpu" $lk draw "x" --steps 1 --device cuda -o x.png
    check 4 "device 'tensorrt' does not work here: ..*" $lk draw "x" --steps 1 --draw-device tensorrt -o x.png
fi
check 2 "'unet' is computed in f16 by GPUs alone" $lk draw "x" --steps 1 --size 64x64 --device cpu --precision f16 -o x.png
check 0 '"step": ."seconds": [0-9]' $lk bench --runs 1 --json
check 2 "not a regular file" $lk bench .

# Packed weights on disk: the same picture, by the second start, too; what cannot be kept is a remark.
check 0 "p1.png" $lk draw "a man" --seed 1 --steps 2 --pack-cache packs -o p1.png
check 0 "unet-.*pack" ls packs
check 0 "start: the first step began" $lk draw "a man" --seed 1 --steps 2 --pack-cache packs -v -o p2.png
check 0 "" cmp p1.png p2.png
check 2 "'' is no folder: give one, auto or off" $lk draw "a man" --steps 1 --pack-cache "" -o p3.png
check 0 "packed weights are not kept" $lk draw "a man" --seed 1 --steps 2 --pack-cache /proc/no -o p3.png
check 0 "" cmp p1.png p3.png

# Real networks.
check 0 '"box"' $lk detect $photo --detector $scrfd --json
check 0 '"faces": *\[\]' $lk detect $shared/data/photos/noface_hemlock_2.jpg --detector $scrfd --json
check 0 '"same": *true' $lk compare $photo $shared/data/photos/fr_obama2.jpg --detector $scrfd --embedder $mobile --json
check 0 '"same": *false' $lk compare $photo $other --detector $scrfd --embedder $mobile --json

# The hidden mark: the report and inspect name it, the same picture has the same one, and a picture of ours keeps it.
mark_of() { grep -oE '"id": *"[0-9a-f]{16}"' "$1" | head -1; }
swap="--face $other --consent self --detector $scrfd"
check 0 '"chained": *false' $lk swap $photo $swap --report - -o once.png
mark_of out.txt > first.txt
check 0 "$(cat first.txt)" $lk inspect once.png --json
check 0 '"chained": *true' $lk swap once.png $swap --report - -o twice.jpg
mark_of out.txt > second.txt
equal first.txt second.txt
check 0 "hidden mark   [0-9a-f]{16}, [0-9]+ % of its signs" $lk inspect twice.jpg
check 0 '"watermark": *null' $lk inspect $photo --json
# One that has nearly faded is written again.
check 0 "." $lk portrait "a young woman with red hair" --seed 101 --steps 8 --refine none --report - -o woman.png
mark_of out.txt > first.txt
for q in $(seq 40 -2 2); do
    vips jpegsave woman.png next.jpg --Q "$q"
    $lk inspect next.jpg --json | grep -q '"watermark": {' || break
    mv next.jpg faded.jpg
done
check 0 "[67][0-9] % of its signs" $lk inspect faded.jpg
check 0 '"chained": *true' $lk swap faded.jpg --face woman.png --consent self --report - -o fresh.jpg
mark_of out.txt > second.txt
equal first.txt second.txt
check 0 "(9[0-9]|100) % of its signs" $lk inspect fresh.jpg
printf '%064d\n' 7 > other.key
check 0 "hidden mark   none of this key" $lk inspect once.png --watermark-key other.key
check 4 "nosuch.key" $lk draw "a man" --watermark-key nosuch.key -o x.png
check 2 "64 hex digits" $lk draw "a man" --watermark-key request.json -o x.png
[ "$(stat -c %a state/watermark.key)" = 600 ] || { echo "FAILED: others may read the key"; failed=$((failed + 1)); }
check 0 "too small for the hidden mark" $lk draw "a man" --size 64x64 --steps 1 -o small.png
check 0 "marked.png" $lk draw "a man" --steps 1 --visible-mark "made by AI" -o marked.png
check 2 "none of own" $lk draw "a man" --watermark-method svd -o x.png
check 4 "rivagan_encoder.onnx" $lk draw "a man" --watermark-method rivagan -o x.png
check 2 "logo.png" $lk draw "a man" --steps 1 --visible-mark logo.png -o x.png

# A full disk and an interrupt leave nothing behind.
# Files of at most 64 KiB, and no signal for more, are a full disk for which nobody has to be root. The ledger still fits.
mkdir small
check 1 "nothing was left" bash -c 'trap "" XFSZ; ulimit -f 64; exec "$@"' bash $lk draw "a lighthouse by the sea" --steps 1 --size 320x320 --audit audit.db -o small/x.png
[ -z "$(ls small)" ] || { echo "FAILED: the full disk holds $(ls small)"; failed=$((failed + 1)); }
$lk draw "a man" --steps 900 -o x.png > /dev/null 2> err.txt &
pid=$!
# The shell has started it with Ctrl-C ignored: not before it listens itself.
for _ in $(seq 300); do grep -q '^SigCgt.*[2367abef]$' /proc/$pid/status && break; sleep 0.1; done
sleep 1
kill -INT $pid
wait $pid
code=$?
if [ $code = 130 ] && [ "$(wc -l < err.txt)" = 1 ] && ! ls x.png* > /dev/null 2>&1; then passed=$((passed + 1)); else echo "FAILED: interrupted: $code"; cat err.txt; failed=$((failed + 1)); fi

counted

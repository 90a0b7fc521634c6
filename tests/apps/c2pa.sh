#!/bin/bash
# C2PA as an operator meets it: what is signed is read back by `inspect`, and by the reference's Python package where it is there.
#   [PYTHON=python-with-c2pa-python] c2pa.sh PROGRAM SHARED
likeness=$(realpath "$1") shared=$(realpath "$2")
tests=$(realpath "$(dirname "$0")")
. "$tests/check.sh"
export XDG_CONFIG_HOME=$work/config XDG_DATA_HOME=$work/data LIKENESS_STATE=$work/state

lk=$likeness
samples=$shared/data/watermark
detector="--detector scrfd:$shared/data/detector/scrfd_2.5g_bnkps_640.onnx"
"$tests/../support/c2pa_keys" keys es256
"$tests/../support/c2pa_keys" others ed25519
sign=(--c2pa-key keys/key.pem --c2pa-certificate keys/chain.pem)

# Without the library: all works but what asks for it.
LIKENESS_C2PA=/nowhere check 0 "^C2PA +not read: .*tools/setup" $lk inspect $samples/c2pa_C.jpg
LIKENESS_C2PA=/nowhere check 0 '"c2pa": \{"state": "unread", "why"' $lk inspect $samples/c2pa_C.jpg --json
LIKENESS_C2PA=/nowhere check 4 "C2PA library is not found" $lk draw "a man" --steps 1 "${sign[@]}" -o x.png
LIKENESS_C2PA=/nowhere check 4 "C2PA library is not found" $lk inspect $samples/c2pa_C.jpg --c2pa-trust keys/root.pem
if $lk doctor | grep -q "C2PA library is not found"; then
    echo "the C2PA library is not there: the rest is left out"
    counted
    exit
fi

# The samples.
check 0 "^C2PA +no manifest" $lk inspect $samples/c2pa_A_none.jpg
check 0 "^C2PA +valid, by a signer who is not on a list" $lk inspect $samples/c2pa_C.jpg
check 0 "claimSignature.mismatch" $lk inspect $samples/c2pa_E-sig-CA.jpg
check 0 "^C2PA +INVALID: the file was changed since" $lk inspect $samples/c2pa_XCA.jpg
check 0 '"state": "invalid".*"changed": true' $lk inspect $samples/c2pa_XCA.jpg --json

# Refused before anything is computed.
check 2 "give --c2pa-certificate too" $lk draw "a man" --c2pa-key keys/key.pem -o x.png
check 2 "give --c2pa-key too" $lk draw "a man" --c2pa-certificate keys/chain.pem -o x.png
check 4 "nosuch.pem" $lk draw "a man" --c2pa-key nosuch.pem --c2pa-certificate keys/chain.pem -o x.png
check 2 "cannot be signed" $lk draw "a man" --c2pa-key keys/key.pem --c2pa-certificate others/chain.pem -o x.png
check 2 "" $lk draw "a man" --c2pa-key keys/chain.pem --c2pa-certificate keys/chain.pem -o x.png

# What is drawn, in every format: whole, ours, and with a row of the bytes that left.
for format in png jpg webp tif; do
    check 0 "s.$format" $lk draw "a man" --steps 1 --seed 3 "${sign[@]}" -o s.$format
    check 0 "^C2PA +valid, by a trusted signer" $lk inspect s.$format --c2pa-trust keys/root.pem
    check 0 '"state": "valid", "generator": "likeness [0-9.]+".*digitalsourcetype/trainedAlgorithmicMedia' $lk inspect s.$format --json
    check 0 "^audit .*by its bytes" $lk inspect s.$format
    check 0 "^parameters +a man" $lk inspect s.$format
done
check 0 "o.png" $lk draw "a man" --steps 1 --seed 3 --c2pa-key others/key.pem --c2pa-certificate others/chain.pem -o o.png
check 0 "^C2PA +valid, by a signer who is not on" $lk inspect o.png --c2pa-trust keys/root.pem

# A manifest changes no pixel.
check 0 "plain.png" $lk draw "a man" --steps 1 --seed 3 -o plain.png
if vips subtract plain.png s.png d.v && [ "$(vips max d.v)" = 0.000000 ] && [ "$(vips min d.v)" = 0.000000 ]; then pass; else fail pixels s.png; fi

# What a photo became names that photo.
vips thumbnail "$shared/data/photos/fr_obama.jpg" photo.jpg 400
vips thumbnail "$shared/data/photos/fr_biden.jpg" face.jpg 400
check 0 "swapped.jpg" $lk swap photo.jpg --face face.jpg --consent self $detector "${sign[@]}" -o swapped.jpg
check 0 '"state": "trusted".*digitalsourcetype/compositeWithTrainedAlgorithmicMedia' $lk inspect swapped.jpg --json --c2pa-trust keys/root.pem

# The reference's answer to our files.
python=${PYTHON:-python3}
if "$python" -c "import c2pa" 2> /dev/null; then
    for file in s.png s.jpg s.webp s.tif swapped.jpg; do
        check 0 "^$file	trusted	1	likeness .*	Test operator	likeness test	-	0	.*[tT]rainedAlgorithmicMedia	-$" \
            "$python" "$tests/../../tools/golden/manifests.py" --trust keys/root.pem $file
    done
else
    echo "no c2pa-python here: its answer is not asked for"
fi
counted

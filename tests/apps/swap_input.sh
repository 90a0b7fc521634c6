#!/bin/bash
# What people bring: pictures of every kind through `swap`, and files that are none. The right result, or one line that says why not. A real
# photo and detector; who is swapped in by the starter pack.
#   swap_input.sh PROGRAM SHARED
likeness=$(realpath "$1") shared=$(realpath "$2")
tests=$(realpath "$(dirname "$0")")
. "$tests/check.sh"
export XDG_CONFIG_HOME=$work/config XDG_DATA_HOME=$work/data LIKENESS_STATE=$work/state
photos=$shared/data/photos real=$shared/data/embedder/MobileFaceNet.onnx
vips thumbnail "$photos/fr_obama.jpg" "photo.png[strip]" 480
vips thumbnail "$photos/fr_biden.jpg" face.jpg 300
width=$(vipsheader -f width photo.png) height=$(vipsheader -f height photo.png)
options=(--detector "scrfd:$shared/data/detector/scrfd_2.5g_bnkps_640.onnx" --consent self)

# swapped FILE WIDTH HEIGHT: its face gets the other's identity, in a picture of that size.
swapped() {
    check 0 "" $likeness swap "$1" --face face.jpg "${options[@]}" --report report.json -o out.png
    check 0 "^1 changed, $2 $3$" python3 -c "
import json
p = json.load(open('report.json'))['pictures'][0]
print(sum(f['fate'] == 'changed' for f in p['faces']), 'changed,', p['width'], p['height'])"
    [ "$(vipsheader -f width out.png) $(vipsheader -f height out.png)" = "$2 $3" ] && pass || fail "size" "$1"
    rm -f out.png report.json
}

# Kinds of pixels.
vips colourspace photo.png grey.png b-w
vips colourspace photo.png cmyk.tif cmyk
vips bandjoin_const photo.png alpha.png 230
vips colourspace photo.png deep.png rgb16
for kind in photo.png grey.png cmyk.tif alpha.png deep.png; do swapped $kind "$width" "$height"; done

# Lying on its side, with an EXIF that says so.
vips rot photo.png "lying.jpg[strip]" d270
python3 - <<'EOF'
import struct
jpeg = open("lying.jpg", "rb").read()
exif = b"Exif\0\0II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x112, 3, 1, 6, 0, 0)
open("turned.jpg", "wb").write(jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:])
EOF
swapped turned.jpg "$width" "$height"

# Cut by the border through the middle of the face.
middle=$((width * 49 / 100))
vips crop photo.png right.png $middle 0 $((width - middle)) "$height"
vips crop photo.png low.png 0 $((height * 21 / 100)) "$width" $((height * 79 / 100))
swapped right.png $((width - middle)) "$height"
swapped low.png "$width" $((height * 79 / 100))

# Too little and too much.
vips crop photo.png dot.png 0 0 1 1
check 0 "face.jpg is not in the picture" $likeness swap dot.png --face face.jpg "${options[@]}" -o out.png
check 2 "photo 'dot.png'|no face" $likeness swap photo.png --face dot.png "${options[@]}" -o x.png
python3 - <<'EOF'
import struct, zlib
chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
head = struct.pack(">IIBBBBB", 20000, 20000, 8, 2, 0, 0, 0)
open("huge.png", "wb").write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(60001))) + chunk(b"IEND", b""))
EOF
check 2 "20000x20000 pixels is too" $likeness swap huge.png --face face.jpg "${options[@]}" -o x.png
check 2 "20000x20000 pixels is too" $likeness swap photo.png --face huge.png "${options[@]}" -o x.png

# Nobody's face.
check 2 "no face is found in 'noface_hemlock_2.jpg'" $likeness swap photo.png --face "$photos/noface_hemlock_2.jpg" "${options[@]}" -o x.png
check 0 "face.jpg is not in the picture" $likeness swap "$photos/noface_ipazc.jpg" --face face.jpg "${options[@]}" -o out.png

# Another role's network.
for role in detector landmarker swapper restorer upscaler parser occluder agegender; do
    check 2 "is no $role of family" $likeness swap photo.png --face face.jpg --face-mask region,occlusion "${options[@]}" --$role "$real" -o x.png
done
check 2 "is no embedder of family" $likeness swap photo.png --face face.jpg "${options[@]}" --embedder "$shared/data/converted/Meso4_DF.onnx" -o x.png

counted

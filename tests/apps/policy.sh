#!/bin/bash
# The policy as a user and an operator meet it: refused before anything is computed, exit 3, one line; warned of; and what
# networks that judge hold back. Uses the starter pack, and tiny networks whose answer is the mean colour's.
#   policy.sh PROGRAM SHARED
likeness=$(realpath "$1") shared=$(realpath "$2") golden=$(realpath "$(dirname "$0")/../golden")
. "$(dirname "$0")/check.sh"
export XDG_CONFIG_HOME=$work/config XDG_DATA_HOME=$work/data LIKENESS_STATE=$work/state
mkdir config
lk=$likeness
quick="--steps 1 --size 64x64"
scrfd=scrfd:$shared/data/detector/scrfd_2.5g_bnkps_640.onnx
photo=$shared/data/photos/fr_obama.jpg

# Requests. Nothing is computed: a model that is not there is not even looked for.
check 3 "policy rule 'sexual'.*--negative" $lk draw "a nude woman" --model nosuch -o x.png
check 3 "policy rule 'sexual'" $lk portrait "(nud:1.3)e woman" -o x.png
check 3 "policy rule 'sexual'" $lk draw "nu[x|]de woman" -o x.png
check 3 "policy rule 'sexual'" $lk portrait "nu[de:0.9]<lora:x:1> woman" -o x.png
check 3 "policy rule 'child'.*never drawn" $lk draw "a n4ked ch1ld" -o x.png
check 3 "policy rule 'sexual'" $lk draw "a woman" --negative "clothes" -o x.png
if grep -qiE "nude|naked|n4ked" err.txt; then fail "repeats the words" "$(cat err.txt)"; else pass; fi
echo '{"likeness": 1, "task": "draw", "prompt": "a nude woman", "size": "64x64", "steps": 1}' > request.json
check 3 "policy rule 'sexual'" $lk run request.json -o x.png
check 0 "a.png" $lk draw "a woman" --negative "nsfw, nude" $quick -o a.png
check 0 "names a real person, Barack Obama" $lk draw "barack obama" $quick -o a.png

# Levels and rules are the operator's, in every way an option can be given, and stand in report and audit.
check 0 "the prompt asks for sexual content" $lk draw "a nude woman" --policy-levels sexual=warn $quick -o a.png
check 0 '\\"hits\\":\[\\"sexual\\"\].*\\"sexual\\":\\"warn\\"' $lk audit log --json
check 3 "policy rule 'person'" env LIKENESS_POLICY_LEVELS=person=refuse $lk draw "barack obama" -o x.png
echo "policy-levels = person=refuse,sexual=off" > config/likeness.ini
check 3 "policy rule 'person'" $lk draw "barack obama" -o x.png
check 0 '"sexual": "off"' $lk draw "a nude woman" $quick --report - -o a.png
check 3 "policy rule 'child'" $lk draw "a nude child" -o x.png
rm config/likeness.ini
check 2 "'child' always refuses" $lk draw "a cat" --policy-levels child=off -o x.png
check 2 "no rule 'sxual'" $lk draw "a cat" --policy-levels sxual=off -o x.png
check 4 "nosuch.rules" $lk draw "a cat" --policy nosuch.rules -o x.png
printf 'rule brand refuse\n    wen acme\n' > bad.rules
check 2 "'bad.rules' line 2" $lk draw "a cat" --policy bad.rules -o x.png
printf 'list acme\n    acme soap\nrule brand refuse\n    says asks for a brand\n    when acme\n' > own.rules
check 3 "asks for a brand \(policy rule 'brand'\)" $lk draw "a bar of ACME-Soap" --policy own.rules -o x.png
check 4 "policy.rules" env LIKENESS_RULES=nosuch/policy.rules $lk draw "a cat" -o x.png

# Pictures. The report of a picture that is refused is written nowhere, nor has it a row.
nsfw=vit-nsfw:$golden/judge_vit_nsfw.onnx
vips black black.v 256 256 --bands 3
vips linear black.v red.png "0 0 0" "250 20 20" --uchar
vips linear black.v blue.png "0 0 0" "5 20 250" --uchar
init="--strength 0.05 --steps 20 --size 256x256"
check 3 "picture 0 is taken for sexual content \([01]\.[0-9]+, policy rule 'nsfw'\)" $lk draw "red" --init red.png $init --nsfw $nsfw -o x.png
check 0 '"nsfw": 0\.[0-4]' $lk draw "blue" --init blue.png $init --nsfw $nsfw --report - -o a.png
check 0 "picture 0 is taken for sexual content" $lk draw "red" --init red.png $init --nsfw $nsfw --policy-levels nsfw=warn -o a.png
check 2 "is no nsfw of family vit-nsfw" $lk draw "a cat" --nsfw $golden/judge_probability.onnx $quick -o x.png

# Faces. judge_probability is sure of what is red, judge_genderage thinks it old and what is blue young.
put_in=probability:$golden/judge_probability.onnx
check 0 '"forensic": *0\.[0-9]+' $lk inspect $photo --detector $scrfd --forensics $put_in --json
check 0 "face 0 .*% sure that it was put in" $lk inspect $photo --detector $scrfd --forensics $put_in
check 0 "face 0 .*% sure" $lk inspect $photo --detector $scrfd --forensics mesonet:$shared/data/converted/Meso4_DF.onnx
check 0 '"forensic": 0\.[0-9]+' $lk swap $photo --face $photo --consent self --detector $scrfd --forensics $put_in --report - -o a.png
printf 'rule forensics warn\n    from 0.01\n' > low.rules
check 0 "picture 0 has a face that looks put in" $lk swap $photo --face $photo --consent self --detector $scrfd --forensics $put_in --policy low.rules -o a.png
check 3 "picture 0 has a face that looks put in .*rule 'forensics'" $lk swap $photo --face $photo --consent self --detector $scrfd --forensics $put_in --policy low.rules --policy-levels forensics=refuse -o x.png
check 0 '"faces": \[\]' $lk draw "blue" --init blue.png $init --forensics $put_in --report - -o a.png
for band in 0 1 2; do vips extract_band $photo $band.v $band; done
vips bandjoin "2.v 1.v 0.v" young.png
age="--agegender genderage:$golden/judge_genderage.onnx --detector $scrfd"
check 3 "years old \(policy rule 'child-face'\)" $lk swap $photo --face young.png --consent self $age -o x.png
check 3 "years old \(policy rule 'child-face'\)" $lk swap young.png --face $photo --consent self $age -o x.png
check 0 '"years"' $lk swap $photo --face $photo --consent self $age --report - -o a.png
check 3 "looks like a child's, and the prompt asks" $lk portrait "a nude woman" --policy-levels sexual=warn --face young.png --consent self $age -o x.png
for picture in "--init young.png" "--control canny:young.png" "--ip-adapter nosuch:young.png --consent self"; do
    check 3 "looks like a child's, and the prompt asks" $lk draw "a nude woman" --policy-levels sexual=warn $picture $age -o x.png
done
check 3 "looks like a child's, and the prompt asks" $lk redraw young.png "a nude woman" --policy-levels sexual=warn $age -o x.png

counted

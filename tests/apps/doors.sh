#!/bin/bash
# Every subcommand as a door: no picture comes out of it refused, unmarked, half-way or without a row in the audit. The names are
# read from `likeness --help`; one without attempts here fails. What a program that embeds the library may try is
# tests/pipeline/test_doors.c. Uses the starter pack.
#   doors.sh PROGRAM
likeness=$(realpath "$1") golden=$(realpath "$(dirname "$0")/../golden")
. "$(dirname "$0")/check.sh"
export XDG_CONFIG_HOME=$work/config XDG_DATA_HOME=$work/data LIKENESS_STATE=$work/state
unset LIKENESS_PASSPHRASE
lk=$likeness
quick="--steps 2 --seed 101"
# A network that takes what is red for sexual content, and a red picture.
nsfw="--nsfw vit-nsfw:$golden/judge_vit_nsfw.onnx"
red="--init red.png --strength 0.05 --steps 20 --size 128x128 $nsfw"

# Of ours: somebody in the cast who has agreed to film, and a picture of nobody.
$lk portrait "a young woman with red hair" --steps 8 --seed 101 --refine none -q -o face.png
LIKENESS_STATE=$work/elsewhere $lk portrait "a man with a grey beard" --steps 8 --seed 7 --refine none -q -o man.png
vips black black.v 128 128 --bands 3
vips linear black.v red.png "0 0 0" "250 20 20" --uchar
$lk cast add ada face.png -q
$lk cast consent grant ada --use film --until 2999-12-31 --evidence "a letter" -q
mkdir out

rows() { $lk audit log --json | wc -l; }

# nothing_left COMMAND…: no file in the folder of outputs, and what was printed begins as no picture does.
shopt -s globstar
nothing_left() {
    local LC_ALL=C head= file left=()
    IFS= read -r -N 3 head < out.txt # of TIFF's four bytes one is NUL, which the shell leaves out
    for file in out/**; do [ -e "$file" ] && [ ! -d "$file" ] && left+=("$file"); done
    case $head in
    $'\x89PN' | $'\xff\xd8\xff' | RIF | "II*" | "MM*") left+=("standard output") ;;
    esac
    if [ ${#left[@]} != 0 ]; then fail "left something" "${left[*]}: $*"; else pass; fi
    rm -rf out/*
}

# held CODE PATTERN COMMAND…: refused, whichever way out is taken: picture and report each as a file and on standard output, and a
# debug folder. That none of it has a row is looked at once for each command, at the end.
held() {
    local code=$1 pattern=$2
    shift 2
    local preview=()
    [[ $2 =~ ^(portrait|draw|run)$ ]] && preview=(--preview out/preview.png)
    check "$code" "$pattern" "$@" -o out/x.png --report - --debug out/steps "${preview[@]}"
    nothing_left "$@"
    check "$code" "$pattern" "$@" -o - --report out/report.json --debug out/steps
    nothing_left "$@"
}

# leaves COMMAND…: its picture may leave, marked and with a row; nobody is born from it.
leaves() {
    check 0 "." "$@" -o left.png
    check 0 '"watermark": \{"id".*compositeWithTrained' $lk inspect left.png --json
    check 3 "." $lk cast new eve --from left.png
    left_with_row=$((left_with_row + 1))
}

# request MEMBERS: a request file with these.
request() { echo "{\"likeness\": 1, $1}" > request.json; }

try_portrait() {
    held 3 "has agreed to film, not to portrait" $lk portrait "a woman" $quick --face ada
    held 3 "shows 'ada': 'ada' has agreed to film" $lk portrait "a woman" $quick --face face.png --consent self
    held 3 "no consent of the person" $lk portrait "a man" $quick --face man.png
    held 3 "policy rule 'sexual'" $lk portrait "a nude woman" $quick
    held 3 "policy rule 'child'" $lk portrait "a naked child" $quick --policy-levels sexual=off
    held 3 "taken for sexual content" $lk portrait "red" $red --refine none --upscale 1
    held 1 "nosuch/audit.db" $lk portrait "a woman" $quick --audit nosuch/audit.db
    held 4 "nosuch.key" $lk portrait "a woman" $quick --watermark-key nosuch.key
}

try_draw() {
    held 3 "policy rule 'sexual'" $lk draw "a woman" --negative clothes $quick
    check 3 "taken for sexual content" $lk draw "red" $red --count 3 -o out/x.webp --report - --debug out/steps
    nothing_left several
    check 3 "taken for sexual content" $lk draw "red" $red -o -
    nothing_left draw red
    held 2 "always refuses" $lk draw "a woman" $quick --policy-levels child=warn
    held 3 "shows 'ada': 'ada' has agreed to film" $lk draw "a woman" $quick --ip-adapter nosuch:face.png --consent self
    held 3 "no consent of the person" $lk draw "a man" $quick --face-adapter nosuch --face man.png
    # Ctrl-C half way: no picture; what a developer sees is marked.
    $lk draw "a woman" --steps 4 --size 128x128 --count 99 --debug out/steps --preview out/p.png -o out/x.png > out.txt 2> err.txt &
    local pid=$! i
    for i in $(seq 600); do [ -e out/steps/002-draw-decoded.png ] && break || sleep 0.1; done
    kill -INT $pid
    wait $pid
    [ $? = 130 ] && pass || fail "interrupted" "exit code"
    ls out/x* out/p* > /dev/null 2>&1 && fail "interrupted" "$(ls out)" || pass
    check 0 '"watermark": \{"id"' $lk inspect out/steps/001-draw-decoded.png --json
    rm -rf out/*
    # A full disk.
    check 1 "audit.db' cannot be written" bash -c "ulimit -f 4; trap '' XFSZ; exec $lk draw 'a woman' $quick --size 256x256 -o out/x.tif"
    nothing_left full
}

try_swap() {
    held 3 "has agreed to film" $lk swap man.png --face ada
    held 3 "no consent of the person" $lk swap face.png --face man.png
    $lk cast bar ada -q
    held 3 "'ada' is barred" $lk swap face.png --face man.png --consent self
    held 3 "'ada' is barred" $lk swap man.png --face face.png --consent self
    $lk cast unbar ada -q
}

try_restore() {
    local restorer="--restorer gfpgan:$golden/refine/restore.onnx"
    held 4 "no restorer serves" $lk restore man.png
    held 2 "is no restorer of family gfpgan" $lk restore man.png --restorer $golden/refine/parser.onnx
    held 3 "taken for sexual content" $lk restore red.png $restorer $nsfw
    $lk cast bar ada -q
    held 3 "'ada' is barred" $lk restore face.png $restorer
    $lk cast unbar ada -q
    leaves $lk restore face.png $restorer
    # A sheet of alternatives leaves as its picture does, or not at all.
    check 0 "." $lk restore face.png $restorer --alternatives 2 -o out/some.png
    check 0 '"watermark": \{"id".*compositeWithTrained' $lk inspect out/some-alternatives.png --json
    check 3 "." $lk cast new eve --from out/some-alternatives.png
    left_with_row=$((left_with_row + 2))
    rm -rf out/*
    check 2 "makes a sheet beside it" $lk restore face.png $restorer --alternatives 2 -o -
    nothing_left restore --alternatives
    check 1 "audit.db" $lk restore face.png $restorer --alternatives 2 --audit nosuch/audit.db -o out/x.png
    nothing_left restore --alternatives
}

try_redraw() {
    held 3 "policy rule 'sexual'" $lk redraw man.png "a nude man" --steps 2
    held 3 "policy rule 'sexual'" $lk redraw man.png "a man [SEP] a nude man" --steps 2
    held 2 "the prompt is empty" $lk redraw man.png " " --steps 2
    check 2 "--redraw-strength 0.4 of --steps 2 leaves no step" $lk redraw man.png "a man" --steps 2 -o x.png
    held 3 "taken for sexual content" $lk redraw red.png "a man" --steps 2 $nsfw
    $lk cast bar ada -q
    held 3 "'ada' is barred" $lk redraw face.png "a woman" --steps 2
    $lk cast unbar ada -q
    leaves $lk redraw face.png "a woman" --steps 5
}

try_upscale() {
    held 2 "is no upscaler of family" $lk upscale man.png --upscaler $golden/refine/parser.onnx
    held 3 "taken for sexual content" $lk upscale red.png $nsfw
    $lk cast bar ada -q
    held 3 "'ada' is barred" $lk upscale face.png
    $lk cast unbar ada -q
    leaves $lk upscale face.png
}

try_run() {
    local woman='"task": "portrait", "prompt": "a woman", "steps": 2' key
    request "$woman, \"people\": [{\"photo\": \"ada\"}]"
    held 3 "has agreed to film" $lk run request.json
    request "$woman, \"people\": [{\"photo\": \"man.png\"}]"
    held 3 "no consent of the person" $lk run request.json
    request "$woman, \"ip_adapters\": [{\"model\": \"nosuch\", \"picture\": \"man.png\"}]"
    held 3 "no consent of the person" $lk run request.json
    request '"task": "portrait", "prompt": "a nude woman"'
    held 3 "policy rule 'sexual'" $lk run request.json
    request '"task": "swap", "picture": "man.png", "people": [{"photo": "ada"}]'
    held 3 "has agreed to film" $lk run request.json
    request '"task": "restore", "picture": "man.png"'
    held 4 "no restorer serves" $lk run request.json
    # What is the operator's is no key of a request.
    for key in policy policy_levels nsfw forensics agegender expression audit audit_mirror watermark_key cast_file passphrase_file debug output report; do
        request "$woman, \"$key\": \"mine\""
        check 2 "'?$key'?" $lk run request.json -o out/x.png --report -
        nothing_left run $key
    done
}

# What looks at pictures gives none.
looks_only() {
    check 2 "no option of this command" $lk "$@" -o out/x.png
    nothing_left "$@"
    check 2 "no option of this command" $lk "$@" --debug out/steps
    nothing_left "$@"
    check 0 "." $lk "$@" --json
    nothing_left "$@"
}
try_detect() { looks_only detect face.png; }
try_compare() { looks_only compare face.png man.png; }
try_inspect() { looks_only inspect face.png; }
try_bench() { looks_only bench face.png --runs 1; }

try_cast() {
    check 0 "x.png" $lk cast export ada -o out/x.png # a face model, whatever it is called
    grep -qaP '\A\x89PNG' out/x.png && fail "a picture" "cast export" || pass
    rm -f out/x.png
    check 3 "no row of it" $lk cast new eve --from man.png
    check 2 "no option of this command" $lk cast show ada --debug out/steps
    nothing_left cast
}

try_models() {
    check 2 "." $lk models export starter nosuch -o out/x.png
    nothing_left models
}

try_audit() {
    check 0 "." $lk audit export
    nothing_left audit
    check 2 "no option of this command" $lk audit log -o out/x.png
    nothing_left audit
}

try_doctor() {
    check 0 "." $lk doctor
    nothing_left doctor
}

for command in $($lk --help | sed -nE 's/^  ([a-z]+)  +.*/\1/p'); do
    if declare -F "try_$command" > /dev/null; then
        before=$(rows) left_with_row=0
        "try_$command"
        [ "$(rows)" = $((before + left_with_row)) ] && pass || fail "a row" "of an attempt at $command"
    else
        fail "no attempt" "$command is a subcommand, and nobody has tried to get a picture through it"
    fi
done
check 0 "rows" $lk audit verify

counted

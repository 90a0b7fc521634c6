#!/bin/bash
# The cast as its keeper meets it: people by name, and no face without consent. Real photos with real small networks; what is
# drawn and swapped is the starter pack's.
#   cast.sh PROGRAM SHARED
likeness=$(realpath "$1") shared=$(realpath "$2")
tests=$(realpath "$(dirname "$0")")
. "$tests/check.sh"
export XDG_CONFIG_HOME=$work/config XDG_DATA_HOME=$work/data LIKENESS_STATE=$work/state
unset LIKENESS_PASSPHRASE

lk=$likeness
scrfd="--detector scrfd:$shared/data/detector/scrfd_2.5g_bnkps_640.onnx"
real="$scrfd --embedder mobilefacenet:$shared/data/embedder/MobileFaceNet.onnx"
theirs=$tests/../../fuzz/seeds/face_model/theirs.safetensors # as ReActor writes them
for name in fr_obama fr_obama2 fr_obama3 fr_biden fairface_race_Asian; do
    vips thumbnail "$shared/data/photos/$name.jpg" "$name.jpg" 400
done
grant=(--until 2999-12-31 --evidence "a signed release")

# People.
check 4 "there is no cast yet" $lk cast list
check 4 "there is no cast yet" $lk cast remove ada
check 2 "usage: likeness cast add" $lk cast paint
check 2 "usage: likeness cast add" $lk cast add ada
check 2 "usage: likeness cast add" $lk cast consent
check 2 "no name" $lk cast add a/da fr_obama.jpg $real
check 2 "nosuch.jpg" $lk cast add ada nosuch.jpg $real
check 2 "no face" $lk cast add ada $shared/data/photos/noface_hemlock_2.jpg $real
check 0 "^ada  *2 photos" $lk cast add ada fr_obama.jpg fr_obama2.jpg $real
check 2 "somebody else" $lk cast add ada fr_biden.jpg $real
check 2 "somebody else" $lk cast add mixed fr_biden.jpg fr_obama.jpg $real
check 0 "^bo  *1 photos" $lk cast add bo fr_biden.jpg $real
check 0 "^ada  *2 photos" $lk cast list
check 0 '"name":"bo".*"barred":false' $lk cast show bo --json
check 4 "'eve'" $lk cast show eve
[ "$(stat -c %a state/cast.db)" = 600 ] && pass || fail "mode" state/cast.db

cp state/cast.db empty.db && for name in ada bo; do $lk cast remove $name -q --cast-file empty.db; done

# Consent: refused before anything is computed, with the remedy; each use by itself.
swap="$lk swap fr_biden.jpg -o x.png"
check 3 "'ada' has given no consent: .* consent grant 'ada' --use portrait" $swap --face ada $scrfd
check 3 "'ada' has given no consent" $lk portrait "a man" --face left=ada -o x.png
check 2 "\-\-until is missing" $lk cast consent grant ada --use film
check 2 "'paint' is none of" $lk cast consent grant ada --use paint "${grant[@]}"
check 2 "no day" $lk cast consent grant ada --use film --until someday --evidence x
check 2 "is over" $lk cast consent grant ada --use film --until 2020-01-01 --evidence x
check 0 "is recorded" $lk cast consent grant ada --use film,education "${grant[@]}"
check 3 "'ada' has agreed to film,education, not to portrait" $swap --face ada $scrfd
check 2 "none of portrait" $swap --face ada --use paint
check 0 "ada.png" $lk swap fr_biden.jpg --face ada --use film --report report.json $scrfd -o ada.png
check 0 '"state": *"recorded"' cat report.json
check 0 '"person": *"ada"' cat report.json
check 3 "fr_obama3.jpg' shows 'ada': 'ada' has agreed to film" $swap --face fr_obama3.jpg $real
check 3 "fr_obama3.jpg' shows 'ada'" $swap --face fr_obama3.jpg $real --consent self
check 3 "no consent of the person in 'fairface_race_Asian.jpg'.*--consent self" $swap --face fairface_race_Asian.jpg $real
check 0 '"state": *"declared"' $lk swap fr_biden.jpg --face fairface_race_Asian.jpg --consent self --report - $scrfd -o declared.png --cast-file empty.db
check 2 "'fr_biden.jpg' shows somebody else than the photo of --face" $swap --face fairface_race_Asian.jpg --photo fr_biden.jpg --consent self --cast-file empty.db $real
check 2 "likeness cast add 'ada' PHOTO" $swap --face ada --photo fr_obama2.jpg --use film
check 2 "'a.jpg' is a photo --face says before it" $swap --photo a.jpg --face ada
check 4 "there is no cast" $swap --face fairface_race_Asian.jpg --consent self --cast-file nosuch.db
check 4 "'nobody': nobody in the cast has that name, and there is no such file" $swap --face nobody
check 2 "none of recorded" $swap --face ada --consent maybe
echo '{"likeness": 1, "task": "swap", "picture": "fr_biden.jpg", "people": [{"photo": "ada"}]}' > request.json
check 3 "'ada' has agreed" $lk run request.json -o x.png

# The audit has state and use in the chain, and the name beside it, where it can be erased.
check 0 '\\"consents\\":\[\{\\"state\\":\\"recorded\\",\\"use\\":\\"film\\"\}\]' $lk audit export
check 0 '"people\[0\].person":\{[^}]*"value":"ada"' $lk audit export
check 0 "of 1 rows erased" $lk audit erase ada
check 0 "1 of them erased" $lk audit verify
check 0 "^0$" bash -c "$lk audit export | grep -c '\"value\":\"ada\"' || true"

# Taken back, exported, imported.
check 0 "film,education until 2999-12-31, on 'a signed release'" $lk cast consent show ada
check 0 "1 records, all sound; 1 stand" $lk cast consent verify ada
check 0 "^ada.json" $lk cast consent export ada -o ada.json
[ "$(stat -c %a ada.json)" = 600 ] && pass || fail "mode" ada.json
check 0 "^ada.safetensors" $lk cast export ada -o ada.safetensors $real
check 0 "^countess " $lk cast rename ada countess
check 0 "'copy' looks like 'countess'" $lk cast import ada.safetensors --name copy $real
check 2 "already" $lk cast import ada.safetensors --name copy $real
check 0 "1 consents of 'copy' taken in" $lk cast consent import copy ada.json
check 0 "stands .*imported from" $lk cast consent show copy
check 0 "1 consents of 'countess' taken back" $lk cast consent revoke countess
check 4 "no consent that stands" $lk cast consent revoke countess
check 3 "has taken their consent back" $swap --face countess --use film
sed 's/education/portrait!/' ada.json > forged.json
check 2 "signature is wrong" $lk cast consent import copy forged.json
check 2 "no consent file|line 1" $lk cast consent import copy fr_obama.jpg
check 4 "nosuch.json" $lk cast consent import copy nosuch.json
check 2 "fr_obama.jpg" $lk cast import fr_obama.jpg --name x
check 4 "w600k" $lk cast import "$theirs" --name x
python3 - <<'EOF'
import sqlite3
db = sqlite3.connect("state/cast.db")
db.execute("UPDATE consent SET body = replace(body, 'education', 'portrait') WHERE person = (SELECT id FROM person WHERE name = 'copy')")
db.commit()
EOF
check 1 "not sound" $lk cast consent verify copy
check 3 "was changed" $swap --face copy
check 0 "erased" $lk cast remove copy

# Barred: under no name, from no photo, by no declaration.
check 0 "barred" $lk cast bar countess
check 0 "barred" $lk cast list
check 3 "'countess' is barred" $swap --face countess --consent self
check 3 "'countess' is barred" $swap --face fr_obama3.jpg --consent self $real
check 3 "'countess' is barred" $swap --face fr_obama2.jpg --photo fr_obama.jpg --consent self $real
check 3 "'countess' is barred" $lk swap fr_obama3.jpg --face bo --consent self $real -o x.png
check 3 "'countess' is barred" $lk portrait "a man" --init fr_obama3.jpg --refine none $real -o x.png
check 3 "'countess', who is barred" $lk cast add eve fr_obama3.jpg $real
check 3 "unbar" $lk cast remove countess
check 0 "^countess " $lk cast unbar countess
check 0 "erased" $lk cast remove countess
check 4 "countess" $lk cast show countess

# Born from a picture of our own, and from no other.
check 0 "born.png" $lk portrait "a young woman with red hair" --seed 101 --steps 8 --refine none -o born.png
check 2 "\-\-from" $lk cast new mira
check 0 "^mira .*generated" $lk cast new mira --from born.png
check 0 "stands .*drawn by likeness: row [0-9]+" $lk cast consent show mira
check 3 "stands for nobody" $lk cast add mira fr_obama.jpg $real
vips copy born.png "again.jpg[Q=90]"
check 0 "'twin' looks like 'mira'" $lk cast new twin --from again.jpg
check 3 "no row of it" $lk cast new x --from fr_obama.jpg $scrfd
check 3 "another person's face" $lk cast new x --from ada.png $scrfd
check 3 "no audit ledger" $lk cast new x --from born.png --audit nosuch.db

# Sealed: no face without the passphrase.
export LIKENESS_PASSPHRASE="open sesame"
check 0 "^bo" $lk cast --cast-file sealed.db add bo fr_biden.jpg $real
LIKENESS_PASSPHRASE=barley check 2 "does not open" $lk cast --cast-file sealed.db list
check 2 "not sealed" $lk cast list
unset LIKENESS_PASSPHRASE
check 0 "^bo" $lk cast --cast-file sealed.db list
check 2 "LIKENESS_PASSPHRASE" $lk cast --cast-file sealed.db export bo -o x.safetensors $real
echo "open sesame" > phrase
check 0 "^bo.safetensors" $lk cast --cast-file sealed.db export bo -o bo.safetensors $real --passphrase-file phrase
check 2 "'nophrase' cannot be opened" $lk cast --cast-file sealed.db list --passphrase-file nophrase
LIKENESS_PASSPHRASE=barley check 2 "sealed already: give another" $lk cast --cast-file sealed.db seal --passphrase-file phrase
echo barley > other
check 0 "is sealed" $lk cast --cast-file sealed.db seal --passphrase-file phrase --new-passphrase-file other
check 2 "does not open" $lk cast --cast-file sealed.db unseal --passphrase-file phrase
check 0 "is open" $lk cast --cast-file sealed.db unseal --passphrase-file other
check 2 "is not sealed" $lk cast --cast-file sealed.db unseal
check 2 "with what the cast is to be sealed is not said" $lk cast --cast-file sealed.db seal
check 0 "is sealed" $lk cast --cast-file sealed.db seal --passphrase-file phrase
if grep -qa IHDR sealed.db; then fail "a plain crop" sealed.db; else pass; fi
check 0 "^bo.safetensors" $lk cast --cast-file sealed.db export bo -o bo.safetensors $real --passphrase-file phrase
check 2 "is no cast" $lk cast list --cast-file fr_obama.jpg
(head -c 100 sealed.db; head -c 60000 /dev/zero) > torn.db
check 1 "the cast 'torn.db' is damaged and cannot be read .*--cast-file" $lk cast list --cast-file torn.db
check 2 "of another program" $lk cast list --cast-file state/audit.db

counted

#!/bin/bash
# The audit as an operator meets it: every picture has its row, and is found again; nothing is written outside of the state
# folder. Uses the starter pack.
#   audit.sh PROGRAM
likeness=$(realpath "$1") tests=$(realpath "$(dirname "$0")")
. "$tests/check.sh"
unset LIKENESS_STATE
export HOME=$work/home XDG_CONFIG_HOME=$work/config XDG_DATA_HOME=$work/data XDG_STATE_HOME=$work/state
mkdir home

lk=$likeness
ledger=state/likeness/audit.db
portrait=("a young woman with red hair" --seed 101 --refine none)

check 4 "no picture has left" $lk audit log
# Looking needs no place to write, and makes none.
check 0 "hidden mark   none of this key" env XDG_STATE_HOME=/proc/nowhere $lk inspect "$tests/../../docs/pictures/starter.jpg"
if [ -e state ]; then fail "written to" state; else pass; fi
check 0 "a.png" $lk portrait "${portrait[@]}" -o a.png --audit-mirror heads
check 0 "a.jpg" $lk portrait "${portrait[@]}" -o a.jpg --audit-mirror heads
check 0 "b-1.png" $lk draw "a lighthouse by the sea" --seed 3 --steps 2 --count 2 -o b.png
check 0 "4 rows in one chain, 0 of them erased; 2 heads in the mirror" $lk audit verify --audit-mirror heads
check 0 '"rows":4' $lk audit verify --json
check 0 " 4  .* draw .*a lighthouse by the sea" $lk audit log
check 0 '"body":' $lk audit log --json
$lk audit export > audit.jsonl
check 0 "4 rows, sign" "$tests/audit_verify.py" $ledger audit.jsonl

# A row has the seed and the digests of what made it, and no word of the user's.
check 0 '\\"seed\\":101.*role\\":\\"checkpoint|role\\":\\"checkpoint.*\\"seed\\":101' head -1 audit.jsonl
check 0 "^0$" bash -c "grep -c 'red hair.*\"hash\":' audit.jsonl || true"

# Found again: by its bytes, by its look, and by its hidden mark when little of either is left.
check 0 "^bytes" $lk audit trace a.png
check 0 "   1  " $lk audit trace a.png
vips thumbnail a.png "found.jpg[Q=50]" 150
check 0 "^look, [0-9]+ of 64" $lk audit trace found.jpg
check 0 '"sequence":2' $lk audit trace found.jpg --json
vips crop a.png part.jpg 40 30 300 310
check 0 "^watermark" $lk audit trace part.jpg
check 4 "no row of the audit ledger" $lk audit trace part.jpg --watermark-key state/likeness/audit.db.key
check 4 "no row of the audit ledger" $lk audit trace "$tests/../../docs/pictures/starter.jpg"
check 2 "nosuch.png" $lk audit trace nosuch.png

check 0 "audit  *row 1, found by its bytes" $lk inspect a.png
check 0 '"audit": *\{"by": *"look", *"distance": *[0-9]+, *"sequence": *2\}' $lk inspect found.jpg --json
check 0 '"audit": *null' $lk inspect found.jpg --json --audit nosuch.db

check 4 "nobody.jpg" $lk audit erase nobody.jpg
check 0 "of 1 rows erased" $lk audit erase "#1"
check 0 "4 rows in one chain, 1 of them erased" $lk audit verify --audit-mirror heads
check 0 " 1  .*\(erased\)$" $lk audit log
check 0 "4 rows, sign" "$tests/audit_verify.py" $ledger

# No row, no picture.
check 1 "No space left" $lk draw "a man" --steps 1 --audit-mirror /dev/full -o x.png
check 1 "audit ledger" bash -c 'trap "" XFSZ; ulimit -f 8; exec "$@"' bash $lk draw "a man" --steps 1 --audit full.db -o x.png
echo "this is a text and no database, whatever its name" > noise.db
check 2 "no audit ledger" $lk draw "a man" --steps 1 --audit noise.db -o x.png
check 1 "nosuch/audit.db" $lk draw "a man" --steps 1 --audit nosuch/audit.db -o x.png
check 1 "" env LIKENESS_AUDIT=nosuch/audit.db $lk draw "a man" --steps 1 -o x.png

cp $ledger cut.db
python3 -c 'import sqlite3; sqlite3.connect("cut.db").executescript("DROP TRIGGER entry_remains; DELETE FROM entry WHERE sequence = 3")'
check 1 "row 3 " $lk audit verify --audit cut.db
check 2 "usage: likeness audit" $lk audit trace
check 2 "usage: likeness audit" $lk audit burn
if [ -e home/.local ]; then fail "written to" home/.local; else pass; fi

counted

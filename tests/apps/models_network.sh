# The part of models.sh that needs the server; sourced by it.

# ranges WAY: what was asked for of small.onnx in that way, one after the other; forgets it.
ranges() {
    grep "^$1 small.onnx" port.log | sed 's/.*onnx //' | tr '\n' ' '
    : > port.log
}
asked() { local got; got=$(ranges "$1"); if [ "$got" = "$2" ]; then pass; else fail "asked for '$got', not '$2'" "$1"; fi; }

# From a server: whole, checked, said with its licence; a second time it is there.
check 0 "sha256 +$(hash mirror/small.onnx), as it should be" $lk models pull small
check 0 "is there already" $lk models pull small
same small.onnx
asked good " "
check 0 "licence  MIT$" $lk models pull small.onnx -v
check 0 '"name":"small".*"verified":true,"was_there":true,"licence":"MIT","commercial_use":true' $lk models pull small --json
echo broken > $own/small.onnx
check 1 "is not what the catalogue says" $lk models verify small
check 0 "^small +/" $lk models pull small
same small.onnx
check 1 "'$at/good/faces/small.onnx' answers 404: there is no such file" $lk models pull inner --from $at/good/
nothing faces/small.onnx
check 0 "^odd" $lk models pull odd --from $at/good
same "a file+100%.onnx"

# What came before is not asked for again; a server that knows no ranges begins again.
: > port.log
part 200000
check 0 "^small" $lk models pull small --from $at/good
same small.onnx
asked good "bytes=200000- "
part 200000
check 0 "^small" $lk models pull small --from $at/plain
same small.onnx
part 300000
check 0 "^small" $lk models pull small --from $at/good
same small.onnx
asked good ""
part 300000; echo more >> $own/small.onnx.part
check 0 "^small" $lk models pull small --from $at/good
same small.onnx
asked good " "
part 200000
check 1 "another part than was asked for" $lk models pull small --from $at/shifted
check 0 "^small" $lk models pull small --from $at/good
same small.onnx

# A connection that breaks is taken up again while that brings anything; what has come stays for the next time.
: > port.log
check 0 "^small" $lk models pull small --from $at/broken
same small.onnx
asked broken " bytes=150000- bytes=225000- bytes=262500- "
check 1 "cannot be fetched" $lk models pull small --from $at/short
[ "$(stat -c %s $own/small.onnx.part)" = 1000 ] && pass || fail "the part" "$(ls -l $own)"
[ -e $own/small.onnx ] && fail "half a file" small.onnx || pass
asked short " bytes=1000- "
check 0 "^small" $lk models pull small --from $at/good
same small.onnx

# A wrong file is named by both hashes or sizes, and nothing of it stays.
check 2 "its sha256 is $(hash mirror/wrong.onnx), not $nobody" $lk models pull wrong --from $at/good
nothing wrong.onnx
check 2 "has 5000 bytes, not 5001" $lk models pull sized --from $at/good
nothing wrong.onnx
head -c 1000 /dev/zero > $own/small.onnx.part # the beginning of something else
check 2 "not what was asked for" $lk models pull small --from $at/good
nothing small.onnx
check 0 "^small" $lk models pull small --from $at/good
same small.onnx

# Nothing vouches for a file: asked for first, and begun anew each time.
check 2 "nothing vouches for 'loose'.*--unverified" $lk models pull loose --from $at/good
nothing loose.onnx
echo other > $own/loose.onnx.part
check 0 "sha256 +$(hash mirror/loose.onnx), for which nothing vouches" $lk models pull loose --from $at/good --unverified
check 0 "NOT for commercial use" $lk models pull loose
check 0 "unknown +loose" $lk models verify loose
same loose.onnx
check 1 "needs 115292150[0-9]+ MB, and its disk has" $lk models pull loose --from $at/huge --unverified
nothing loose.onnx

# Servers that do not give it.
check 1 "answers 503" $lk models pull small --from $at/busy
check 1 "is redirected more than 10 times" $lk models pull small --from $at/loop
check 2 "'ftp://127.0.0.1/small.onnx' is no https address, and it was redirected there" $lk models pull small --from $at/away
check 1 "answers 401" $lk models pull small --from $at/secret
check 1 "cannot be fetched" $lk models pull small --from http://127.0.0.1:1
check 2 "is no https address" $lk models pull ftp
check 2 "'http://example.org/x' is not encrypted" $lk models pull open
check 2 "the address of a mirror or file is none" $lk models pull small --from "https://"
nothing small.onnx
check 0 "^small" $lk models pull small --from $at/moved
same small.onnx
check 0 "^small" $lk models pull small --from "http://ada:lovelace@${at#http://}/secret"
same small.onnx
check 1 "'$at/busy/small.onnx' answers 503" $lk models pull small --from "http://ada:lovelace@${at#http://}/busy?key=geheim"
grep -q "lovelace\|geheim" err.txt && fail "a secret" "$(cat err.txt)" || pass

# Ctrl-C: what has come stays. A terminal sees how far it is.
$lk models pull small --from $at/slow > out.txt 2> err.txt < /dev/null &
sleep 1.5
kill -INT $!
wait $!
[ $? = 130 ] && one_line err.txt && says "stopped on request" err.txt && [ -s $own/small.onnx.part ] && pass || fail "Ctrl-C" "$(ls -l $own)"
[ -e $own/small.onnx ] && fail "half a file" small.onnx || pass
check 0 "^small" $lk models pull small --from $at/good
same small.onnx
$lk models pull small --from $at/slow > out.txt 2> err.txt < /dev/null &
sleep 1
check 1 "is being fetched by another program" $lk models pull small --from $at/good
kill -INT $! && wait $!
rm -f $own/small.onnx.part


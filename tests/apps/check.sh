# What the tests of the command line share: a folder to work in, and counted checks. Sourced; the caller ends with `counted`.
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
passed=0 failed=0

pass() { passed=$((passed + 1)); }
fail() {
    echo "FAILED ($1): $2"
    cat out.txt err.txt
    failed=$((failed + 1))
}

# check CODE PATTERN COMMAND…: the exit code, and a line of what is said that matches; of a failure one line on stderr, and no
# output file.
check() {
    local code=$1 pattern=$2 got said="out.txt err.txt"
    shift 2
    "$@" > out.txt 2> err.txt < /dev/null
    got=$?
    [ "$code" = 0 ] || said=err.txt
    if [ $got != "$code" ]; then
        fail "$got, not $code" "$*"
    elif [ "$code" != 0 ] && [ "$(wc -l < err.txt)" != 1 ]; then
        fail "not one line" "$*"
    elif ! cat $said | grep -qE -- "$pattern"; then
        fail "no '$pattern'" "$*"
    elif [ "$code" != 0 ] && ls x.png x.png.* 2> /dev/null | grep -q .; then
        fail "left an output" "$*"
        rm -f x.png*
    else
        pass
    fi
}

counted() {
    echo "$passed passed, $failed failed"
    [ $failed = 0 ]
}

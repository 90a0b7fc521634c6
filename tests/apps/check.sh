# What the tests of the command line share: a folder to work in, and counted checks. Sourced; the caller ends with `counted`. What is
# said is read by the shell itself: a check starts no process but the command.
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

# one_line FILE: nothing but one whole line.
one_line() {
    local line rest=
    { IFS= read -r line && ! IFS= read -r rest && [ -z "$rest" ]; } < "$1"
}

# says PATTERN FILE…: a line of them matches, as with grep -E.
says() {
    local pattern=$1 file line lines
    shift
    for file; do
        mapfile -t lines < "$file"
        for line in "${lines[@]}"; do [[ $line =~ $pattern ]] && return; done
    done
    return 1
}

# check CODE PATTERN COMMAND…: the exit code, and a line of what is said that matches; of a failure one line on stderr, and no
# output file.
check() {
    local code=$1 pattern=$2 got said=(out.txt err.txt)
    shift 2
    "$@" > out.txt 2> err.txt < /dev/null
    got=$?
    [ "$code" = 0 ] || said=(err.txt)
    if [ $got != "$code" ]; then
        fail "$got, not $code" "$*"
    elif [ "$code" != 0 ] && ! one_line err.txt; then
        fail "not one line" "$*"
    elif [ -n "$pattern" ] && ! says "$pattern" "${said[@]}"; then
        fail "no '$pattern'" "$*"
    elif [ "$code" != 0 ] && { [ -e x.png ] || compgen -G "x.png.*" > /dev/null; }; then
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

#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tools/bench…: bad usage ends with code 2 and a line that names what is wrong, before anything is measured.
set -u
tools=$LIKENESS_SOURCE/tools
failed=0

refuses() { # what the last line must say, command…
    local said code
    said=$("${@:2}" 2>&1)
    code=$?
    said=$(tail -n 1 <<<"$said")
    [ $code = 2 ] && [[ $said == *"$1"* ]] || { echo "${*:2}: code $code, '$said'"; failed=1; }
}

refuses "/nowhere: not a diffusers folder" "$tools/bench-all" /nowhere
refuses "--only cooking: no such work" "$tools/bench-all" "$LIKENESS_SOURCE/starter/pack/sd" --only cooking
refuses "/nowhere: there is no such file" "$tools/bench-faces" /nowhere
refuses "/nowhere: there is no such file or folder" "$tools/bench-start" /nowhere
refuses "/nowhere.json: cannot be read" "$tools/bench-page" /nowhere.json
exit $failed

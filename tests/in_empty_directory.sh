#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# in_empty_directory.sh [--needs=FILE] [--expect=REGEX...] PROGRAM ARGUMENTS...: runs it in a
# directory of its own, removed afterwards. It has to succeed, and to print a line for each extended
# regular expression. Without FILE it is skipped, with code 77.
set -euo pipefail

if [[ ${1-} == --needs=* ]]; then
  if [ ! -e "${1#--needs=}" ]; then
    echo "SKIPPED: ${1#--needs=} is not there"
    exit 77
  fi
  shift
fi
expected=()
while [[ ${1-} == --expect=* ]]; do
  expected+=("${1#--expect=}")
  shift
done

directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
mkdir "$directory/empty"
cd "$directory/empty"
"$@" | tee "$directory/output"

for line in ${expected[@]+"${expected[@]}"}; do
  grep -Eq -- "$line" "$directory/output" || {
    echo "no line matches '$line'" >&2
    exit 1
  }
done

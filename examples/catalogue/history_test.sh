#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# history_test.sh CATALOGUE VERIFY_PROOF: takes in two lists of packages that are made here, asks
# what changed and what was, and has a proof verified. Roots are those of any machine.
set -euo pipefail

directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
catalogue=$1 verify=$2
cd "$directory"

package() { printf 'Package: %s\nVersion: %s\nArchitecture: all\nDepends: %s\n\n' "$@"; }
{
  package bash 5.2-1 "libc6 (>= 2.36)"
  package libc6 2.36-9 ""
  package old 1.0-1 libc6
} >released
{
  package bash 5.2-1 "libc6 (>= 2.36)"
  package libc6 2.36-9+deb12u13 ""
  package new 1.1-1 ""
} >updated

fail() { echo "$*" >&2; exit 1; }
same() { diff -u --label "$1: expected" --label "$1: found" <(printf '%s\n' "${@:2}") found; }
verb() { "$catalogue" history "$@" >found || fail "history $*"; }

verb import store released updated
verb import store updated # the same list makes no height
grep -q "as they were before" found || fail "an unchanged list made a height"
verb roots store
same roots "0 $(printf '0%.0s' {1..64})" \
  "1 708e97763a31b3b289f46c2033a4258bf77b3421b66d6f788eabc5c86c8b3650" \
  "2 3744464f8565fb47bdc53d8cad082ea39413d02eddb552048246ad69175c7c8b"
roots=$(cat found)
verb changes store
same changes "libc6                         2.36-9 -> 2.36-9+deb12u13" \
  "new                           new: 1.1-1" "old                           gone: 1.0-1" \
  "between the heights 1 and 2 1 packages differ, 1 are new, 1 are gone"
verb about store libc6 1
grep -q "^     2.36-9  " found || fail "libc6 at height 1"
grep -q "^   what needs it: 2 " found || fail "what needed libc6 at height 1"
verb about store libc6
grep -q "^   what needs it: 1 " found || fail "what needs libc6"

root() { sed -n "s/^$1 //p" <<<"$roots"; }
verb prove store old 1
cp found proof
"$verify" "$(root 1)" proof || fail "a true proof is refused"
if "$verify" "$(root 2)" proof; then fail "a proof holds against another root"; fi
verb prove store old # of absence
grep -q "^value absent$" found || fail "old is gone, and proved"
"$verify" "$(root 2)" found || fail "a true proof of absence is refused"

verb rollback store 1
verb roots store
same "roots, rolled back" "$(head -n 2 <<<"$roots")"
for wrong in "" "import" "roots nowhere" "about store" "changes store 1 9" "changes store one" \
  "prove store" "import store nowhere" "rollback store 7"; do
  # shellcheck disable=SC2086
  if "$catalogue" history $wrong >found 2>&1; then fail "history $wrong: no error"; fi
  cat found
done

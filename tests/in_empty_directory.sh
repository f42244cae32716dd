#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# in_empty_directory.sh PROGRAM ARGUMENTS...: runs it in a directory of its own, removed afterwards.
set -euo pipefail

directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
cd "$directory"
"$@"

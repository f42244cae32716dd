# SPDX-License-Identifier: Apache-2.0
#
# For tests/run, examples/run and bench/run: gets this machine ready, and runs their steps.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
logs="$root/build/logs"
mkdir -p "$logs"

# The compiler's cache serves every clone of the project alike.
export CCACHE_BASEDIR="$root" CCACHE_NOHASHDIR=1

# One compiler may take up to 2 GB.
jobs=$(nproc 2>/dev/null || echo 2)
memory_kb=$(awk '/MemAvailable/ {print $2}' /proc/meminfo 2>/dev/null || echo 4000000)
if ((jobs > memory_kb / 2000000)); then jobs=$((memory_kb / 2000000)); fi
if ((jobs < 1)); then jobs=1; fi
export CMAKE_BUILD_PARALLEL_LEVEL="$jobs"

say() { printf '\n== %s\n' "$*"; }

skipped() { printf '\n!! SKIPPED: %s\n' "$*"; }

is_debian() { command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; }

# Those of the named Debian packages that are not installed.
not_installed() {
  local there
  there=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' "$@" 2>/dev/null |
    awk '$2 == "installed" {print $1}') || true
  local package
  for package in "$@"; do grep -qx "$package" <<<"$there" || echo "$package"; done
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

apt_updated=
apt_install() {
  if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
    printf '!! These Debian packages are missing, and neither root nor sudo is here: %s\n' "$*" >&2
    exit 1
  fi
  if [ -z "$apt_updated" ]; then
    step "apt-get update" as_root apt-get update
    apt_updated=yes
  fi
  local known=() package
  for package in "$@"; do
    if apt-cache show "$package" >/dev/null 2>&1; then known+=("$package"); fi
  done
  if ((${#known[@]} == 0)); then return 0; fi
  step "apt-get install ${known[*]}" as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y --no-install-recommends "${known[@]}"
}

# need PACKAGE...: the Debian packages without which there is nothing to do.
need() {
  if ! is_debian; then
    cat <<'END'

!! This is neither Debian nor Ubuntu, so nothing is installed for you. You need CMake 3.25, Ninja,
   g++ 12 or clang++ 16, Python 3, and the libraries range-v3, RocksDB, LMDB and Catch2 (benchmarks:
   Google Benchmark and Abseil), from your system, from Conan or from vcpkg:
     conan:  install them, then add -DCMAKE_TOOLCHAIN_FILE=.../conan_toolchain.cmake to
             `cmake --preset dev`
     vcpkg:  vcpkg install range-v3 rocksdb lmdb catch2, then add
             -DCMAKE_TOOLCHAIN_FILE=$VCPKG_ROOT/scripts/buildsystems/vcpkg.cmake
   What follows tries with what is here.
END
    return
  fi
  local missing
  mapfile -t missing < <(not_installed "$@")
  if ((${#missing[@]} == 0)); then return; fi
  apt_install "${missing[@]}"
  mapfile -t missing < <(not_installed "$@")
  if ((${#missing[@]} != 0)); then
    printf '!! This system has no package %s\n' "${missing[@]}" >&2
    exit 1
  fi
}

# want PACKAGE...: what more can be checked with; where it is not to be had, it is done without.
want() {
  if ! is_debian; then return; fi
  local missing package asked="$logs/wanted-in-vain"
  mapfile -t missing < <(not_installed "$@")
  if ((${#missing[@]} == 0)); then return; fi
  if [ "$(cat "$asked" 2>/dev/null)" != "${missing[*]}" ]; then
    (apt_install "${missing[@]}") || true
    mapfile -t missing < <(not_installed "$@")
    echo "${missing[*]}" >"$asked"
  fi
  for package in "${missing[@]}"; do skipped "what needs $package, which this system has not"; done
}

# step WORDS COMMAND...: runs it. Without a terminal its output goes to a log, shown if it fails.
step() {
  local words=$1 log started=$SECONDS
  shift
  say "$words"
  if [ -t 1 ]; then
    "$@"
  else
    log="$logs/$(tr -cs 'A-Za-z0-9.+-' '_' <<<"$words" | cut -c1-80).log"
    if ! "$@" >"$log" 2>&1; then
      tail -n 200 "$log"
      printf '\n!! Failed: %s\n' "$words"
      exit 1
    fi
    printf '   %d s\n' $((SECONDS - started))
  fi
}

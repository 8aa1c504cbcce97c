#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
# Installs what is missing, builds three times (plain, sanitized, and with the counts of coverage by clang; warnings are errors)
# and runs every test. As root: sudo ./test.sh
set -eu
cd "$(dirname "$0")"

if [ "$(id -u)" -ne 0 ]; then
    echo "test.sh: needs root to log in for real: sudo ./test.sh" >&2
    exit 1
fi

tests/support/install-packages build test
export PATH="/usr/sbin:/usr/bin:/sbin:/bin"

# One build directory: where, then options of meson setup.
build() {
    directory=$1
    shift
    if [ ! -e "$directory/build.ninja" ]; then
        meson setup "$directory" --prefix=/usr --sysconfdir=/etc --libdir="lib/$(gcc -print-multiarch)" \
            --libexecdir=libexec -Dman=enabled "$@"
    fi
    ninja -C "$directory"
}

build build-test --werror
build build-sanitized --native-file build-dev.ini
build build-coverage --native-file build-coverage.ini
# which is the one that the suite lint would have made by clang
export NSISOLATE_CLANG_BUILD="$PWD/build-coverage"

# short forms; HACKING.md has the long ones
export FUZZ_SECONDS="${FUZZ_SECONDS:-15}"
# most of a login test is waiting: two for each processor
processes=$(($(nproc) * 2))
NSISOLATE_UNSTEADY=$(mktemp)
export NSISOLATE_UNSTEADY
trap 'rm -f "$NSISOLATE_UNSTEADY"' EXIT
failed=
tests/support/run-tests build-sanitized --num-processes "$processes" --no-suite lint || failed="$failed build-sanitized"
tests/support/run-tests build-test --num-processes "$processes" || failed="$failed build-test"
# the benchmarks judge nothing; a short form shows that they run
export NSISOLATE_ROUNDS="${NSISOLATE_ROUNDS:-20}" NSISOLATE_AT_ONCE="${NSISOLATE_AT_ONCE:-1 8}" \
    NSISOLATE_ALIVE="${NSISOLATE_ALIVE:-20}" NSISOLATE_MOUNTS="${NSISOLATE_MOUNTS:-300}"
meson test -C build-test --no-rebuild --benchmark --print-errorlogs --verbose || failed="$failed benchmarks"
tests/coverage/run build-coverage --processes "$processes" || failed="$failed build-coverage"
cat "$NSISOLATE_UNSTEADY"
if [ -n "$failed" ]; then
    echo "test.sh: failed:$failed" >&2
    exit 1
fi
echo "all tests passed"

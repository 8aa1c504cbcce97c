#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
# Builds nsisolate and shows a real isolated login beside an ordinary one. Changes nothing outside ./build-demo but
# for Debian packages that are missing. As root: sudo ./demo.sh
# --picture FILE also draws what it shows, as in docs/login.svg.
set -eu

if [ $# -ne 0 ] && { [ $# -ne 2 ] || [ "$1" != --picture ]; }; then
    echo "usage: demo.sh [--picture FILE]" >&2
    exit 2
fi
if [ "$(id -u)" -ne 0 ]; then
    echo "demo.sh: needs root to make namespaces: sudo ./demo.sh" >&2
    exit 1
fi
picture=
[ $# -eq 0 ] || picture=$(realpath -- "$2")
cd "$(dirname "$0")"

tests/support/install-packages build test
export PATH="/usr/sbin:/usr/bin:/sbin:/bin"
if [ ! -e build-demo/build.ninja ]; then
    meson setup build-demo --prefix=/usr --sysconfdir=/etc --libdir="lib/$(gcc -print-multiarch)" \
        --libexecdir=libexec -Dtests=false >/dev/null
fi
ninja -C build-demo --quiet
show() {
    tests/support/run-in-sandbox --build build-demo -- /usr/bin/python3 tests/support/demo.py
}
if [ -z "$picture" ]; then
    show
    exit
fi
shown=build-demo/shown.txt
show >"$shown"
cat "$shown"
tests/support/draw-demo <"$shown" >build-demo/picture.svg
cp build-demo/picture.svg "$picture"

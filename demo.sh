#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
# Builds nsisolate and shows a real isolated login beside an ordinary one. Changes nothing outside ./build-demo but
# for Debian packages that are missing. As root: sudo ./demo.sh
set -eu
cd "$(dirname "$0")"

if [ "$(id -u)" -ne 0 ]; then
    echo "demo.sh: needs root to make namespaces: sudo ./demo.sh" >&2
    exit 1
fi

tests/support/install-packages build test
export PATH="/usr/sbin:/usr/bin:/sbin:/bin"
if [ ! -e build-demo/build.ninja ]; then
    meson setup build-demo --prefix=/usr --sysconfdir=/etc --libdir="lib/$(gcc -print-multiarch)" \
        --libexecdir=libexec -Dtests=false >/dev/null
fi
ninja -C build-demo --quiet
exec tests/support/run-in-sandbox --build build-demo -- /usr/bin/python3 tests/support/demo.py

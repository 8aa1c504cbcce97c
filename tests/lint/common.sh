# shellcheck shell=sh
# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
# Sourced by the scripts here: where the sources are, and what to do without a program.
set -eu
here=${0##*/}
cd "$(dirname "$0")/../.."

# need PROGRAM: without it the test is skipped, but fails under CI.
need() {
    if ! command -v "$1" >/dev/null; then
        echo "$here: no $1" >&2
        [ -z "${CI:-}" ] || exit 1
        exit 77
    fi
}

# shellcheck disable=SC2034 # for who sources this
product="common config session pam_module tools"

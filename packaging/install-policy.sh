#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
# install-policy.sh SOURCE DIRECTORY
#
# Installs the policy directory with SOURCE as its default.conf. Keeps a default.conf that is there: it may
# enforce, and the shipped one does not.
set -eu

source=$1
directory=${DESTDIR:-}$2

install -d -m 0755 "$directory" "$directory/user" "$directory/group"
if [ -e "$directory/default.conf" ] || [ -L "$directory/default.conf" ]; then
	echo "keeping $directory/default.conf"
else
	install -m 0644 "$source" "$directory/default.conf"
fi

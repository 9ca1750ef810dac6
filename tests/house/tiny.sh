# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Sourced by the tests of config/'s commands, with the root of the tree in $1 and the tools that are
# needed behind it: makes a copy of config/ in an empty folder, and goes there. The tests are about
# builds, so the copy neither installs packages nor reserves huge pages.
set -euo pipefail
export PATH="/usr/bin:$PATH"

for tool in "${@:2}"; do
	command -v "$tool" >/dev/null || {
		echo "$tool is not installed"
		exit 77
	}
done
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cp -r "$1/config" "$tmp/config"
printf '%s\n' 'need_packages() { :; }' 'huge_pages() { :; }' >>"$tmp/config/lib.sh"
cd "$tmp"

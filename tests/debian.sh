# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2154 # cache, what and package are set by the script that sources it
#
# Programs that are newer than this machine's own, from other releases of Debian. To be sourced, by
# qemu/fetch and models/fetch, which set `cache` (a folder), `what` (a word for messages) and
# `package`, and define `starter`. Nothing is installed: packages are unpacked into the cache, and a
# script beside them starts the program with that release's own libraries and dynamic linker.
# Packages come from the mirror that this machine itself uses, and are checked against Debian's
# signatures; what is in the cache is checked by hash, so that a second run needs no network.

set -euo pipefail
export PATH="/usr/sbin:/usr/bin:/sbin:/bin:$PATH" LC_ALL=C.UTF-8
umask 022

keyring=/usr/share/keyrings/debian-archive-keyring.gpg
offline='' renew='' paths=''

# end STATUS TEXT: 2 is a failure, 77 "cannot be done here".
end()
{
	local status=$1
	shift
	printf 'fetch: %s\n' "$*" >&2
	exit "$status"
}

# Tests run as root now and then. So nobody else may be able to change what they start: each folder
# on the way to it belongs to root or to us, and no other user can write to it or rename in it.
guard()
{
	local at=$1 owner mode

	while :; do
		read -r owner mode < <(stat -L -c '%u %a' "$at")
		[[ $owner == 0 || $owner == "$EUID" ]] || end 2 "$at belongs to user $owner"
		(( (0$mode & 022) == 0 || (0$mode & 01000) != 0 )) ||
			end 2 "$at can be written to by others (mode $mode)"
		[[ $at != / ]] || return 0
		at=$(dirname "$at")
	done
}

# apt_of DIR TOOL ARGUMENT...: an apt of its own that shares nothing with the system's.
apt_of()
{
	local dir=$1 tool=$2
	shift 2
	timeout 900 "$tool" -qq -o Dir::Etc::sourcelist="$dir/apt/s.list" \
		-o Dir::Etc::sourceparts=- -o Dir::State="$dir/apt" \
		-o Dir::State::Lists="$dir/apt/lists" -o Dir::State::status=/dev/null \
		-o Dir::Cache="$dir/apt/cache" -o APT::Sandbox::User= -o Acquire::Retries=3 \
		-o Acquire::Languages=none "$@" </dev/null >&2
}

# download RELEASE DIR: the package and what it depends on, in DIR/debs.
download()
{
	local release=$1 dir=$2 uri tool suite

	for tool in apt-get dpkg; do
		command -v "$tool" >/dev/null || end 77 "no $tool: this is no Debian"
	done
	[[ -r $keyring ]] || end 77 "no $keyring to check packages with"
	uri=$(sed -n 's/^URIs: *\([^ ]*\).*/\1/p' /etc/apt/sources.list.d/debian.sources \
		2>/dev/null | head -n 1)
	[[ -n $uri ]] || end 77 "this machine's own Debian mirror was not found"
	mkdir -p "$dir"/apt/{lists,cache/archives}/partial
	for suite in "$release" "${release%-backports}"; do
		printf 'deb [signed-by=%s] %s %s main\n' "$keyring" "$uri" "$suite"
	done | sort -u >"$dir/apt/s.list"
	apt_of "$dir" apt-get update || end 77 "the mirror cannot be reached"
	apt_of "$dir" apt-get install -y --no-install-recommends --download-only -t "$release" \
		"$package" || end 77 "the mirror did not deliver $what of $release"
	mkdir "$dir/debs"
	mv "$dir"/apt/cache/archives/*.deb "$dir/debs"
	rm -rf "$dir/apt"
	(cd "$dir/debs" && sha256sum ./*.deb) >"$dir/SHA256SUMS"
}

# have DIR: the packages are there, bit by bit.
have()
{
	[[ -s $1/SHA256SUMS ]] && (cd "$1/debs" && sha256sum --check --status --strict ../SHA256SUMS)
}

# made DIR: what an unpacked folder says of itself when this very version has unpacked it.
made() { cat "$1/SHA256SUMS" "$0" "${BASH_SOURCE[0]}"; }

# unpack DIR: the sysroot, and the script that starts the program from it.
unpack()
{
	local dir=$1 root=$1/sysroot deb name loader libs

	rm -rf "$root" "$dir/unpacked"
	mkdir "$root"
	for deb in "$dir"/debs/*.deb; do
		dpkg -x "$deb" "$root"
	done
	# The links of a merged /usr, which no unpacked package makes.
	for name in bin lib lib64; do
		[[ -e $root/$name ]] || ln -s "usr/$name" "$root/$name"
	done
	loader=$(find "$root"/usr/lib* -name 'ld-linux*.so.*' | head -n 1)
	libs=$(find "$root/usr/lib" -maxdepth 2 -name 'libc.so.6' -printf '%h\n' | head -n 1)
	[[ -n $loader && -n $libs ]] || end 2 "$root: no dynamic linker, or no libc"
	starter "$dir" "$loader" "$libs:$root/usr/lib"
	made "$dir" >"$dir/unpacked" # done, and by this very script
}

# provide RELEASE PROGRAM: appends the script that starts it to $paths.
provide()
{
	local release=$1 dir=$cache/$1 new

	if [[ -n $renew ]] || ! have "$dir"; then
		if [[ -n $offline ]]; then
			printf 'fetch: no %s of %s in %s; %s gets it\n' "$what" "$release" "$cache" "$0" >&2
			return 0
		fi
		new=$(mktemp -d "$cache/new.XXXXXX")
		# shellcheck disable=SC2064 # today's
		trap "rm -rf '$new'" EXIT
		download "$release" "$new"
		rm -rf "$dir"
		chmod 755 "$new"
		mv "$new" "$dir"
	fi
	guard "$dir"
	cmp -s "$dir/unpacked" <(made "$dir") || unpack "$dir"
	paths+=${paths:+:}$dir/$2
}

# provide_all PROGRAM DEFAULT-RELEASES ARGUMENT...: what a fetch does.
provide_all()
{
	local program=$1 releases=() arg
	read -ra defaults <<<"$2"
	shift 2

	for arg in "$@"; do
		case $arg in
		--offline) offline=yes ;;
		--renew) renew=yes ;;
		-*) end 2 "unknown option $arg (there are --offline and --renew)" ;;
		*) [[ $arg =~ ^[a-z]+(-backports)?$ ]] || end 2 "'$arg' is no name of a Debian release"
			releases+=("$arg") ;;
		esac
	done
	mkdir -p "$cache"
	guard "$cache"
	exec 9>"$cache/lock"
	flock -w 900 9 || end 2 "another fetch has held $cache/lock for a quarter of an hour"
	((${#releases[@]} > 0)) || releases=("${defaults[@]}")
	for arg in "${releases[@]}"; do
		provide "$arg" "$program"
	done
	[[ -n $paths ]] || exit 77
	printf '%s\n' "$paths"
}

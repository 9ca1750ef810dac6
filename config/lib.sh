# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# shellcheck disable=SC2034 # what is set here is read by those who source it
#
# What config/demo and config/check share: packages, huge pages, build folders. To be sourced.
# Every function can be run again at no cost and asks nothing of anyone.

set -euo pipefail

# The distribution's own tools first: a python3 or meson of another origin lacks its modules.
export PATH="/usr/sbin:/usr/bin:/sbin:/bin:$PATH" LC_ALL=C.UTF-8
# What the caller's shell may carry and would bend the builds.
unset CC CXX CFLAGS CXXFLAGS CPPFLAGS LDFLAGS MESON_TESTTHREADS ASAN_OPTIONS UBSAN_OPTIONS \
	TSAN_OPTIONS DESTDIR

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

# What every build needs.
build_packages=(meson ninja-build pkg-config gcc libc6-dev python3 libdpdk-dev libnuma-dev
	libpcap-dev zlib1g-dev libzstd-dev libjansson-dev)

# Set once something was installed: what an older set-up did not find may be there now.
new_packages=

say() { printf '== %s\n' "$*"; }

# One line that names the culprit and what would be right; then the end.
die()
{
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 2
}

as_root()
{
	if [[ $(id -u) == 0 ]]; then
		"$@"
	else
		sudo -n "$@"
	fi
}

can_be_root() { [[ $(id -u) == 0 ]] || sudo -n true 2>/dev/null; }

installed() { [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

# need_packages NAME...: installs those that are missing, and only then calls apt-get.
need_packages()
{
	local name missing=()

	if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
		say "no apt here: going on with what is installed (wanted: $*)"
		return 0
	fi
	for name in "$@"; do
		installed "$name" || missing+=("$name")
	done
	if ((${#missing[@]} == 0)); then
		say "packages: nothing missing"
		return 0
	fi
	can_be_root || die "missing packages and neither root nor sudo to install them; run:" \
		"apt-get install ${missing[*]}"
	say "installing ${missing[*]}"
	apt_get update || say "the package lists could not be renewed: trying with the old ones"
	apt_get install --no-install-recommends "${missing[@]}" ||
		die "apt-get could not install: ${missing[*]} (its words are above)"
	new_packages=yes
}

# Asks nothing: no debconf, no stdin, no conffile question; waits for another apt's lock. Quiet
# unless it fails.
apt_get()
{
	local log
	log=$(mktemp)

	if ! as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l apt-get -qq -y \
		-o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 -o Acquire::Retries=3 \
		-o Dpkg::Options::=--force-confold "$@" </dev/null >"$log" 2>&1; then
		cat "$log" >&2
		rm -f "$log"
		return 1
	fi
	rm -f "$log"
}

meminfo() { awk -v key="$1:" '$1 == key { print $2 }' /proc/meminfo; }

# huge_pages MB: has that much free in huge pages, if the system lets it; else goes on without.
# Fills eal_mem[] with the EAL options that follow from it.
huge_pages()
{
	local mb=$1 size free total want got

	eal_mem=(--no-huge -m "$mb" --no-shconf "--file-prefix=sluice-$$")
	size=$(meminfo Hugepagesize)
	if [[ -z $size ]]; then
		say "huge pages: this kernel has none; going on with --no-huge"
		return 0
	fi
	want=$(((mb * 1024 + size - 1) / size))
	free=$(meminfo HugePages_Free)
	if ((free < want)); then
		total=$(meminfo HugePages_Total)
		if ! reserve_huge "$((total + want - free))" "$size"; then
			say "huge pages: the system does not let us reserve $mb MB; going on with" \
				"--no-huge"
			return 0
		fi
	fi
	got=$(meminfo HugePages_Free)
	if ((got < want)); then
		say "huge pages: $got of $want are free; going on with --no-huge"
		return 0
	fi
	eal_mem=(--in-memory)
	say "huge pages: $got of $size kB are free"
}

# Raises the pool to $1 pages of $2 kB, never past half of the memory that is available.
reserve_huge()
{
	local pages=$1 size=$2 more

	more=$(((pages - $(meminfo HugePages_Total)) * size))
	((more <= $(meminfo MemAvailable) / 2)) || return 1
	can_be_root || return 1
	say "reserving $pages huge pages of $size kB"
	if command -v dpdk-hugepages.py >/dev/null; then
		as_root dpdk-hugepages.py --pagesize "${size}K" --reserve "$((pages * size))K" \
			>/dev/null 2>&1 && return 0
	fi
	# shellcheck disable=SC2016 # $1 is the inner shell's
	as_root sh -c 'echo "$1" > /proc/sys/vm/nr_hugepages' sh "$pages" 2>/dev/null
}

# The lcores we may run on, one a line: the process may be pinned to fewer than the machine has.
allowed_cpus()
{
	local list part

	list=$(awk '/^Cpus_allowed_list:/ { print $2 }' /proc/self/status)
	for part in ${list//,/ }; do
		seq "${part%-*}" "${part#*-}"
	done
}

# Warnings are errors with the compilers the project answers for; others may know new ones.
werror_for()
{
	case $1-$("$1" -dumpversion) in
	gcc-12* | clang-14*) echo true ;;
	*) echo false ;;
	esac
}

# configure DIR CC [-Doption...]: a build folder with exactly this compiler and these options. Does
# nothing if it is one; changes the options if only those differ; else sets it up anew. A folder is
# ours if .configured is in it: what somebody else made is never touched.
configure()
{
	local dir=$1 cc=$2 compiler log how=()
	shift 2
	compiler="$cc $("$cc" -dumpfullversion 2>/dev/null || "$cc" -dumpversion)"

	if [[ -f $dir/build.ninja && $(head -n 1 "$dir/.configured" 2>/dev/null) == "$compiler" ]]; then
		[[ -n $new_packages || $(tail -n 1 "$dir/.configured") != "$*" ]] || return 0
		how=(--reconfigure)
	else
		[[ ! (-e $dir || -L $dir) || -f $dir/.configured ]] ||
			die "$root/$dir was not made by config/, and is left alone; move it away, or" \
				"remove it, and try again"
		rm -rf "$dir"
		mkdir "$dir"
	fi
	# Empty until all went well: ours, but to be set up again.
	: >"$dir/.configured"
	say "setting up $dir: $compiler, $*"
	log=$(mktemp)
	if ! CC=$cc meson setup "${how[@]}" "$dir" "$@" </dev/null >"$log" 2>&1; then
		cat "$log" >&2
		rm -f "$log"
		return 1
	fi
	mv "$log" "$dir/setup.log"
	printf '%s\n' "$compiler" "$*" >"$dir/.configured"
}

# compile DIR [TARGET...]: quiet unless it fails.
compile()
{
	local dir=$1
	shift

	say "building $dir"
	ninja -k 0 -C "$dir" "$@" >"$dir/build.log" 2>&1 </dev/null && return 0
	# The failing commands and what the compiler said, without the lines of what went well.
	grep -Ev '^\[[0-9]+/[0-9]+\] ' "$dir/build.log" >&2
	return 1
}

# configure_release WITH_TESTS: the folder "build". Without tests it takes one that has them, too.
configure_release()
{
	local options=(-Dbuildtype=release "-Dwerror=$(werror_for gcc)")

	if [[ $1 == false && -f build/.configured &&
		$(tail -n 1 build/.configured) == "${options[*]} -Dtests=true" ]]; then
		set -- true
	fi
	configure build gcc "${options[@]}" "-Dtests=$1"
}

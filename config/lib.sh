# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# shellcheck disable=SC2034 # variables that are set here are read by the scripts that source it
#
# What config/demo and config/check share: packages, huge pages, build folders. To be sourced.
# A function that has nothing left to do returns at once; none asks a question.

set -euo pipefail

# The distribution's own tools come first: a python3 or meson from elsewhere lacks its modules.
export PATH="/usr/sbin:/usr/bin:/sbin:/bin:$PATH" LC_ALL=C.UTF-8
# Variables that the caller may have set, and that would change the builds.
unset CC CXX CFLAGS CXXFLAGS CPPFLAGS LDFLAGS MESON_TESTTHREADS ASAN_OPTIONS UBSAN_OPTIONS \
	TSAN_OPTIONS DESTDIR

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

# The packages that every build needs.
build_packages=(meson ninja-build pkg-config gcc libc6-dev python3 libdpdk-dev libnuma-dev
	libpcap-dev zlib1g-dev libzstd-dev libjansson-dev)

# Set when packages were installed: build folders are then set up again, and may find more.
new_packages=

say() { printf '== %s\n' "$*"; }

# Ends with one line, which names what is wrong and what would be right.
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

# need_packages NAME...: installs the packages that are missing. Without any, apt-get is not called.
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

# apt_get ARGUMENTS...: apt-get without questions, from debconf or about configuration files. It
# waits for the lock of another apt, and prints only what a failure said.
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

# huge_pages MB: reserves huge pages until so much is free, if the system allows that. Fills eal_mem[]
# with the EAL options for them, or for going on without.
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

# reserve_huge PAGES KB: raises the pool to so many pages of KB, never past half of what is available.
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

# Prints the CPUs that this process may run on, one per line; the machine may have more.
allowed_cpus()
{
	local list part

	list=$(awk '/^Cpus_allowed_list:/ { print $2 }' /proc/self/status)
	for part in ${list//,/ }; do
		seq "${part%-*}" "${part#*-}"
	done
}

# Warnings are errors with the compilers that the project is tested with; others may have new ones.
werror_for()
{
	case $1-$("$1" -dumpversion) in
	gcc-12* | clang-14*) echo true ;;
	*) echo false ;;
	esac
}

# configure DIR CC [-Doption...]: makes DIR a build folder with exactly this compiler and these
# options. If only the options differ they are changed; else it is set up anew, if need be. A folder
# is ours if .configured is in it; any other folder is left as it is.
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
	# An empty file: the folder is ours, but must be set up again if this fails.
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

# compile DIR [TARGET...]: builds, and prints only what a failure said.
compile()
{
	local dir=$1
	shift

	say "building $dir"
	ninja -k 0 -C "$dir" "$@" >"$dir/build.log" 2>&1 </dev/null && return 0
	# The commands that failed and what the compiler said, without the lines of the others.
	grep -Ev '^\[[0-9]+/[0-9]+\] ' "$dir/build.log" >&2
	return 1
}

# configure_release WITH_TESTS: sets up the folder "build". If WITH_TESTS is false, a folder with tests
# will do, too.
configure_release()
{
	local options=(-Dbuildtype=release "-Dwerror=$(werror_for gcc)")

	if [[ $1 == false && -f build/.configured &&
		$(tail -n 1 build/.configured) == "${options[*]} -Dtests=true" ]]; then
		set -- true
	fi
	configure build gcc "${options[@]}" "-Dtests=$1"
}

# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2054
# Shared by the command-line tests: sourced, with the path of sluice-perf in $1.

# Who started this in the background, or under nohup, ignores signals, and so would all that is tested
# here: a shell cannot undo that for itself.
if [[ -z ${SLUICE_CLI_SIGNALS:-} ]]; then
	SLUICE_CLI_SIGNALS=default exec env --default-signal bash "$0" "$@"
fi
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
perf=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cases=0
failures=0

# EAL that runs anywhere; a file prefix of its own lets tests run side by side.
eal=(--no-huge -m 256 --no-pci --no-shconf --no-telemetry "--file-prefix=sluice-cli-$$")
two=("${eal[@]}" --lcores '(0-1)@0')
if [ "$(nproc)" -ge 2 ]; then
	two=("${eal[@]}" -l 0,1)
fi

# What policies promise, for expressions of json(): as Python tuples of names. One stale access under
# a strict policy is an error; a policy that copies also counts accesses to its shadow memory; where
# a burst shares its work it shares its SYNC.
strict="('strict', 'strict-batched', 'strict-async', 'contiguous', 'copy', 'hybrid')"
copies="('copy', 'hybrid')"
shares="('strict-batched', 'contiguous')"

fail() {
	failures=$((failures + 1))
	echo "FAIL: $case: $*"
	sed 's/^/    stderr: /' "$work/err"
}

# run NAME WANTED-STATUS COMMAND...: leaves stdout and stderr in $work/out and $work/err.
run() {
	case=$1
	local want=$2 got=0
	shift 2
	cases=$((cases + 1))
	timeout 120 "$@" >"$work/out" 2>"$work/err" </dev/null || got=$?
	[ "$got" -eq "$want" ] || fail "exit status $got, wanted $want"
}

# split WORDS... -- ARGUMENTS...: fills words[] and arguments[], which are the caller's.
split() {
	words=()
	while [ "$1" != -- ]; do
		words+=("$1")
		shift
	done
	shift
	arguments=("$@")
}

# tool_line TOOL WORDS...: the tool printed one line on stderr, which holds each of the words. Only
# EAL may have printed others.
tool_line() {
	local tool=$1 word n
	shift
	n=$(grep -c "^$tool: " "$work/err")
	[ "$n" -eq 1 ] || fail "$n lines of $tool on stderr, wanted 1"
	n=$(grep -vc -e "^$tool: " -e '^EAL: ' "$work/err")
	[ "$n" -eq 0 ] || fail "$n lines on stderr that are neither $tool's nor EAL's"
	for word in "$@"; do
		grep -q -F -e "$word" "$work/err" || fail "stderr does not name \"$word\""
	done
}

one_line() { tool_line sluice-perf "$@"; }

one_check_line() { tool_line sluice-check "$@"; }

says() {
	local word
	for word in "$@"; do
		grep -q -F -e "$word" "$work/out" "$work/err" || fail "nothing says \"$word\""
	done
}

# Nothing of the outputs exists, not even under a temporary name.
nothing_left() {
	local left
	left=$(find "$work/results" -mindepth 1 2>/dev/null)
	[ -z "$left" ] || fail "left behind: $left"
}

# json FILE EXPRESSION: a Python expression over d, the document, and r, its results.
json() {
	/usr/bin/env python3 - "$1" "$2" <<-'PY' || fail "not true of $1: $2"
	import json, sys
	d = json.load(open(sys.argv[1]))
	r = d['results']
	sys.exit(0 if eval(sys.argv[2]) else 1)
	PY
}

# await COMMAND...: until it is true. What is waited for can be seen; a time that ought to be enough is
# not on a machine that has more to do.
await() {
	local n
	for ((n = 0; n < 3000; n++)); do
		"$@" && return 0
		sleep 0.02
	done
	fail "this never came: $*"
	return 1
}

# stands PID PROGRAM: it runs, and what tells it to end no longer ends it at once.
stands() {
	local caught
	[ "/proc/$1/exe" -ef "$2" ] || return 1
	caught=$(sed -n 's/^SigCgt:[[:space:]]*/0x/p' "/proc/$1/status" 2>/dev/null)
	[ $((${caught:-0} >> (16 - 1) & 1)) -eq 1 ] # STKFLT: the last that stop.c has caught
}

# worked PID TICKS: that much CPU time ago it began, however little of the CPU it gets.
worked() {
	local stat
	read -r -a stat 2>/dev/null <"/proc/$1/stat" || return 1
	[ $((stat[13] + stat[14])) -ge "$2" ]
}

# threads PID N: it has as many.
threads() {
	local all=("/proc/$1/task"/*)
	[ "${#all[@]}" -eq "$2" ]
}

# ended PID: nothing of it runs.
ended() {
	local stat
	read -r -a stat 2>/dev/null <"/proc/$1/stat" || return 0
	[ "${stat[2]}" = Z ]
}

finish() {
	echo "$((cases - failures)) of $cases cases passed"
	[ "$failures" -eq 0 ]
	exit
}

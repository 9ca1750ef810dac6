#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# sluice-check from outside: what it prints, its status, bad input named in one line, nothing left.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
check=$1
mkdir "$work/results"

# bad NAME WORDS... -- OPTIONS...
bad() {
	local name=$1 words=()
	shift
	while [ "$1" != -- ]; do
		words+=("$1")
		shift
	done
	shift
	run "$name" 2 "$check" --json "$work/results/r.json" "$@"
	one_check_line "${words[@]}"
	nothing_left
}

# cases EXPRESSION: over d, the JSON document.
holds() {
	/usr/bin/env python3 -c 'import json, sys
d = json.load(open(sys.argv[1]))
sys.exit(0 if eval(sys.argv[2]) else 1)' "$1" "$2" || fail "not true of $1: $2"
}

run 'list' 0 "$check" --list
[ "$(grep -c '^[a-z0-9]*\.' "$work/out")" -ge 80 ] || fail 'fewer than 80 cases'
says 'tlbi.va ' 'ident.idr0'
[ -z "$(grep '^[a-z]' "$work/out" | cut -d' ' -f1 | sort | uniq -d)" ] || fail 'a name twice'
run 'list of some' 0 "$check" --list --case 'cfgi.*'
[ "$(grep -c '^[a-z]' "$work/out")" -eq "$(grep -c '^cfgi\.' "$work/out")" ] || fail 'others listed'
run 'help' 0 "$check" --help
says 'Exit status' '--case'
run 'version' 0 "$check" --version
says 'sluice-check '

run 'no arguments: emulated hardware' 0 "$check" --case 'ident.*'
[[ $(tail -n 1 "$work/out") =~ ^[0-9]+\ passed,\ 0\ failed,\ [0-9]+\ skipped$ ]] || fail 'no sum'
[ ! -s "$work/err" ] || fail 'something on stderr'
run 'with EAL options' 0 "$check" "${eal[@]}" -l 0 -- --case 'ident.idr*' --case tlbi.va
[ "$(grep -c '^ok ' "$work/out")" -eq 4 ] || fail 'not the four cases that were asked for'
run 'json' 0 "$check" --case 'reset.*' --json "$work/r.json"
holds "$work/r.json" "d['failed'] == 0 and d['passed'] + d['skipped'] == len(d['cases']) > 9"
holds "$work/r.json" "all(c['verdict'] in ('ok', 'skip') and c['proves'] for c in d['cases'])"
run 'json to stdout' 0 "$check" --case 'reset.works' --json -
cp "$work/out" "$work/s.json"
holds "$work/s.json" "[c['name'] for c in d['cases']] == ['reset.works']"
grep -q '^ok   reset.works' "$work/err" || fail 'the lines are not on stderr'

# Hardware that is not what it ought to be: its SYNC waits for no TLBI.
run 'a case fails' 1 "$check" --dev smmuv3,regs=emu,step=1,tlbi_ns=100000,sync_early=1 \
	--case tlbi.va --case tlbi.leave-config --json "$work/f.json"
grep -q '^FAIL tlbi.va ' "$work/out" || fail 'no FAIL line'
grep -q '1 failed' "$work/out" || fail 'not in the sum'
holds "$work/f.json" "d['failed'] == 1"

bad 'unknown option' --bogus -- --bogus
bad 'missing value' --case -- --case
bad 'no such case' nosuch.case --list -- --case 'nosuch.case'
bad 'stray word' stray -- stray
bad 'seed' --seed 1x -- --seed 1x
bad 'unknown backend' smmuv9 smmuv3 -- --dev smmuv9
bad 'unknown registers' zz emu -- --dev smmuv3,regs=zz
bad 'unknown device key' foo -- --dev smmuv3,regs=emu,foo=1
bad 'unknown DMA maker' nobody -- --dma nobody
bad 'a maker that is not there' edu -- --dma edu
bad 'a QEMU that is not there' no-such-qemu -- --dev smmuv3,regs=qtest,qemu=no-such-qemu
bad 'a QEMU that is none' qemu= -- --dev smmuv3,regs=qtest,qemu=/bin/true
bad 'a QEMU that hangs' qemu= -- --dev smmuv3,regs=qtest,timeout_ms=300,qemu=/bin/cat
bad 'an SMMU that does not answer' SYNC -- \
	--dev smmuv3,regs=emu,step=1,sync_ns=900000000,sync_timeout_us=1000
run 'json in no folder' 2 "$check" --json "$work/none/r.json"
one_check_line none/r.json
run 'json is a folder' 2 "$check" --json "$work"
one_check_line "$work"
run 'json on a full device' 1 "$check" --case ident.idr0 --json /dev/full
one_check_line /dev/full
run 'option in front of --' 2 "$check" --case x -- --list
one_check_line --case
run 'EAL does not start' 2 "$check" --zork -- --case ident.idr0
one_check_line 'EAL did not start'
finish

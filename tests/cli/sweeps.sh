#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Sweeps: nothing of the file is dropped, one bad point costs nothing else; what
# was not measured is null; and layout step says the same twice, byte for byte.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
j=$work/r.json
one=("${eal[@]}" -l 0)

ini() {
	cat >"$work/s.ini"
}

# ---- each section its own policies ----------------------------------------------------------------
ini <<-'INI'
	[sweep a]
	policy = strict
	batch = 16
	[sweep b]
	policy = deferred, strict-async:batch=8
	[sweep c]
	deadline_us = 70
INI
run 'sections have policies of their own' 0 "$perf" "${one[@]}" -- --sweep "$work/s.ini" --pairs 300 \
	--rounds 1 --json "$j" --csv "$work/r.csv" --report "$work/rep"
json "$j" "[x['policy'] for x in r] == ['strict'] + 2 * ['deferred', 'strict-async']"
json "$j" "[x['deadline_us'] for x in r if x['policy'] == 'deferred'] == [10000, 70]"
json "$j" "[x['batch'] for x in r if x['policy'] == 'strict-async'] == [8, 8]"
json "$j" "d['complete'] is True and all(x['error'] is None for x in r)"

# bad NAME WORDS...: the file on stdin is refused with one line that has them.
bad() {
	local name=$1
	shift
	ini
	rm -f "$j"
	run "$name" 2 "$perf" "${one[@]}" -- --sweep "$work/s.ini" --json "$j"
	one_line s.ini "$@"
	[ ! -e "$j" ] || fail 'a result is there'
}
long=$(printf 'strict:deadline_us=%d, ' $(seq 1 30))
bad 'a line of more than 255 characters' s.ini:3: 255 <<<$'[sweep]\nbatch = 8\npolicy = '"${long%, }"
bad 'a comment of more than 255 characters' s.ini:2: <<<$'[sweep]\n;'"$(printf '%0300d' 0)"$'\nbatch = 8'
bad 'a name that is too long' s.ini:2: <<<$'[sweep]\n'"$(printf 'b%070d' 0)"' = 8'
bad 'a key twice' batch twice <<<$'[sweep]\nbatch = 8\nbatch = 16'
printf '[sweep]\nbatch = 8\0,16\n' | bad 'a byte 0' s.ini:2:
many=$(printf 'strict:deadline_us=%d,' $(seq 1 65))
run 'more than 64 policies' 2 "$perf" "${one[@]}" -- --policy "${many%,}"
one_line --policy 64
many=$(printf 'strict:deadline_us=%d,' $(seq 1 64))
run '64 policies' 0 "$perf" "${one[@]}" -- --policy "${many%,}" --pairs 64 --rounds 1 --json "$j"
json "$j" 'len(r) == 64'

# ---- one bad point --------------------------------------------------------------------------------
# The middle one's SYNC takes longer than the device's limit.
ini <<-'INI'
	[sweep]
	sync_ns = 0, 900000000, 100
INI
rm -rf "$j" "$work/rep"
run 'one bad point' 1 "$perf" "${one[@]}" -- --sweep "$work/s.ini" --pairs 300 --rounds 1 \
	--dev smmuv3,regs=emu,sync_timeout_us=1000 --policy strict,deferred --json "$j" --csv "$work/r.csv" \
	--report "$work/rep"
json "$j" "[x['sync_ns'] for x in r] == [0, 0, 900000000, 900000000, 100, 100]"
json "$j" "all(x['error'] is None and x['pair_ns'] is not None and 'failed' not in x['marks'] for x in r[:2] + r[4:])"
json "$j" "all('sync_timeout_us' in x['error'] and x['marks'] == ['failed'] for x in r[2:4])"
json "$j" "all(x[k] is None for x in r[2:4] for k in ('pairs', 'seconds', 'pair_ns', 'stale_accesses',
	'dma_bytes', 'dma_mismatches', 'pinned_bytes', 'syncs_per_unmap', 'policy_in_force', 'unstable'))"
[ "$(grep -c ',failed,' "$work/r.csv")" -eq 2 ] || fail 'csv: two failed lines are not marked'
[ "$(wc -l <"$work/r.csv")" -eq 7 ] || fail 'csv: not six lines'
grep -q 'strict#' "$work/out" || fail 'table: not marked'
grep -q 'strict#' "$work/rep/index.html" || fail 'page: not marked'

# ---- what was not measured -----------------------------------------------------------------------------
run 'no probes' 0 "$perf" "${one[@]}" -- --pairs 300 --rounds 1 --json "$j" --csv "$work/r.csv"
json "$j" "all(x['probes'] is None and x['probe_hits'] is None and x['probe_faults'] is None for x in r)"
json "$j" "r[0]['policy'] == 'passthrough' and r[0]['exposed_bytes'] is None"
[ "$(python3 -c 'import csv, sys
print({x["probes"] for x in csv.DictReader(open(sys.argv[1]))})' "$work/r.csv")" = "{''}" ] || fail 'csv: probes'

# ---- twice the same -------------------------------------------------------------------------------
for i in 1 2; do
	run "layout step, $i" 0 "$perf" "${one[@]}" -- --layout step --policy all --seed 7 --probe-stale \
		--pairs 2000 --rounds 2 --json "$work/same$i.json" --csv "$work/same$i.csv"
	cp "$work/out" "$work/same$i.out"
	sleep 0.3
done
for kind in json csv out; do
	cmp -s "$work/same1.$kind" "$work/same2.$kind" || fail "two runs differ in their $kind"
done
json "$work/same1.json" "all(x['preempted'] is None for x in r) and r[1]['pair_ns'] > 0"
finish

#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Every policy of the library on every workload there is: each byte right, those that promise
# strictness without one stale access, the others with some. SLUICE_WORKLOADS may name a folder with
# more captures.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
j=$work/r.json
one=("${eal[@]}" -l 0)
names=$("$perf" --list | sed -n 's/^policies: //p')

# holds: what must be true of any run of all policies with probes, in $j.
holds() {
	[ -s "$j" ] || { fail 'no result'; return; }
	json "$j" "[x['policy'] for x in r] == '$names'.split() and len(r) >= 6"
	json "$j" "all(x['dma_mismatches'] == 0 and x['dma_faults'] == 0 and x['pairs'] == $1 for x in r)"
	json "$j" "all(x['probes'] > 0 for x in r)"
	json "$j" "all(x['stale_accesses'] == 0 for x in r if x['policy_in_force'] in $strict)"
	json "$j" "all(x['stale_accesses'] > 0 for x in r if x['policy_in_force'] not in $strict)"
	json "$j" "all((x['shadow_accesses'] or 0) > 0 if x['policy'] in $copies else x['shadow_accesses'] is None for x in r)"
	json "$j" "all(x['counters']['maps'] == x['counters']['unmaps'] + x['counters']['live'] for x in r)"
	json "$j" "all(x['counters']['queued'] == x['counters']['released'] + x['counters']['pending'] for x in r)"
	json "$j" "all(x['release_us']['p99'] is not None for x in r if x['policy_in_force'] in $strict)"
	json "$j" "all(x['release_us']['p99'] is None for x in r if x['policy_in_force'] not in $strict)"
	json "$j" "all(x['cookies'] == x['pairs'] for x in r if x['policy'] == 'strict-async')"
	json "$j" "all(x['stale_us']['max'] == 0 for x in r if x['policy'] == 'strict-async')"
	json "$j" "all({'full', 'deadline', 'drain', 'rollover', 'switch'} <= set(x['flushes']) for x in r)"
	json "$j" "all(set(x['walk_reads']) == {'l0', 'l1', 'l2', 'l3'} for x in r)"
	json "$j" "all({'burst', 'copy_max', 'crossover_bytes', 'deadline_misses', 'oldest_us', 'exposed_bytes', 'pending_max'} <= set(x) for x in r)"
	json "$j" "not any('null' in k for x in r for k in x['counters'])"
}

case='the man page names the strict policies'
cases=$((cases + 1))
: >"$work/err"
tr -s '\n\t' ' ' <"$here/../../apps/perf/sluice-perf.1.scd" | tr -d "'" |
	grep -q -F -e "promises strictness ${strict//\'/}" || fail "not those of lib.sh: $strict"

# Virtual time: how many pairs are enough does not depend on the machine.
workloads=(net:imix blk:4k "$here/../../config/workloads/sample.pcap")
if [ -n "${SLUICE_WORKLOADS:-}" ]; then
	for f in "$SLUICE_WORKLOADS"/*.pcap "$SLUICE_WORKLOADS"/*.pcapng; do
		[ -f "$f" ] && workloads+=("$f")
	done
fi
for w in "${workloads[@]}"; do
	rm -f "$j"
	run "all policies on ${w##*/}" 0 "$perf" "${one[@]}" -- --workload "$w" --policy all --probe-stale \
		--pairs 10000 --rounds 1 --json "$j" --csv "$work/r.csv"
	holds 10000
	json "$j" "all(x['stale_provable'] is True and x['stale_control'] > 0 for x in r)"
	[ "$(wc -l <"$work/r.csv")" -eq "$(($(wc -w <<<"$names") + 1))" ] || fail 'csv: not a line a policy'
done

# Who shares the machine may keep an lcore waiting for longer than hardware is given.
patient=smmuv3,regs=emu,sync_timeout_us=60000000
# On lcores of their own, or as good as: engine apart, engine inline, two workers.
rm -f "$j"
run 'all policies, split' 0 "$perf" "${two[@]}" -- --dev $patient --policy all --probe-stale --pairs 30000 --rounds 1 --json "$j"
holds 30000
# Lcores that share a CPU may all be blind; each with its own sees what it looks for.
[ "$(nproc)" -lt 2 ] || json "$j" "all(x['stale_provable'] for x in r)"
rm -f "$j"
run 'all policies, inline' 0 "$perf" "${two[@]}" -- --dev $patient --layout inline --policy all --probe-stale \
	--pairs 20000 --rounds 1 --json "$j"
holds 20000
rm -f "$j"
run 'all policies, two workers' 0 "$perf" "${eal[@]}" --lcores '(0-2)@0' -- --dev $patient --workers 2 --policy all \
	--probe-stale --pairs 4001 --rounds 1 --json "$j"
json "$j" "all(x['dma_mismatches'] == 0 and x['pairs'] == 4001 and x['workers'] == 2 for x in r)"
json "$j" "all(x['stale_accesses'] == 0 for x in r if x['policy_in_force'] in $strict)"

# Settings: each policy's own default, one for all, one for one.
run 'own defaults' 0 "$perf" "${one[@]}" -- --policy strict-async,deferred --pairs 500 --rounds 1 --json "$j"
json "$j" "[(x['batch'], x['deadline_us']) for x in r] == [(32, 50), (256, 10000)]"
run 'one for all' 0 "$perf" "${one[@]}" -- --policy strict-async,deferred --batch 64 --pairs 500 --rounds 1 --json "$j"
json "$j" "[(x['batch'], x['deadline_us']) for x in r] == [(64, 50), (64, 10000)]"
run 'one for one' 0 "$perf" "${one[@]}" -- --policy strict-async:batch=8,deferred:deadline_us=70,strict-async \
	--batch 64 --pairs 500 --rounds 1 --json "$j"
json "$j" "[(x['batch'], x['deadline_us']) for x in r] == [(8, 50), (64, 70), (64, 50)]"
cat >"$work/sweep.ini" <<-'INI'
	[sweep]
	policy = strict-async:batch=16, deferred, strict
	deadline_us = 40, 400
INI
run 'in a sweep' 0 "$perf" "${one[@]}" -- --sweep "$work/sweep.ini" --pairs 500 --rounds 1 --json "$j"
json "$j" "[(x['batch'], x['deadline_us']) for x in r if x['policy'] != 'strict'] == [(b, d) for d in (40, 400) for b in (16, 256)]"

# Bursts of any size, with ends that are none; buffers that are few, and larger than a page.
for burst in 1 7 64; do
	run "bursts of $burst" 0 "$perf" "${one[@]}" -- --policy all --burst "$burst" --pairs 1003 --rounds 1 --json "$j"
	json "$j" "all(x['dma_mismatches'] == 0 and x['pairs'] == 1003 and x['burst'] == $burst for x in r)"
	json "$j" "all(x['syncs_per_unmap'] <= 1.1 / $burst for x in r if x['policy'] in $shares)"
done
python3 "$here/mkcap.py" "$work"
run 'a short ring of large buffers' 0 "$perf" "${one[@]}" -- --workload "$work/frame64k.pcap" --policy all \
	--dev smmuv3,regs=emu,mem_mb=32 --pairs 500 --rounds 1 --json "$j"
json "$j" "all(x['dma_mismatches'] == 0 and x['ring'] < 256 and x['buffer_bytes'] == 65536 for x in r)"
finish

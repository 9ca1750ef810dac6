#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Good runs: keys, outputs, layouts, sweeps, determinism.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
j=$work/r.json

run help 0 "$perf" --help
says 'usage: sluice-perf' Examples
[ ! -s "$work/err" ] || fail 'help wrote to stderr'
run 'help behind --' 0 "$perf" -- --help
says Examples
run version 0 "$perf" --version
says 'sluice-perf ' DPDK
run list 0 "$perf" --list
says passthrough strict deferred smmuv3 net:imix blk:4k

run 'all keys' 0 "$perf" "${two[@]}" -- --pairs 20000 --rounds 3 --policy passthrough,strict,deferred \
	--probe-stale --json "$j" --csv "$work/r.csv" --report "$work/rep"
json "$j" "{'version','host','iommu','layout','results'} <= set(d)"
json "$j" "{'cpu','cores','kernel','dpdk','huge_pages'} <= set(d['host'])"
json "$j" "{'backend','regs','capabilities','settings'} <= set(d['iommu'])"
json "$j" "all({'policy','workload','workers','batch','deadline_us','pairs','seconds','map_ns','unmap_ns',
	'pair_ns','sync_rtt_ns','syncs_per_unmap','invs_per_unmap','stale_us','stale_accesses','dma_bytes',
	'dma_faults','dma_mismatches','iotlb_hit_rate','walk_reads_per_page','pinned_bytes','ring_full',
	'empty_polls','counters','seed','layout','sync_ns','unstable','workload_note'} <= set(x) for x in r)"
json "$j" "all({'p50','p99','max','mean'} <= set(x[k]) for x in r for k in ('map_ns','unmap_ns'))"
json "$j" "all({'p50','p99','max'} <= set(x['stale_us']) for x in r)"
json "$j" "[x['policy'] for x in r] == ['passthrough','strict','deferred'] and d['layout'] == 'split'"
json "$j" "r[1]['stale_accesses'] == 0 and r[0]['stale_accesses'] > 0"
json "$j" "r[0]['stale_us']['max'] is None and r[1]['stale_us']['max'] == 0 and r[2]['stale_us']['max'] > 0"
json "$j" "r[1]['syncs_per_unmap'] == 1 and r[2]['syncs_per_unmap'] < 0.1 and r[0]['syncs_per_unmap'] == 0"
json "$j" "all(x['counters']['maps'] == x['counters']['unmaps'] + x['counters']['live'] for x in r)"
json "$j" "all(x['counters']['queued'] == x['counters']['released'] + x['counters']['pending'] for x in r)"
json "$j" "r[2]['counters']['queued'] == 20000 and r[1]['strict_ratio'] == 1"
json "$j" "all(x['pinned_bytes'] >= 256 * 4096 for x in r)"
says 'no claim about any real device' 'layout    split' 'strict/this'
[ "$(wc -l <"$work/r.csv")" -eq 4 ] || fail 'csv: not a header and three lines'
[ "$(head -1 "$work/r.csv" | tr ',' '\n' | wc -l)" -eq "$(sed -n 2p "$work/r.csv" | tr ',' '\n' | wc -l)" ] ||
	fail 'csv: header and lines differ in fields'
grep -q '</html>' "$work/rep/index.html" || fail 'report: no whole page'
if grep -E -o '(src|href)="?https?:' "$work/rep/index.html"; then fail 'report: not self-contained'; fi
if command -v gnuplot >/dev/null; then
	[ -s "$work/rep/cost.svg" ] || fail 'report: no SVG'
	[ -s "$work/rep/cost.png" ] || fail 'report: no PNG'
	grep -q '<svg' "$work/rep/index.html" || fail 'report: plots not in the page'
fi
[ -z "$(find "$work" -name '*.??????' -newer "$j" -path '*json.*')" ] || fail 'temporary file left'

# A zero is said only by who looked, and only of hardware that could have shown another number.
quick=smmuv3,regs=emu,tlbi_ns=0,sync_ns=0,shuffle=0,sync_timeout_us=60000000
run 'nobody looked' 0 "$perf" "${eal[@]}" -l 0 -- --pairs 2000 --rounds 1 --json "$j" --csv "$work/r.csv" \
	--report "$work/rep2"
json "$j" "all(x['stale_accesses'] is None and x['stale_provable'] is None for x in r)"
json "$j" "d['iommu']['slowed_by_probes'] == ''"
[ "$(cut -d, -f30 "$work/r.csv" | tr '\n' ' ')" = 'stale_accesses    ' ] || fail 'csv: a number'
says 'no device probed for them'
grep -q '<td>n/a</td><td>n/a</td>' "$work/rep2/index.html" || fail 'report: a number'
run 'slow enough to tell' 0 "$perf" "${eal[@]}" -l 0 -- --pairs 2000 --rounds 1 --policy strict --probe-stale --json "$j"
json "$j" "r[0]['stale_accesses'] == 0 and r[0]['stale_provable'] is True and r[0]['stale_control'] > 0"
json "$j" "d['iommu']['slowed_by_probes'] == 'tlbi_ns=5000,sync_ns=2000,shuffle=1'"
says 'the hardware was made slow, tlbi_ns=5000,sync_ns=2000,shuffle=1'
for layout in '-l 0' "${two[*]: -2} -- --layout split" "${two[*]: -2} -- --layout inline"; do
	[[ $layout == *--* ]] || layout+=' --'
	# shellcheck disable=SC2086 # words are wanted
	run "too quick to tell: $layout" 0 "$perf" "${eal[@]}" $layout --dev "$quick" \
		--pairs 2000 --rounds 1 --policy strict,strict-async,strict-batched,contiguous,hybrid:copy_max=64 \
		--probe-stale --json "$j" --csv "$work/r.csv" --report "$work/rep3"
	json "$j" "all(x['stale_accesses'] == 0 and x['stale_provable'] is False for x in r)"
	says 'not provable on this hardware' '0?'
	grep -q '0 (not provable)' "$work/rep3/index.html" || fail 'report: no mark'
done
# Memory that comes back long after a completion that was too early: the window is moved behind it, as
# wide as the hardware's own, and no wider.
late=strict,strict-async,strict-batched
run 'a window that closes itself' 0 "$perf" "${eal[@]}" -l 0 -- --dev smmuv3,regs=emu,tlbi_ns=300,sync_ns=2000 \
	--pairs 2000 --rounds 1 --policy $late --probe-stale --json "$j"
json "$j" "all(x['stale_accesses'] == 0 and x['stale_provable'] is True for x in r)"
run 'a window of 1 ns' 0 "$perf" "${eal[@]}" -l 0 -- --dev smmuv3,regs=emu,tlbi_ns=1,sync_ns=2000 \
	--pairs 2000 --rounds 1 --policy $late --probe-stale --json "$j"
json "$j" "all(x['stale_accesses'] == 0 and x['stale_provable'] is False for x in r)"
for layout in step split inline; do
	lcores=("${two[@]}")
	[ $layout != step ] || lcores=("${eal[@]}" -l 0)
	run "cookies that come late: $layout" 0 "$perf" "${lcores[@]}" -- --layout $layout \
		--dev smmuv3,regs=emu,tlbi_ns=5000,sync_ns=2000,shuffle=1,sync_timeout_us=60000000 --policy strict-async --probe-stale \
		--pairs 2000 --rounds 1 --json "$j"
	json "$j" "r[0]['stale_accesses'] == 0 and r[0]['stale_provable'] is True"
done
run 'too quick, and it does not matter' 0 "$perf" "${eal[@]}" -l 0 -- --dev "$quick" --pairs 2000 --rounds 1 \
	--policy copy,passthrough --probe-stale --json "$j"
json "$j" "all(x['stale_provable'] is True for x in r)"
run 'broken hardware' 1 "$perf" "${eal[@]}" -l 0 -- --dev smmuv3,regs=emu,sync_early=1 --pairs 2000 --rounds 1 \
	--policy strict --probe-stale
says 'stale accesses: not strict'

racy=smmuv3,regs=emu,tlbi_racy=1
run 'invalidations lose races' 1 "$perf" "${eal[@]}" -l 0 -- --dev "$racy" --pairs 2000 --rounds 1 \
	--policy strict --probe-stale
says 'stale accesses: not strict'
run 'and are repeated' 0 "$perf" "${eal[@]}" -l 0 -- --dev "$racy,quirk=repeat-tlbi-cfgi" --pairs 2000 --rounds 1 \
	--policy strict,strict-batched,strict-async --probe-stale

# Same seed, same counters; another seed, others.
for i in 1 2; do
	run "step $i" 0 "$perf" "${eal[@]}" -l 0 -- --seed 7 --pairs 5000 --probe-stale --rounds 1 \
		--json "$work/s$i.json"
	says 'layout    step'
done
run 'step, another seed' 0 "$perf" "${eal[@]}" -l 0 -- --seed 8 --pairs 5000 --probe-stale --rounds 1 \
	--json "$work/s3.json"
counters() {
	python3 -c 'import json,sys
for x in json.load(open(sys.argv[1]))["results"]: print(x["policy"], json.dumps(x["counters"], sort_keys=True))' "$1"
}
case='same seed, same counters'
counters "$work/s1.json" >"$work/c1"
counters "$work/s2.json" >"$work/c2"
counters "$work/s3.json" >"$work/c3"
cmp -s "$work/c1" "$work/c2" || fail 'the counters differ'
cmp -s "$work/c1" "$work/c3" && fail 'another seed changed nothing'
json "$work/s1.json" "r[1]['stale_accesses'] == 0 and r[2]['stale_accesses'] > 0"

run 'inline' 0 "$perf" "${two[@]}" -- --layout inline --pairs 5000 --rounds 1 --json "$j"
json "$j" "d['layout'] == 'inline' and all(x['dma_mismatches'] == 0 for x in r)"
run 'blk' 0 "$perf" "${two[@]}" -- --workload blk:4k --pairs 5000 --rounds 1 --probe-stale --json "$j"
json "$j" "all(x['dma_mismatches'] == 0 and x['dma_bytes'] == 5000 * 4096 for x in r)"
run 'two workers share CPUs' 0 "$perf" "${eal[@]}" --lcores '(0-2)@0' -- --workers 2 --pairs 2000 \
	--rounds 1 --json "$j"
json "$j" "all(x['workers'] == 2 and x['pairs'] == 2000 and x['dma_mismatches'] == 0 for x in r)"
run 'two workers inline' 0 "$perf" "${eal[@]}" --lcores '(0-2)@0' -- --workers 2 --pairs 2001 \
	--layout inline --rounds 1 --json "$j"
json "$j" "all(x['pairs'] == 2001 for x in r)"
run 'seconds' 0 "$perf" "${two[@]}" -- --seconds 0.1 --rounds 1 --policy strict --json "$j"
json "$j" "0.09 < r[0]['seconds'] < 5 and r[0]['pairs'] > 0"
run 'without range invalidation' 0 "$perf" "${two[@]}" -- --dev smmuv3,regs=emu,ril=0 --pairs 5000 --rounds 1 --json "$j"
json "$j" "'range_inv' not in d['iommu']['capabilities']"

cat >"$work/sweep.ini" <<-'INI'
[sweep]
sync_ns = 0, 3000
batch = 32, 256
policy = strict, deferred
[sweep workers]
workers = 1
deadline_us = 100
INI
run 'sweep' 0 "$perf" "${two[@]}" -- --sweep "$work/sweep.ini" --pairs 3000 --rounds 1 --json "$j" --report "$work/rep2"
json "$j" "[(x['policy'], x['sync_ns'], x['batch']) for x in r][:8] == [(p, s, b) for s in (0, 3000)
	for b in (32, 256) for p in ('strict', 'deferred')] and len(r) == 10 and r[9]['deadline_us'] == 100"
json "$j" "r[4]['sync_rtt_ns'] > 3000"
run 'json on stdout' 0 "$perf" "${two[@]}" -- --pairs 500 --rounds 1 --json -
json "$work/out" "len(r) == 3"
run 'csv on stdout' 0 "$perf" "${two[@]}" -- --pairs 500 --rounds 1 --csv -
[ "$(wc -l <"$work/out")" -eq 4 ] || fail 'csv on stdout: not four lines'

# An lcore that does not get its CPU: the line says so, and what helps.
if [ "$(nproc)" -ge 2 ] && command -v taskset >/dev/null; then
	hogs=()
	for _ in 1 2; do
		taskset -c 0 timeout 120 bash -c 'while :; do :; done' &
		hogs+=($!)
	done
	run 'the hardware lcore is starved' 1 nice -n 10 "$perf" "${two[@]}" -- --policy strict --pairs 2M \
		--rounds 1 --dev smmuv3,regs=emu,sync_timeout_us=10000
	one_line 'lcore 0' 'did not get the CPU for' 'sync_timeout_us=10000' '-l'
	kill "${hogs[@]}"
	wait "${hogs[@]}" 2>/dev/null
fi
finish

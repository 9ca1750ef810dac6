#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Bad input: exit status 2, one line that names the culprit, nothing left behind.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
python3 "$here/mkcap.py" "$work"
mkdir "$work/results"
out=(--json "$work/results/r.json" --csv "$work/results/r.csv" --report "$work/results/report")

# bad NAME WORDS -- OPTIONS...
bad() {
	local name=$1 words arguments
	shift
	split "$@"
	run "$name" 2 "$perf" "${two[@]}" -- "${out[@]}" --pairs 100 --rounds 1 "${arguments[@]}"
	one_line "${words[@]}"
	nothing_left
}

bad 'missing capture' missing.pcap 'No such file' -- --workload "$work/missing.pcap"
bad 'empty capture' empty.pcap 'is empty' -- --workload "$work/empty.pcap"
bad 'garbage capture' garbage.pcap 'unknown file format' -- --workload "$work/garbage.pcap"
bad 'no packets' no-packets.pcap 'no packets' -- --workload "$work/no-packets.pcap"
bad 'first packet broken' first-broken.pcap -- --workload "$work/first-broken.pcap"
bad 'a cut gzip capture' cut-head.pcap.gz 'gzip data end too early' -- --workload "$work/cut-head.pcap.gz"
bad 'a folder as capture' "$work" -- --workload "$work"
bad 'unknown generator' net:foo net:imix -- --workload net:foo
bad 'unknown policy' stric strict,  -- --policy passthrough,stric
bad 'empty policy' --policy -- --policy ''
bad 'double comma' --policy -- --policy strict,,deferred
bad 'unknown policy setting' speed=1 batch=N -- --policy strict,deferred:speed=1
bad 'policy setting: batch 3' batch=3 'power of two' -- --policy strict,deferred:batch=3
bad 'policy setting: no value' '"batch"' -- --policy deferred:batch
bad 'burst 0' --burst -- --burst 0
bad 'burst 65' --burst -- --burst 65
bad 'unknown backend' smmuv9 smmuv3 -- --dev smmuv9
bad 'unknown registers' zz emu -- --dev smmuv3,regs=zz
bad 'unknown device key' foo -- --dev smmuv3,regs=emu,foo=1
bad 'bad device value' sync_ns -- --dev smmuv3,regs=emu,sync_ns=abc
bad 'walks that are not coherent' COHACC -- --dev smmuv3,regs=emu,cohacc=0
bad 'batch 0' --batch 0 'power of two' -- --batch 0
bad 'batch 3' --batch 3 'power of two' -- --batch 3
bad 'batch too large' --batch -- --batch 4194304
bad 'workers 0' --workers -- --workers 0
bad 'more workers than lcores' '--workers 2' '3 lcores' 'fewer workers' -- --workers 2
bad 'workers in step' '--workers 2' step -- --workers 2 --layout step
bad 'pairs 0' --pairs -- --pairs 0
bad 'pairs not a number' --pairs 1e6 -- --pairs 1e6
bad 'pairs negative' --pairs -5 -- --pairs -5
bad 'seconds 0' --seconds -- --seconds 0
bad 'seconds nan' --seconds nan -- --seconds nan
bad 'pairs and seconds' --pairs --seconds -- --seconds 1
bad 'rounds 0' --rounds -- --rounds 0
bad 'unknown layout' sideways split -- --layout sideways
bad 'unknown option' --bogus -- --bogus
bad 'missing value' --seed -- --seed
bad 'stray word' stray -- stray

# ini NAME WORDS... reads the file from stdin
ini() {
	cat >"$work/bad.ini"
	bad "$@" -- --sweep "$work/bad.ini"
}
bad 'missing sweep' none.ini 'No such file' -- --sweep "$work/none.ini"
ini 'sweep: unknown key' bad.ini speed batch <<<$'[sweep]\nspeed = 3'
ini 'sweep: batch 3' bad.ini batch 3 <<<$'[sweep]\nbatch = 8, 3'
ini 'sweep: not a number' bad.ini sync_ns fast <<<$'[sweep]\nsync_ns = fast'
ini 'sweep: unknown policy' bad.ini stric <<<$'[sweep]\npolicy = stric'
ini 'sweep: unknown policy setting' bad.ini speed=1 <<<$'[sweep]\npolicy = strict:speed=1'
ini 'sweep: unknown section' bad.ini sweeep <<<$'[sweeep]\nbatch = 8'
ini 'sweep: too many workers' '--workers 7' <<<$'[sweep]\nworkers = 1, 7'
ini 'sweep: not an ini' bad.ini <<<'just text'
ini 'sweep: empty' bad.ini </dev/null

# Outputs that cannot be written are refused before the run.
unwritable() {
	run "$1" 2 "$perf" "${two[@]}" -- --pairs 100 --rounds 1 "${@:3}"
	one_line "$2"
	nothing_left
}
unwritable 'json in no folder' none/r.json --json "$work/none/r.json"
unwritable 'json is a folder' "$work" --json "$work"
unwritable 'csv in no folder' none/r.csv --csv "$work/none/r.csv" --json "$work/results/r.json"
unwritable 'report is a file' one.pcap --report "$work/one.pcap" --json "$work/results/r.json"
unwritable 'report in no folder' none/rep --report "$work/none/rep" --csv "$work/results/r.csv"
unwritable 'empty name' --json --json ''
unwritable 'json and csv the same' "$work/results/r" --json "$work/results/r" --csv "$work/results/r"
run 'json on a full device' 1 "$perf" "${two[@]}" -- --pairs 100 --rounds 1 --json /dev/full
one_line /dev/full

# EAL's own troubles.
run 'option in front of --' 2 "$perf" "${two[@]}" --workload x
one_line --workload
run 'lcore that is not there' 2 "$perf" "${eal[@]}" -l 0,127 -- "${out[@]}"
one_line 'EAL did not start'
nothing_left
run 'unknown EAL option' 2 "$perf" "${two[@]}" --zork -- "${out[@]}"
one_line 'EAL did not start' --zork
[ ! -s "$work/out" ] || fail 'EAL usage on stdout'
run 'more memory than there is' 2 "$perf" --in-memory --no-pci -m 9999999 -l 0 -- "${out[@]}"
one_line --no-huge dpdk-hugepages
nothing_left

# What was there stays what it was when a run is refused.
echo precious >"$work/results/r.json"
run 'an old result survives' 2 "$perf" "${two[@]}" -- --json "$work/results/r.json" --workload "$work/empty.pcap"
grep -q precious "$work/results/r.json" || fail 'old result lost'
finish

#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Captures of every shape: each byte right, on-wire lengths, breaks said.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
python3 "$here/mkcap.py" "$work"
j=$work/r.json

# play FILE PAIRS EXPRESSION
play() {
	run "$1" 0 "$perf" "${two[@]}" -- --workload "$work/$1" --pairs "$2" --rounds 1 \
		--policy all --probe-stale --json "$j"
	[ -s "$j" ] || return
	json "$j" "all(x['dma_mismatches'] == 0 and x['dma_faults'] == 0 and x['pairs'] == $2 for x in r)"
	json "$j" "all(x['stale_accesses'] == 0 for x in r if x['policy_in_force'] in
		('strict', 'strict-batched', 'strict-async', 'contiguous', 'copy', 'hybrid'))"
	json "$j" "$3"
	rm -f "$j"
}

play one.pcap 1000 "r[0]['dma_bytes'] == 98000"
play one.pcap 1 "r[0]['dma_bytes'] == 98 and r[0]['map_ns']['max'] > 0"
play five.pcap 1000 "r[0]['dma_bytes'] == 200 * 3300"
play nano.pcap 1000 "r[0]['dma_bytes'] == 200 * 3300"
play big-endian.pcap 1000 "r[0]['dma_bytes'] == 200 * 3300"
play odd-link.pcap 1000 "r[0]['dma_bytes'] == 200 * 3300"
play five.pcapng 1000 "r[0]['dma_bytes'] == 200 * 3300"
play frame64k.pcap 600 "r[0]['dma_bytes'] == 300 * 131071 and r[0]['buffer_bytes'] == 65536"
# On-wire lengths count, whatever was captured of them.
play snap.pcap 1000 "r[0]['dma_bytes'] == 200 * (5 * 96 + 350 * 10)"
play snap-zero.pcap 1000 "r[0]['dma_bytes'] == 500 * 1561"
play zero-length.pcap 1000 "r[0]['dma_bytes'] == 98000 and 'zero length' in r[0]['workload_note']"
play truncated.pcap 1000 "r[0]['dma_bytes'] == 250 * 2040 and 'after packet 4' in r[0]['workload_note']"
says 'broken after packet 4'
play truncated-header.pcap 1000 "r[0]['dma_bytes'] == 200 * 3300 and 'after packet 5' in r[0]['workload_note']"
play truncated.pcapng 1000 "r[0]['dma_bytes'] == 250 * 2040 and 'after packet 4' in r[0]['workload_note']"
play huge-wire.pcap 1000 "r[0]['dma_bytes'] == 98000 and 'after packet 1' in r[0]['workload_note']"
finish

#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Captures of every shape: each byte right, on-wire lengths, breaks said.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
python3 "$here/mkcap.py" "$work"
j=$work/r.json

tshark=$(command -v tshark) || echo 'no tshark: not compared with what Wireshark finds'
policies=all

# as_wireshark FILE: what was just played had as many packets and bytes as Wireshark finds. Blocks
# of other kinds are records there, too, but of no link type.
as_wireshark() {
	local want

	[ -n "$tshark" ] || return 0
	want=$("$tshark" -r "$work/$1" -Y frame.encap_type -T fields -e frame.len 2>/dev/null |
		awk '{ n++; s += $1 } END { printf "%d packets, %d bytes", n, s }')
	says "$1: $want"
}

# play FILE PAIRS EXPRESSION
play() {
	run "$1" 0 "$perf" "${two[@]}" -- --workload "$work/$1" --pairs "$2" --rounds 1 \
		--policy "$policies" --probe-stale --json "$j"
	[ -s "$j" ] || return
	json "$j" "all(x['dma_mismatches'] == 0 and x['dma_faults'] == 0 and x['pairs'] == $2 for x in r)"
	json "$j" "all(x['stale_accesses'] == 0 for x in r if x['policy_in_force'] in $strict)"
	json "$j" "$3"
	rm -f "$j"
}

play one.pcap 1000 "r[0]['dma_bytes'] == 98000"
play one.pcap 1 "r[0]['dma_bytes'] == 98 and r[0]['map_ns']['max'] > 0"
play five.pcap 1000 "r[0]['dma_bytes'] == 200 * 3300"
as_wireshark five.pcap
play nano.pcap 1000 "r[0]['dma_bytes'] == 200 * 3300"
as_wireshark nano.pcap
play big-endian.pcap 1000 "r[0]['dma_bytes'] == 200 * 3300"
as_wireshark big-endian.pcap
play odd-link.pcap 1000 "r[0]['dma_bytes'] == 200 * 3300"
as_wireshark odd-link.pcap
play five.pcapng 1000 "r[0]['dma_bytes'] == 200 * 3300"
as_wireshark five.pcapng
play frame64k.pcap 600 "r[0]['dma_bytes'] == 300 * 131071 and r[0]['buffer_bytes'] == 65536"
# On-wire lengths count, whatever was captured of them.
play snap.pcap 1000 "r[0]['dma_bytes'] == 200 * (5 * 96 + 350 * 10)"
as_wireshark snap.pcap
play snap-zero.pcap 1000 "r[0]['dma_bytes'] == 500 * 1561"
play zero-length.pcap 1000 "r[0]['dma_bytes'] == 98000 and 'zero length' in r[0]['workload_note']"
play truncated.pcap 1000 "r[0]['dma_bytes'] == 250 * 2040 and 'after packet 4' in r[0]['workload_note']"
says 'broken after packet 4'
play truncated-header.pcap 1000 "r[0]['dma_bytes'] == 200 * 3300 and 'after packet 5' in r[0]['workload_note']"
play truncated.pcapng 1000 "r[0]['dma_bytes'] == 250 * 2040 and 'after packet 4' in r[0]['workload_note']"
as_wireshark truncated.pcapng
play huge-wire.pcap 1000 "r[0]['dma_bytes'] == 98000 and 'after packet 1' in r[0]['workload_note']"

# From here on it is about what is read, not about what policies do with it.
policies=strict
# pcapng: interfaces may differ in everything, sections in byte order; every kind of block.
five="r[0]['dma_bytes'] == 200 * 3300 and r[0]['workload_note'] == ''"
for f in two-links two-snaplens two-clocks big-endian sections kinds kinds-big; do
	play "$f.pcapng" 1000 "$five"
	as_wireshark "$f.pcapng"
done
broke="r[0]['dma_bytes'] == 200 * 3300 and 'after packet 5' in r[0]['workload_note']"
play no-interface.pcapng 1000 "$broke"
as_wireshark no-interface.pcapng
says 'an interface that was not described'
# The last packet's block has no end: what it held is not taken.
play no-trailer.pcapng 1000 "r[0]['dma_bytes'] == 250 * 2040 and 'after packet 4' in r[0]['workload_note']"
says 'two lengths differ'
play no-section.pcapng 1000 "$broke"
says 'a section without a byte order'

# More captured than there was on the wire: it is played, and said.
over="r[0]['dma_bytes'] == 100 * (3300 + 2 * 98) and '2 packets whose length' in r[0]['workload_note']"
play over.pcap 700 "$over"
play over.pcapng 700 "$over"

# Packed files, whatever is in them and of however many parts.
for f in five.pcap.gz five.pcapng.gz members.pcap.gz five.pcap.zst five.pcapng.zst frames.pcap.zst; do
	play "$f" 1000 "$five"
	# Not every Wireshark has zstd, but all have zlib.
	[[ $f == *.zst ]] || as_wireshark "$f"
done
play cut.pcap.gz 1000 "'played up to there: the gzip data end too early' in r[0]['workload_note']"
play cut.pcap.zst 1000 "r[0]['dma_bytes'] == 250 * 2040 and 'after packet 4' in r[0]['workload_note']"
says 'the zstd data end too early'
play open.pcap.zst 1000 "$broke"
says 'the zstd data end too early'
for f in damaged.pcap.gz tail.pcap.gz tail.pcap.zst; do
	play "$f" 1000 "$broke"
done
run 'a pipe' 0 bash -c 'zcat "$1" | "${@:2}"' sh "$work/five.pcapng.gz" "$perf" "${two[@]}" -- \
	--workload - --pairs 5 --rounds 1 --policy passthrough
says '5 packets, 3300 bytes'

finish

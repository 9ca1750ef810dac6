#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The sample capture is what its README says: headers only, on-wire lengths kept, small, mixed.

Usage: sample.py FILE.pcap
"""
import collections
import struct
import sys

MAX_BYTES = 400000
MAX_SNAP = 96
SERVICES = {5201: "iperf3", 6379: "redis", 8080: "HTTP"}


def records(data):
    """(captured bytes, on-wire length) of each record; raises if the file breaks off."""
    magic, _, _, _, _, _, link = struct.unpack_from("<IHHiIII", data)
    assert magic == 0xA1B2C3D4, "not a little-endian microsecond pcap file"
    assert link == 1, "not Ethernet"
    at = 24
    while at < len(data):
        _, _, kept, wire = struct.unpack_from("<IIII", data, at)
        assert at + 16 + kept <= len(data), "the last record breaks off"
        yield data[at + 16:at + 16 + kept], wire
        at += 16 + kept


def main():
    with open(sys.argv[1], "rb") as stream:
        data = stream.read()
    assert len(data) <= MAX_BYTES, "%d bytes, at most %d" % (len(data), MAX_BYTES)
    seen = collections.Counter()
    packets = cut = 0
    for frame, wire in records(data):
        packets += 1
        assert len(frame) <= min(MAX_SNAP, wire), "more than headers in packet %d" % packets
        assert 14 <= wire <= 1518, "packet %d has %d bytes on the wire" % (packets, wire)
        cut += len(frame) < wire
        if frame[12:14] == b"\x08\x00":
            for end in (frame[26:30], frame[30:34]):
                assert end[:3] == bytes((192, 0, 2)), "packet %d left the namespaces" % packets
            ports = struct.unpack_from("!HH", frame, 14 + 4 * (frame[14] & 15))
            seen.update(SERVICES[p] for p in ports if p in SERVICES)
    print("%d packets, %d cut to headers, %s" % (packets, cut, dict(seen)))
    assert 1000 <= packets <= 10000, "%d packets" % packets
    assert cut > packets // 4, "hardly a packet is longer than the snap length"
    for name in SERVICES.values():
        assert seen[name] > 20, "hardly any %s" % name


main()

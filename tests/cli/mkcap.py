#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Write small capture files of every shape that the tests need: mkcap.py DIR"""
import os
import struct
import sys


def pcap(packets, linktype=1, snaplen=262144, order='<', magic=0xa1b2c3d4):
    out = struct.pack(order + 'IHHiIII', magic, 2, 4, 0, 0, snaplen, linktype)
    for i, (data, wire) in enumerate(packets):
        out += struct.pack(order + 'IIII', 1700000000 + i, i, len(data), wire) + data
    return out


def block(kind, body):
    body += b'\0' * (-len(body) % 4)
    size = len(body) + 12
    return struct.pack('<II', kind, size) + body + struct.pack('<I', size)


def pcapng(packets, linktypes=(1,)):
    out = block(0x0a0d0d0a, struct.pack('<IHHq', 0x1a2b3c4d, 1, 0, -1))
    for linktype in linktypes:
        out += block(1, struct.pack('<HHI', linktype, 0, 262144))
    for i, (data, wire) in enumerate(packets):
        out += block(6, struct.pack('<IIIII', i % len(linktypes), 0, i, len(data), wire) + data)
    return out


def body(n, salt):
    return bytes((i * 7 + salt * 13 + (i >> 8)) & 255 for i in range(n))


def main(where):
    five = [(body(60 + 300 * i, i), 60 + 300 * i) for i in range(5)]
    one = [(body(98, 1), 98)]
    files = {
        'one.pcap': pcap(one),
        'five.pcap': pcap(five),
        'nano.pcap': pcap(five, magic=0xa1b23c4d),
        'big-endian.pcap': pcap(five, order='>'),
        'frame64k.pcap': pcap([(body(65535, 3), 65535), (body(65536, 4), 65536)]),
        'odd-link.pcap': pcap(five, linktype=147),
        'snap.pcap': pcap([(body(96, i), 96 + 350 * i) for i in range(5)], snaplen=96),
        'snap-zero.pcap': pcap([(b'', 1500), (b'', 61)]),
        'zero-length.pcap': pcap(one + [(b'', 0)] + one),
        'truncated.pcap': pcap(five)[:-400],
        'truncated-header.pcap': pcap(five + one)[:-105],
        'huge-wire.pcap': pcap(one + [(body(10, 0), 0xfffffff0)] + one),
        'first-broken.pcap': pcap(one)[:-50],
        'no-packets.pcap': pcap([]),
        'empty.pcap': b'',
        'garbage.pcap': body(4096, 99),
        'five.pcapng': pcapng(five),
        'truncated.pcapng': pcapng(five)[:-200],
        'two-links.pcapng': pcapng(five, linktypes=(1, 113)),
    }
    for name, data in files.items():
        with open(os.path.join(where, name), 'wb') as f:
            f.write(data)


main(sys.argv[1])

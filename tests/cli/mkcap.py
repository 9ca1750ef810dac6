#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Write small capture files of every shape that the tests need: mkcap.py DIR"""
import gzip
import hashlib
import os
import struct
import sys


def pcap(packets, linktype=1, snaplen=262144, order='<', magic=0xa1b2c3d4):
    out = struct.pack(order + 'IHHiIII', magic, 2, 4, 0, 0, snaplen, linktype)
    for i, (data, wire) in enumerate(packets):
        out += struct.pack(order + 'IIII', 1700000000 + i, i, len(data), wire) + data
    return out


# ---- pcapng: blocks, and files out of them; e is the byte order of a section

def block(kind, body, e='<'):
    body += b'\0' * (-len(body) % 4)
    size = len(body) + 12
    return struct.pack(e + 'II', kind, size) + body + struct.pack(e + 'I', size)


def option(code, value, e='<'):
    return struct.pack(e + 'HH', code, len(value)) + value + b'\0' * (-len(value) % 4)


def shb(e='<'):
    return block(0x0a0d0d0a, struct.pack(e + 'IHHq', 0x1a2b3c4d, 1, 0, -1), e)


def idb(linktype=1, snaplen=262144, e='<', options=b''):
    return block(1, struct.pack(e + 'HHI', linktype, 0, snaplen) + options, e)


def epb(data, wire, iface=0, at=0, e='<', options=b''):
    pad = b'\0' * (-len(data) % 4)
    return block(6, struct.pack(e + 'IIIII', iface, 0, at, len(data), wire) + data + pad + options,
                 e)


def spb(data, wire, e='<'):
    return block(3, struct.pack(e + 'I', wire) + data, e)


def old_pb(data, wire, iface=0, e='<'):
    return block(2, struct.pack(e + 'HHIIII', iface, 0, 0, 0, len(data), wire) + data, e)


def pcapng(packets, linktypes=(1,), e='<'):
    out = shb(e) + b''.join(idb(linktype, e=e) for linktype in linktypes)
    for i, (data, wire) in enumerate(packets):
        out += epb(data, wire, i % len(linktypes), i, e)
    return out


def two_snaplens(packets):
    """The first interface captured 96 bytes of each packet, the second all of it."""
    out = shb() + idb(snaplen=96) + idb(snaplen=65535)
    for i, (data, wire) in enumerate(packets):
        out += epb(data if i % 2 else data[:96], wire, i % 2, i)
    return out


def two_clocks(packets):
    """Interfaces whose clocks differ in resolution and offset, and one that comes late."""
    out = shb() + idb(options=option(9, b'\x09')) + idb(options=option(9, b'\x8a') +
                                                       option(14, struct.pack('<q', 3600)))
    for i, (data, wire) in enumerate(packets):
        if i == 3:
            out += idb(linktype=101, snaplen=0)
        out += epb(data, wire, i % 2 if i < 3 else 2, i)
    return out


def all_kinds(packets, e='<'):
    """Every kind of packet block, and blocks that say nothing about packets in between."""
    between = [block(4, struct.pack(e + 'HH', 0, 0), e), block(5, struct.pack(e + 'III', 0, 0, 0), e),
               block(0x0bad, struct.pack(e + 'I', 32473) + b'anything', e),
               block(0x12345678, b'', e), block(10, struct.pack(e + 'II', 1, 0), e)]
    out = shb(e) + between[0] + idb(snaplen=300, e=e) + idb(linktype=113, snaplen=0, e=e)
    for i, (data, wire) in enumerate(packets):
        comment = option(1, b'a comment', e) + option(0, b'', e)
        out += (epb(data, wire, 1, i, e, comment), spb(data[:300], wire, e),
                old_pb(data, wire, 1, e))[i % 3] + between[i % len(between)]
    return out


# ---- packed files

def gz(data):
    return gzip.compress(data, mtime=0)


def zst(data, last_block=True):
    """A zstd frame (RFC 8878) that holds its bytes as they are, 100 to a block."""
    out = struct.pack('<IBI', 0xfd2fb528, 0xa0, len(data))
    for at in range(0, len(data), 100):
        part = data[at:at + 100]
        out += struct.pack('<I', (at + 100 >= len(data) and last_block) | len(part) << 3)[:3] + part
    return out


def body(n, salt):
    return bytes((i * 7 + salt * 13 + (i >> 8)) & 255 for i in range(n))


def main(where):
    five = [(body(60 + 300 * i, i), 60 + 300 * i) for i in range(5)]
    one = [(body(98, 1), 98)]
    many = [(hashlib.sha256(bytes([i & 255, i >> 8])).digest(), 32) for i in range(400)]
    files = {
        'one.pcap': pcap(one),
        'five.pcap': pcap(five),
        'nano.pcap': pcap(five, magic=0xa1b23c4d),
        'big-endian.pcap': pcap(five, order='>'),
        'frame64k.pcap': pcap([(body(65535, 3), 65535), (body(65536, 4), 65536)]),
        'frame70k.pcap': pcap([(body(98, i), 70000) for i in range(5)]),
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
        'two-snaplens.pcapng': two_snaplens(five),
        'two-clocks.pcapng': two_clocks(five),
        'big-endian.pcapng': pcapng(five, linktypes=(1, 113), e='>'),
        'sections.pcapng': pcapng(five[:2], (1, 113)) + pcapng(five[2:4], (228,), '>') +
                           pcapng(five[4:], (1,)),
        'kinds.pcapng': all_kinds(five),
        'kinds-big.pcapng': all_kinds(five, '>'),
        'no-interface.pcapng': pcapng(five) + epb(*one[0], iface=1) + epb(*one[0]),
        'no-trailer.pcapng': pcapng(five)[:-4] + b'abcd' + epb(*one[0]),
        'no-section.pcapng': pcapng(five) + shb()[:8] + b'abcd' + shb()[12:],
        'over.pcap': pcap(five + [(body(98, 1), 60), (body(98, 2), 0)]),
        'over.pcapng': pcapng(five + [(body(98, 1), 60), (body(98, 2), 0)]),
        'five.pcap.gz': gz(pcap(five)),
        'five.pcapng.gz': gz(pcapng(five, linktypes=(1, 113))),
        'members.pcap.gz': gz(pcap(five)[:999]) + gz(pcap(five)[999:]) + b'\0' * 512,
        'cut.pcap.gz': gz(pcap(many))[:-3000],
        'cut-head.pcap.gz': gz(pcap(five))[:7],
        'damaged.pcap.gz': gz(pcap(five))[:-8] + b'\xff' * 8,
        'tail.pcap.gz': gz(pcap(five)) + b'no gzip',
        'five.pcap.zst': zst(pcap(five)),
        'five.pcapng.zst': zst(pcapng(five, linktypes=(1, 113))),
        'frames.pcap.zst': zst(pcap(five)[:999]) + zst(pcap(five)[999:]),
        'cut.pcap.zst': zst(pcap(five))[:-400],
        'open.pcap.zst': zst(pcap(five), last_block=False),
        'tail.pcap.zst': zst(pcap(five)) + b'no zstd',
    }
    for name, data in files.items():
        with open(os.path.join(where, name), 'wb') as f:
            f.write(data)


main(sys.argv[1])

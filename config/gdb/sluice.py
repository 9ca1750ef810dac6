# SPDX-License-Identifier: BSD-3-Clause
"""gdb on sluice: `source config/gdb/sluice.py`, then see config/gdb/README.md.

The bits of commands, stream table entries and page-table entries are read from the headers that the
driver itself is compiled with, so that they are defined once.
"""
import os
import re

import gdb

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ENCODINGS = [os.path.join(ROOT, "pmd", "smmuv3", name)
             for name in ("hw_regs.h", "hw_tables.h", "hw_cmds.h")]
FORMATS = os.path.join(ROOT, "engine", "pgtable", "fmt")
# Bits of a flush ring's entry (engine/flush/ring.h).
COOKIE, TAG, NO_PAGES = 1 << 63, 1 << 62, 0x3fffffff
MOST = 64  # how many entries of a queue are shown


class Encodings:
    """The fields and numbers that headers define."""

    def __init__(self, *paths):
        self.fields, self.numbers = {}, {}
        for path in paths:
            with open(path, encoding="utf-8") as header:
                for line in header:
                    self.take(line)

    def take(self, line):
        match = re.match(r"#define (\w+)\s+(?:SMMU_FIELD\((\d+), (\d+)\)|SMMU_BIT\((\d+)\)|"
                         r"\(?UINT64_C\((\w+)\)(?: << (\d+)\))?|(0x[0-9a-f]+|\d+)u\b)", line)
        if not match:
            return
        name, high, low, bit, base, shift, number = match.groups()
        if high is not None:
            self.fields[name] = (int(high), int(low))
        elif bit is not None:
            self.fields[name] = (int(bit), int(bit))
        elif number is not None:
            self.numbers[name] = int(number, 0)
        elif shift is not None and base == "1":
            self.fields[name] = (int(shift), int(shift))

    def word(self, prefix, word, skip=()):
        """Each field of a word that is not 0, as NAME=value; addresses are not shifted down."""
        for name, (high, low) in self.fields.items():
            if not name.startswith(prefix) or name in skip:
                continue
            short = name[len(prefix):]
            value = word >> low & ((1 << (high - low + 1)) - 1)
            if value == 0:
                continue
            if re.search(r"ADDR|PTR|TTB", short):
                yield "%s=%#x" % (short, value << low)
            elif high == low:
                yield short
            else:
                yield "%s=%s" % (short, self.named(prefix, short, value))

    def named(self, prefix, short, value):
        """A value's name: S1 for CONFIG 5 of SMMU_STE_0_, because SMMU_STE_CONFIG_S1 is 5."""
        start = re.sub(r"\d_$", "", prefix) + short + "_"
        for name, number in self.numbers.items():
            if name.startswith(start) and number == value:
                return name[len(start):]
        return "%d" % value if value < 10 else "%#x" % value


HW = Encodings(*ENCODINGS)
LPAE = Encodings(os.path.join(FORMATS, "lpae.h"))
VTD = Encodings(os.path.join(FORMATS, "vtd_s2.h"))


def words(address, n):
    """n 64-bit words of the program's memory."""
    pointer = gdb.Value(address).cast(gdb.lookup_type("unsigned long").pointer())
    return [int(pointer[i]) for i in range(n)]


# ---- what a number means -------------------------------------------------------------------------


# The fields of a command's two words, by the start of its name.
FAMILIES = (
    ("TLBI", ("SMMU_TLBI_0_", "SMMU_TLBI_1_")),
    ("CFGI", ("SMMU_CMD_0_", "SMMU_CFGI_1_")),
    ("PREFETCH", ("SMMU_CMD_0_", "SMMU_PREFETCH_1_")),
    ("SYNC", ("SMMU_SYNC_0_", "SMMU_SYNC_1_")),
    ("PRI_RESP", ("SMMU_CMD_0_", "SMMU_PRI_RESP_1_")),
    ("RESUME", ("SMMU_CMD_0_", "SMMU_RESUME_1_")),
)


def opcodes():
    """{opcode: name}."""
    return {number: name[len("SMMU_CMD_"):] for name, number in HW.numbers.items()
            if re.match(r"SMMU_CMD_(TLBI|CFGI|PREFETCH|ATC_INV|PRI_RESP|RESUME|STALL|SYNC)", name)}


def command(first, second):
    """One command of an SMMUv3 in words."""
    name = opcodes().get(first & 0xff)
    if name is None:
        return "opcode %#x, which is none: %#x %#x" % (first & 0xff, first, second)
    said = [name]
    if name == "ATC_INV":
        said += HW.word("SMMU_CMD_0_", first, skip=("SMMU_CMD_0_OP",))
        said += HW.word("SMMU_ATC_0_", first)
        said += HW.word("SMMU_ATC_1_", second)
    for family, (low, high) in FAMILIES:
        if name.startswith(family):
            skip = ("SMMU_CMD_0_OP", "SMMU_CFGI_1_RANGE" if name != "CFGI_STE_RANGE" else
                    "SMMU_CFGI_1_LEAF")
            said += HW.word(low, first, skip)
            said += HW.word(high, second, skip)
    return " ".join(said)


def ste(word):
    """A stream table entry in words."""
    said = [text for i, value in enumerate(word) for text in HW.word("SMMU_STE_%d_" % i, value)]
    if not word[0] & 1:
        return "not valid%s" % (": " + " ".join(said) if said else "")
    config = HW.named("SMMU_STE_0_", "CONFIG", word[0] >> 1 & 7)
    if config in ("ABORT", "0"):
        said.insert(1, "CONFIG=ABORT")
    return " ".join(said)


def place(address, level):
    """What an entry of that level maps, with pages of 4 KiB."""
    size = ("512 GiB block", "1 GiB block", "2 MiB block", "page")[level]
    return "%s at %#x" % (size, address & ~((1 << (12 + 9 * (3 - level))) - 1))


def marks(family, prefix, entry):
    """Where a mapping begins and ends, and whether it is kept."""
    return [name.lower() for name in ("FIRST", "LAST", "KEPT")
            if entry >> family.fields[prefix + name][0] & 1]


def vtd_s2(entry, level):
    """A second-stage paging entry of VT-d in words: its levels 4 to 1 are 0 to 3."""
    if not entry & 3:
        return "empty" if entry == 0 else "not present: %#x" % entry
    address = entry & ((1 << 52) - (1 << 12))
    leaf = level == 3 or bool(entry >> 7 & 1)
    if leaf and level == 0:
        return "reserved at level %d: %#x" % (level, entry)
    said = [place(address, level) if leaf else "table at %#x" % address]
    said += VTD.word("VTD_S2_", entry, ("VTD_S2_PS", "VTD_S2_FIRST", "VTD_S2_LAST", "VTD_S2_KEPT"))
    return " ".join(said + marks(VTD, "VTD_S2_", entry))


def lpae(entry, level):
    """A descriptor of VMSAv8-64 in words: 4 KiB granule, levels 0 to 3."""
    if not entry & 1:
        return "empty" if entry == 0 else "not valid: %#x" % entry
    table = entry >> 1 & 1
    address = entry & ((1 << 48) - (1 << 12))
    if level < 3 and table:
        return "table at %#x" % address
    if (level == 3) != bool(table) or level == 0:
        return "reserved at level %d: %#x" % (level, entry)
    said = [place(address, level)]
    skip = ("SMMU_TTD_V", "SMMU_TTD_TABLE", "SMMU_TTD_TYPE", "SMMU_TTD_ADDR", "SMMU_TTD_SW",
            "SMMU_TTD_APTABLE_NOUNPRIV", "SMMU_TTD_APTABLE_RO")
    said += HW.word("SMMU_TTD_", entry, skip)
    return " ".join(said + marks(LPAE, "LPAE_", entry))


FORMAT = {"lpae": lpae, "vtd-s2": vtd_s2}


# ---- structures -----------------------------------------------------------------------------------


class FlushRing:
    """struct flush_ring: how far each side is, and the entries."""

    def __init__(self, value):
        self.ring = value
        self.at = {name: int(value[name]) for name in
                   ("reclaim", "released", "sealed", "tail", "tail_pub", "begin", "mask")}

    def to_string(self):
        at = self.at
        if int(self.ring["ent"]) == 0:
            return "no flush ring"
        said = "flush ring of %d: %d released, %d in flight, %d not yet flushed" % (
            at["mask"] + 1, at["released"] - at["reclaim"], at["sealed"] - at["released"],
            at["tail"] - at["sealed"])
        if at["begin"] != at["tail_pub"]:
            said += ", a put under way"
        for flag in ("closed", "asleep"):
            if int(self.ring[flag]):
                said += ", " + flag
        return said

    def children(self):
        at = self.at
        if int(self.ring["ent"]) == 0:
            return
        for position in range(at["reclaim"], min(at["tail"], at["reclaim"] + MOST)):
            yield "[%d]" % position, self.entry(position)

    def entry(self, position):
        at = self.at
        slot = position & at["mask"]
        entry = int(self.ring["ent"][slot])
        state = "released" if position < at["released"] else \
            "in flight" if position < at["sealed"] else "not yet flushed"
        number, more = entry & 0xffffffff, entry >> 32 & 0x3fffffff
        if more == NO_PAGES:
            said = "%s, IOVA taken" % state
        else:
            said = "%s, %d page%s from page %#x of the window" % (
                state, more + 1, "" if more == 0 else "s", number)
        if entry & COOKIE:
            said += ", cookie %#x" % int(self.ring["cookie"][slot])
        return said + (", tagged" if entry & TAG else "")


class Command:
    """struct smmu_cmd."""

    def __init__(self, value):
        self.value = value

    def to_string(self):
        return command(int(self.value["w"][0]), int(self.value["w"][1]))


class CommandQueue:
    """struct cmdq: the newest of the commands that may not be consumed yet."""

    def __init__(self, value):
        self.queue = value
        self.mask, self.tail, self.head = (int(value[f]) for f in ("mask", "tail", "head"))

    def to_string(self):
        said = "command queue of %d: %d from position %d on" % (
            self.mask + 1, self.head - self.tail, self.tail)
        if int(self.queue["limit"]) == -(1 << 63):
            said += ", dead"
        failed = int(self.queue["nb_failed"])
        return said + (", %d submissions failed" % failed if failed else "")

    def children(self):
        for position in range(max(self.tail, self.head - MOST), self.head):
            cmd = self.queue["cmds"][position & self.mask]
            yield "[%d]" % position, command(int(cmd["w"][0]), int(cmd["w"][1]))


PRINTERS = {"flush_ring": FlushRing, "cmdq": CommandQueue, "smmu_cmd": Command}


def printer(value):
    """The pretty printer of a value, if it is one of our structures."""
    kind = value.type.strip_typedefs().unqualified()
    return PRINTERS[kind.tag](value) if kind.tag in PRINTERS else None


# ---- commands -------------------------------------------------------------------------------------


class Sluice(gdb.Command):
    """Prints entries of sluice's tables in words."""

    def __init__(self):
        super().__init__("sluice", gdb.COMMAND_DATA, prefix=True)


class Ste(gdb.Command):
    """sluice ste ADDRESS: the stream table entry there (or in that array), in words."""

    def __init__(self):
        super().__init__("sluice ste", gdb.COMMAND_DATA)

    def invoke(self, argument, _from_tty):
        value = gdb.parse_and_eval(argument)
        if value.type.strip_typedefs().code == gdb.TYPE_CODE_ARRAY:
            value = value.address
        print(ste(words(int(value), 8)))


class Pte(gdb.Command):
    """sluice pte VALUE [LEVEL [FORMAT]]: the entry VALUE of a page table, in words; LEVEL 3 if none
    is given; FORMAT lpae, or vtd-s2."""

    def __init__(self):
        super().__init__("sluice pte", gdb.COMMAND_DATA)

    def invoke(self, argument, _from_tty):
        arguments = gdb.string_to_argv(argument)
        if len(arguments) not in (1, 2, 3):
            raise gdb.GdbError("sluice pte VALUE [LEVEL [FORMAT]]")
        level = int(gdb.parse_and_eval(arguments[1])) if len(arguments) > 1 else 3
        if not 0 <= level <= 3:
            raise gdb.GdbError("LEVEL is 0 to 3")
        words_of = FORMAT.get(arguments[2] if len(arguments) == 3 else "lpae")
        if words_of is None:
            raise gdb.GdbError("FORMAT is " + " or ".join(FORMAT))
        print(words_of(int(gdb.parse_and_eval(arguments[0])) & (1 << 64) - 1, level))


Sluice()
Ste()
Pte()
gdb.pretty_printers.append(printer)

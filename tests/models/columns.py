#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""From threads of a model to a litmus test of herd7, in each column's language.

c11   the language itself, by RC11. A register write has the order that the code gives it;
      rte_io_wmb() is nothing, as for a compiler on x86.
a64   AArch64 as a compiler translates it for Armv8.0: LDAR, STLR, LDAXR and STLXR, DMB. A register
      write is a plain store, which orders nothing; rte_io_wmb() is DMB OSHST.
lse   the same for Armv8.3: LDAPR, which orders less than LDAR, and SWPAL.
x86   x86-TSO: plain moves, locked instructions, MFENCE. rte_io_wmb() is nothing.
"""
import re

COLUMNS = {"c11": ["-model", "rc11.cat"], "a64": [], "lse": [], "x86": ["-model", "x86tso-mixed.cat"]}
X86_REGISTERS = (["a", "b", "c", "d"], ["si", "di"], ["%d" % n for n in range(8, 16)])


def locals_of(thread, walk):
    names = []
    for s in walk(thread.body):
        if s.word in ("load", "await", "swap", "let") and s.args[0] not in names:
            names.append(s.args[0])
    return names


def variables_of(threads, walk):
    at = {"load": 1, "await": 1, "store": 0, "register": 0, "swap": 1}
    return [sorted({s.args[at[s.word]] for s in walk(t.body) if s.word in at}) for t in threads]


class C11:
    """A C program; what follows an await is in its branch."""

    def __init__(self, thread, names, variables):
        self.lines, self.open, self.known, self.succeeded = [], 0, set(), []
        self.head = "P%%d(%s) {" % ", ".join("atomic_int *%s" % v for v in variables)
        self.body(thread.body)
        self.lines += ["}"] * (self.open + 1)

    @staticmethod
    def register(name, names):
        return name

    def body(self, statements):
        for s in statements:
            self.one(s)

    def set(self, name, what):
        self.lines.append("%s%s = %s;" % ("" if name in self.known else "int ", name, what))
        self.known.add(name)

    def one(self, s):
        a, order = s.args, "memory_order_" + s.order
        if s.word in ("load", "await"):
            self.set(a[0], "atomic_load_explicit(%s, %s)" % (a[1], order))
        if s.word == "await":
            self.lines.append("if (%s == %s) {" % (a[0], a[2]))
            self.open += 1
        elif s.word in ("store", "register"):
            self.lines.append("atomic_store_explicit(%s, %s, %s);" % (a[0], a[1], order))
        elif s.word == "swap":
            self.set(a[0], "atomic_exchange_explicit(%s, %s, %s)" % (a[1], a[2], order))
        elif s.word == "let":
            self.set(a[0], a[1])
        elif s.word == "full":
            self.lines.append("atomic_thread_fence(memory_order_seq_cst);")
        elif s.word == "if":
            self.lines.append("if (%s %s %s) {" % a)
            before, self.open = self.open, 1
            self.body(s.body)
            self.lines += ["}"] * self.open
            self.open = before


class Assembly:
    """A thread as instructions. END_... is where an await that fails goes."""

    def __init__(self, thread, names, variables):
        self.lines, self.labels, self.names, self.variables = [], 0, names, variables
        self.name, self.succeeded = thread.name, []
        self.body(thread.body)
        self.lines.append("END_%s:" % self.name)

    def body(self, statements):
        for s in statements:
            if s.word == "if":
                self.labels += 1
                label = "L%d_%s" % (self.labels, self.name)
                self.branch(s.args[0], s.args[2], label, s.args[1] == "!=")
                self.body(s.body)
                self.lines.append(label + ":")
            else:
                getattr(self, "do_" + s.word)(s, *s.args)

    def do_await(self, s, name, variable, value):
        self.do_load(s, name, variable)
        self.branch(name, value, "END_" + self.name, False)


class A64(Assembly):
    loads = {"relaxed": "LDR", "acquire": "LDAR"}

    @staticmethod
    def register(name, names):
        return "X%d" % names.index(name)

    def reg(self, name):
        return "W%d" % self.names.index(name)

    def address(self, variable):
        return "[X%d]" % (20 + self.variables.index(variable))

    def value(self, value, temp="W19"):
        if value in self.names:
            return self.reg(value)
        self.lines.append("MOV %s,#%s" % (temp, value))
        return temp

    def branch(self, name, value, label, equal):
        other = self.reg(value) if value in self.names else "#" + value
        self.lines += ["CMP %s,%s" % (self.reg(name), other),
                       "B.%s %s" % ("EQ" if equal else "NE", label)]

    def do_load(self, s, name, variable):
        self.lines.append("%s %s,%s" % (self.loads[s.order], self.reg(name), self.address(variable)))

    def do_store(self, s, variable, value):
        word = {"relaxed": "STR", "release": "STLR"}[s.order]
        self.lines.append("%s %s,%s" % (word, self.value(value), self.address(variable)))

    def do_register(self, s, variable, value):
        self.lines.append("STR %s,%s" % (self.value(value), self.address(variable)))

    def do_swap(self, s, name, variable, value):
        a = "A" if s.order in ("acquire", "acq_rel") else ""
        l = "L" if s.order in ("release", "acq_rel") else ""
        old, at = self.reg(name), self.address(variable)
        self.lines.append("LD%sXR %s,%s" % (a, old, at))
        new = self.value(value)
        # Each has a status of its own, which is to be 0: the round of the loop that succeeds.
        status = "%d" % (18 - len(self.succeeded))
        self.lines.append("ST%sXR W%s,%s,%s" % (l, status, new, at))
        self.succeeded.append("X" + status)

    def do_let(self, s, name, value):
        self.lines.append("MOV %s,#%s" % (self.reg(name), value))

    def do_full(self, s):
        self.lines.append("DMB ISH")

    def do_io_wmb(self, s):
        self.lines.append("DMB OSHST")


class Lse(A64):
    loads = {"relaxed": "LDR", "acquire": "LDAPR"}

    def do_swap(self, s, name, variable, value):
        half = {"relaxed": "", "acquire": "A", "release": "L", "acq_rel": "AL"}[s.order]
        self.lines.append("SWP%s %s,%s,%s" % (half, self.value(value), self.reg(name),
                                              self.address(variable)))


class X86(Assembly):
    @staticmethod
    def register(name, names, part="r"):
        letters, indices, numbers = X86_REGISTERS
        at = names.index(name)
        if at < len(letters):
            return "%s%sx" % (part, letters[at])
        at -= len(letters)
        if at < len(indices):
            return part + indices[at]
        return "r%s%s" % (numbers[at - len(indices)], "d" if part == "e" else "")

    def reg(self, name):
        return "%" + self.register(name, self.names, "e")

    def value(self, value):
        return self.reg(value) if value in self.names else "$" + value

    def branch(self, name, value, label, equal):
        self.lines += ["cmpl %s,%s" % (self.value(value), self.reg(name)),
                       "%s %s" % ("je" if equal else "jne", label)]

    def do_load(self, s, name, variable):
        self.lines.append("movl (%s),%s" % (variable, self.reg(name)))

    def do_store(self, s, variable, value):
        self.lines.append("movl %s,(%s)" % (self.value(value), variable))

    do_register = do_store

    def do_swap(self, s, name, variable, value):
        self.lines += ["movl %s,%s" % (self.value(value), self.reg(name)),
                       "xchgl %s,(%s)" % (self.reg(name), variable)]

    def do_let(self, s, name, value):
        self.lines.append("movl $%s,%s" % (value, self.reg(name)))

    def do_full(self, s):
        self.lines.append("mfence")

    def do_io_wmb(self, s):
        pass


LANGUAGES = {"c11": C11, "a64": A64, "lse": Lse, "x86": X86}


def condition(text, threads, names, language):
    """A condition in herd7's words: thread.local becomes its register."""
    index = {t.name: at for at, t in enumerate(threads)}

    def local(match):
        at = index[match.group(1)]
        return "%d:%s" % (at, language.register(match.group(2), names[at]))

    return re.sub(r"\b(\w+)\.(\w+)", local, text)


def litmus(name, threads, init, cond, column, walk):
    """The text of one test."""
    language = LANGUAGES[column]
    names = [locals_of(t, walk) for t in threads]
    variables = variables_of(threads, walk)
    made = [language(t, n, v) for t, n, v in zip(threads, names, variables)]
    start = ["[%s]=%s;" % (v, init.get(v, "0")) for v in sorted(set().union(*variables))]
    if column == "c11":
        head, program = "C", ""
        for at, m in enumerate(made):
            program += "\n".join([m.head % at] + m.lines) + "\n\n"
    else:
        head = "X86_64" if column == "x86" else "AArch64"
        if head == "AArch64":
            start += ["%d:X%d=%s;" % (at, 20 + n, v)
                      for at, vs in enumerate(variables) for n, v in enumerate(vs)]
        rows = [["P%d" % at for at in range(len(made))]]
        for at in range(max(len(m.lines) for m in made)):
            rows.append([m.lines[at] if at < len(m.lines) else "" for m in made])
        program = "".join(" | ".join(row) + " ;\n" for row in rows)
    cond = condition(cond, threads, names, language)
    for at, m in enumerate(made):
        cond += "".join(" /\\ %d:%s=0" % (at, status) for status in m.succeeded)
    return "%s %s\n{ %s }\n%s\nexists (%s)\n" % (head, name, " ".join(start), program, cond)

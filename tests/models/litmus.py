#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Models of protocols, and the litmus tests that they become: README.md says what a model may say.

A model is a list of threads, a thread a list of statements. Weakening takes one label's order out.
Expanding replaces membarrier(2) by what it does: at some place in each other thread of the process
a full barrier is executed, after the call has begun and before it ends. There is one test for each
way of choosing the places. A column is a language and how a compiler translates into it.
"""
import itertools
import re

LABEL = re.compile(r"\b(?:rel|acq|full|all|dev|first|hw)-[a-z]+(?:-[a-z]+)*\b")
ORDERS = ("relaxed", "acquire", "release", "acq_rel")
# The words of a statement: its operands, and whether an order may follow.
WORDS = {"load": (2, True), "await": (3, True), "store": (2, True), "register": (2, True),
         "swap": (3, True), "let": (2, False), "full": (0, False),
         "io_wmb": (0, False), "membarrier": (0, False), "if": (3, False), "end": (0, False)}
ACCESSES = ("load", "await", "store", "register", "swap")


class Statement:
    """One line of a thread: a word, its operands, an order, labels; an `if` has a body."""

    def __init__(self, word, args=(), order="relaxed", labels=()):
        self.word, self.args, self.order = word, tuple(args), order
        self.labels, self.body = tuple(labels), []

    def copy(self):
        new = Statement(self.word, self.args, self.order, self.labels)
        new.body = [s.copy() for s in self.body]
        return new


class Thread:
    def __init__(self, name, hardware, body):
        self.name, self.hardware, self.body = name, hardware, body

    def copy(self):
        return Thread(self.name, self.hardware, [s.copy() for s in self.body])


class Model:
    """What a .model file says."""

    def __init__(self, name):
        self.name, self.sources, self.init, self.threads = name, [], {}, []
        self.bad = self.alive = ""

    def labels(self):
        return sorted({l for t in self.threads for s in walk(t.body) for l in s.labels})


def walk(body):
    for statement in body:
        yield statement
        yield from walk(statement.body)


def statement_of(line, where):
    """A Statement from one line; what is wrong with it is said with its place."""
    code, _, comment = line.partition("#")
    words = code.split()
    if words[0] not in WORDS:
        raise SyntaxError("%s: unknown word '%s'" % (where, words[0]))
    nb, ordered = WORDS[words[0]]
    args, rest = words[1:1 + nb], words[1 + nb:]
    if len(args) != nb or len(rest) > ordered or (rest and rest[0] not in ORDERS):
        raise SyntaxError("%s: '%s' does not go like this: %s" % (where, words[0], line.strip()))
    return Statement(words[0], args, rest[0] if rest else "relaxed", LABEL.findall(comment))


def read_model(path, name):
    model, blocks = Model(name), None
    with open(path, encoding="utf-8") as stream:
        for number, line in enumerate(stream, 1):
            where = "%s.model:%d" % (name, number)
            words = line.partition("#")[0].split()
            if not words:
                continue
            if line[0].isspace():
                statement = statement_of(line, where)
                if statement.word == "end":
                    blocks.pop()
                    continue
                if statement.word == "await" and len(blocks) > 1:
                    raise SyntaxError("%s: no await within an if" % where)
                blocks[-1].append(statement)
                if statement.word == "if":
                    blocks.append(statement.body)
            elif words[0] == "thread":
                blocks = [[]]
                model.threads.append(Thread(words[1], words[2:] == ["hardware"], blocks[0]))
            elif words[0] == "source":
                model.sources += words[1:]
            elif words[0] == "init":
                model.init.update(w.split("=") for w in words[1:])
            elif words[0] in ("bad", "alive"):
                setattr(model, words[0], " ".join([getattr(model, words[0])] + words[1:]).strip())
            else:
                raise SyntaxError("%s: unknown word '%s'" % (where, words[0]))
    return model


def weaken_order(order, label):
    half = {"acq": "acquire", "rel": "release"}.get(label.split("-")[0])
    if order == "acq_rel" and half:
        return "release" if half == "acquire" else "acquire"
    return "relaxed"


def weaken_body(body, label):
    out, at = [], 0
    while at < len(body):
        s = body[at]
        at += 1
        s.body = weaken_body(s.body, label)
        if label not in s.labels:
            out.append(s)
        elif label.startswith("first-"):
            out += [body[at], s] # the next statement comes first
            at += 1
        elif s.word in ACCESSES:
            s.order = weaken_order(s.order, label)
            out.append(s)
    return out


def weakened(threads, label):
    """The threads without what a label stands for: a fence is left out, an access loses its order,
    of two statements the second comes first."""
    threads = [t.copy() for t in threads]
    for t in threads:
        t.body = weaken_body(t.body, label)
    return threads


def places(body, whole=True):
    """Where in a thread something can be executed that matters: before each access, at the end. The
    end of an `if` is the same as the place after it."""
    for at, s in enumerate(body):
        if s.word in ACCESSES:
            yield body, at
        yield from places(s.body, False)
    if whole:
        yield body, len(body)


def call(k, others):
    """What the calling thread does: the k-th membarrier(2) of the test."""
    out = [Statement("full")]
    out += [Statement("store", ("mb%d_%s" % (k, u), "1")) for u in others]
    out += [Statement("await", ("done%d_%s" % (k, u), "ack%d_%s" % (k, u), "1"), "acquire")
            for u in others]
    return out + [Statement("full")]


def handler(k, name):
    """What another thread does, wherever it is when the call reaches it."""
    return [Statement("await", ("came%d" % k, "mb%d_%s" % (k, name), "1"), "acquire"),
            Statement("full"), Statement("store", ("ack%d_%s" % (k, name), "1"), "release")]


def replace_calls(body, first, others):
    out, k = [], first
    for s in body:
        if s.word == "membarrier":
            out += call(k, others)
            k += 1
        else:
            out.append(s)
    return out, k - first


def expanded(threads):
    """(threads, extra condition) for each way of placing what membarrier(2) does."""
    callers = [t for t in threads if any(s.word == "membarrier" for s in walk(t.body))]
    if not callers:
        yield threads, ""
        return
    caller = callers[0]
    others = [t.name for t in threads if not t.hardware and t.name != caller.name]
    nb = sum(s.word == "membarrier" for s in caller.body)
    choices = [itertools.combinations_with_replacement(range(len(list(places(t.body)))), nb)
               for t in threads if t.name in others]
    for chosen in itertools.product(*choices):
        new, cond = [t.copy() for t in threads], []
        for t in new:
            if t.name == caller.name:
                t.body, _ = replace_calls(t.body, 0, others)
                cond += ["%s.done%d_%s=1" % (t.name, k, u) for k in range(nb) for u in others]
            elif t.name in others:
                spots = list(places(t.body))
                # From the back, so that the earlier places stay where they are.
                for k in reversed(range(nb)):
                    body, at = spots[chosen[others.index(t.name)][k]]
                    body[at:at] = handler(k, t.name)
                    cond.append("%s.came%d=1" % (t.name, k))
        yield new, " /\\ ".join(cond)

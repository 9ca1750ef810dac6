#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Do the models and the code speak of the same barriers?

A label is a word like rel-tail: in a model, beside the access or the fence that has the order; in the
code, in a comment at the end of the line that has it. For each model and the sources that it names:
each label of the model is on a statement there, every such statement has the order that the label
means, and each label of the sources is in some model. (hw-... are promises of hardware: no code.)
"""
import os
import re

from litmus import LABEL

# What a statement with such a label must have.
MEANS = {
    "rel": r"memory_order_(release|acq_rel|seq_cst)|__ATOMIC_(RELEASE|ACQ_REL|SEQ_CST)|regs_write32",
    "acq": r"memory_order_(acquire|acq_rel|seq_cst)|__ATOMIC_(ACQUIRE|ACQ_REL|SEQ_CST)|regs_read32",
    "full": r"atomic_thread_fence\(memory_order_seq_cst\)",
    "all": r"epoch_barrier\(\)",
    "dev": r"rte_io_wmb\(\)",
    "first": r"RELAXED_SET|memory_order_relaxed|flush_ring_claim",
}
ENDS = re.compile(r"[;{}]\s*$")


def statements(lines):
    """(label, code of the statement that ends at its comment or goes on there, line number)."""
    code = []
    for number, line in enumerate(lines, 1):
        text, _, comment = line.partition("/*")
        if line.lstrip().startswith(("*", "/*")):
            continue # a comment by itself
        code.append(text.strip())
        for label in LABEL.findall(comment):
            yield label, " ".join(code), number
        if ENDS.search(text):
            code = []


def said(lines):
    """Labels in all comments of a file."""
    inside = False
    for line in lines:
        comment = line if inside or line.lstrip().startswith(("*", "/*")) else line.partition("/*")[2]
        inside = (inside or "/*" in line) and "*/" not in line
        yield from LABEL.findall(comment)


def check(models, root):
    """What is wrong, a line each."""
    known = {l for m in models for l in m.labels()}
    done = set()
    for model in models:
        found = set()
        for path in model.sources:
            full = os.path.join(root, path)
            if not os.path.isfile(full):
                yield "%s.model: there is no %s" % (model.name, path)
                continue
            with open(full, encoding="utf-8") as stream:
                lines = stream.read().split("\n")
            for label, code, number in statements(lines):
                found.add(label)
                if path not in done and not re.search(MEANS[label.split("-")[0]], code):
                    yield "%s:%d: %s is not what this does: %s" % (path, number, label, code[-60:])
            if path not in done:
                for label in sorted(set(said(lines)) - known):
                    yield "%s: %s is in no model" % (path, label)
            done.add(path)
        for label in model.labels():
            if label not in found and not label.startswith("hw-"):
                yield "%s.model: no statement of its sources is labelled %s" % (model.name, label)

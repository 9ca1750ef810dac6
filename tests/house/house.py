#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The rules of the house that a compiler does not know.

Usage: house.py RULE ROOT        holds RULE in the tree at ROOT? Prints each offender; status 1.
       house.py --self-test RULE  breaks RULE in a made-up tree: status 0 only if RULE notices, and
                                  only if it is content with the same tree unbroken.
"""
import os
import re
import sys
import tempfile

SOURCES = (".c", ".h")
MAX_LINES = 600
MAX_HEADER_LINES = 400
TOP_LEVEL = {"engine", "pmd", "apps", "config", "tests", "meson.build", "meson_options.txt",
             "README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md"}
SKIPPED_FOLDERS = re.compile(r"^(\.git|__pycache__)$")
BUILD_FOLDER = re.compile(r"^build")

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
# rte_panic and rte_exit end the process; rte_log and rte_errno do not print by themselves.
ENDS_OR_PRINTS = re.compile(
    r"(?<![\w.>])(v?f?printf|vd?printf|dprintf|f?puts|f?putc|putchar|perror|fwrite|abort|_?_?exit|"
    r"_Exit|quick_exit|assert|rte_panic|rte_exit|RTE_VERIFY|RTE_ASSERT|errx|warnx)\s*\(")
# A home folder or a checkout's place; the number of a note in somebody's list; who typed it.
# Each is spelled so that it does not match itself.
PRIVATE = (
    re.compile(r"(?<![\w.])/(home|root|wor[k]|Users)/"),
    re.compile(r"/tmp/buil[d]"),
    re.compile(r"(?i)\b(issue|ticket|fixes|closes|see) #\d|\b(issue|ticket) \d"),
    re.compile(r"(?i)\b(writte[n]|generate[d]|assiste[d]) (by|with) an? (model|machine)"),
    re.compile(r"\b([A]I|[L]LM)\b"),
    re.compile(r"(?i)^co-authored[-]by"),
)


def files(root):
    """Every file of the tree as a path from its root, build folders and .git left out."""
    for folder, folders, names in os.walk(root):
        top = folder == root
        folders[:] = sorted(f for f in folders if not SKIPPED_FOLDERS.match(f) and
                            not (top and BUILD_FOLDER.match(f)))
        for name in sorted(names):
            yield os.path.relpath(os.path.join(folder, name), root)


def text(root, path):
    """The lines of a text file; none for a binary one."""
    with open(os.path.join(root, path), "rb") as stream:
        data = stream.read()
    if b"\0" in data:
        return []
    return data.decode("utf-8", "replace").split("\n")


def code(lines):
    """The lines with comments and string contents blanked, so that only code is judged."""
    joined = "\n".join(lines)

    def blank(match):
        kept = match.group(0)
        if kept.startswith(("/*", "//")):
            return re.sub(r"[^\n]", " ", kept)
        return kept[0] + " " * (len(kept) - 2) + kept[-1]

    token = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
    return token.sub(blank, joined).split("\n")


def includes(root, path):
    """(line, path from the root or None, as written) of each #include of one file."""
    here = os.path.dirname(path)
    for number, line in enumerate(text(root, path), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        name = match.group(2)
        target = os.path.normpath(os.path.join(here, name))
        for candidate in (target, name, os.path.join("engine", name), os.path.join("pmd", name)):
            if not candidate.startswith("..") and os.path.isfile(os.path.join(root, candidate)):
                target = candidate
                break
        yield number, target, name


def sources(root, *folders):
    for path in files(root):
        if path.endswith(SOURCES) and (not folders or
                                       path.startswith(tuple(f + "/" for f in folders))):
            yield path


def include_rule(root, folders, forbidden):
    for path in sources(root, *folders):
        for number, target, name in includes(root, path):
            if forbidden(target):
                yield "%s:%d: includes %s" % (path, number, name)


def engine_knows_no_hardware(root):
    """engine/ never includes pmd/."""
    return include_rule(root, ["engine"], lambda target: target.startswith("pmd/"))


def cycles(graph):
    """The sets of two and more nodes of which each reaches each other (Tarjan)."""
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(graph[node]):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            at = stack.index(node)
            if len(stack) - at > 1:
                found.append(sorted(stack[at:]))
            del stack[at:]

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return found


# The rooms of engine/ from the bottom up: each may include those before it, and itself.
ROOMS = ("base", "iova", "pgtable", "inval", "window", "flush", "policy", "object")
# What all rooms from inval/ on share, wherever it lives: what a domain and a device are made of, how a
# flush queue and the engine are waited for, what a policy is.
SHARED = ("object/domain.h", "object/device.h", "flush/engine_wait.h", "policy/policy.h", "policy/set.h")


def room_allows(path, target):
    """May a file of one room of engine/ include that of another?"""
    room, other = path.split("/")[1], target.split("/")[1]
    if room not in ROOMS or other not in ROOMS:
        return True
    if ROOMS.index(room) >= ROOMS.index("inval") and target[len("engine/"):] in SHARED:
        return True
    return ROOMS.index(other) <= ROOMS.index(room)


def engine_has_no_cycle(root):
    """Files of engine/ need each other in one direction only (X.c and X.h are one), and so do its rooms."""
    graph, at = {}, {}
    for path in sources(root, "engine"):
        stem = os.path.splitext(path)[0]
        needs = graph.setdefault(stem, set())
        for number, target, name in includes(root, path):
            if target.startswith("engine/") and os.path.isfile(os.path.join(root, target)):
                other = os.path.splitext(target)[0]
                needs.add(other)
                at.setdefault((stem, other), "%s:%d: includes %s" % (path, number, name))
                if not room_allows(path, target):
                    yield "%s:%d: includes %s, of a room above its own" % (path, number, name)
    for needs in list(graph.values()):
        for stem in needs:
            graph.setdefault(stem, set())
    for stems in cycles(graph):
        yield "a cycle of includes: %s" % ", ".join(stems)
        for pair in sorted(at):
            if pair[0] != pair[1] and pair[0] in stems and pair[1] in stems:
                yield "  " + at[pair]


def users_stay_outside(root):
    """Applications and tests of whole programs use the public headers only."""
    return include_rule(root, ["apps", "tests/cli", "tests/install"], lambda target:
                        target.startswith(("engine/", "pmd/")) and
                        not target.startswith("engine/include/"))


def conformance_judges_by_encodings(root):
    """Conformance cases share nothing of a driver but the encodings."""
    return include_rule(root, ["tests/conformance"], lambda target:
                        target.startswith(("engine/", "pmd/")) and
                        not target.startswith("engine/include/") and
                        target != "pmd/smmuv3/smmuv3_hw.h")


def emu_is_independent(root):
    """Emulated hardware shares nothing of the driver but the encodings."""
    return include_rule(root, ["pmd/emu"], lambda target:
                        target.startswith("pmd/smmuv3/") and
                        target != "pmd/smmuv3/smmuv3_hw.h")


def emu_core_knows_no_kind(root):
    """emu/core includes nothing of a kind of IOMMU, and who makes DMA sees its interface alone."""
    yield from include_rule(root, ["pmd/emu/core"], lambda target:
                            target.startswith("pmd/") and not target.startswith("pmd/emu/core/"))
    yield from include_rule(root, ["pmd/dma"], lambda target:
                            target.startswith("pmd/emu/") and target != "pmd/emu/core/emu.h")


def library_is_silent(root):
    """engine/ and pmd/ never print, exit or abort."""
    for path in sources(root, "engine", "pmd"):
        lines = code(text(root, path))
        # A child between fork() and exec() has no other way to end; it is not the caller's process.
        forks = any(re.search(r"\bv?fork\s*\(", line) for line in lines)
        for number, line in enumerate(lines, 1):
            match = ENDS_OR_PRINTS.search(line)
            if match and not line.lstrip().startswith("#") and \
                    not (forks and match.group(1) == "_exit"):
                yield "%s:%d: calls %s" % (path, number, match.group(1))


def files_are_small(root):
    """No C file is longer than 600 lines, no header of engine/ than 400."""
    for path in sources(root):
        lines = len(text(root, path)) - 1
        hot = path.endswith(".h") and path.startswith("engine/")
        most = MAX_HEADER_LINES if hot else MAX_LINES
        if lines > most:
            yield "%s: %d lines, at most %d" % (path, lines, most)


def licence_is_named(root):
    """Every source, build file and script names its licence in its first three lines."""
    for path in files(root):
        lines = text(root, path)
        wanted = path.endswith(SOURCES + (".py", ".sh", ".ini", ".gp", ".lua", ".cc")) or \
            os.path.basename(path) == "meson.build" or \
            (lines and lines[0].startswith("#!"))
        if wanted and not any("SPDX-License-Identifier: BSD-3-Clause" in l for l in lines[:3]):
            yield "%s: no SPDX-License-Identifier: BSD-3-Clause in its first three lines" % path


def folders_explain_themselves(root):
    """Every folder has a README.md, or the nearest one above it names the folder."""
    folders = {os.path.dirname(path) for path in files(root)}
    for folder in sorted(folders):
        above, said = folder, False
        while not os.path.isfile(os.path.join(root, above, "README.md")) and above:
            above = os.path.dirname(above)
        if above == folder:
            said = os.path.isfile(os.path.join(root, above, "README.md"))
        elif above:
            named = r"(?<![\w-])%s/" % re.escape(os.path.basename(folder))
            said = any(re.search(named, l) for l in text(root, os.path.join(above, "README.md")))
        if not said and not folder.startswith("."):
            yield "%s: no README.md (what lives there, what must not)" % (folder or "top level")


def no_trailing_whitespace(root):
    """No line ends in a space or tab, and each file ends in one newline."""
    for path in files(root):
        lines = text(root, path)
        for number, line in enumerate(lines, 1):
            if line != line.rstrip():
                yield "%s:%d: trailing whitespace" % (path, number)
        if lines not in ([], [""]) and (lines[-1] != "" or lines[-2:] == ["", ""]):
            yield "%s: does not end in exactly one newline" % path


def top_level_is_fixed(root):
    """Nothing new at the top."""
    for name in sorted(os.listdir(root)):
        if not name.startswith(".") and name not in TOP_LEVEL and not BUILD_FOLDER.match(name):
            yield "%s: not among what may lie at the top level" % name


def speaks_of_itself_alone(root):
    """No private path, no number of a note elsewhere, nothing about who typed it."""
    for path in files(root):
        for number, line in enumerate(text(root, path), 1):
            for pattern in PRIVATE:
                match = pattern.search(line)
                if match:
                    yield "%s:%d: %s" % (path, number, match.group(0).strip())


C = "/* SPDX-License-Identifier: BSD-3-Clause */\n"
README = "What lives here.\n"
# A tree that every rule is content with; each rule then gets files that break it, and only it.
GOOD = {
    "meson.build": "# SPDX-License-Identifier: BSD-3-Clause\n", "README.md": README,
    "engine/README.md": README, "engine/driver.h": C, "engine/include/README.md": README,
    "engine/include/pub.h": C, "engine/flush/README.md": README, "engine/object/README.md": README,
    "engine/object/domain.h": C + '#include "../flush/engine_wait.h"\n',
    "engine/flush/engine_wait.h": C, "engine/flush/f.c": C + '#include "../object/domain.h"\n',
    "engine/a.c": C + '#include "driver.h"\n/* never printf() here */\n'
                      'static const char *s = "exit(1)";\nops->write(x); my_printf(x);\n',
    "pmd/README.md": README, "pmd/emu/README.md": README, "pmd/smmuv3/README.md": README,
    "pmd/smmuv3/smmuv3_hw.h": C, "pmd/smmuv3/smmuv3.h": C,
    "pmd/f.c": C + "static void f(void) { if (fork() == 0) _exit(1); }\n",
    "pmd/emu/e.c": C + '#include "../smmuv3/smmuv3_hw.h"\n',
    "pmd/emu/core/README.md": README, "pmd/emu/smmuv3/README.md": README,
    "pmd/dma/README.md": README,
    "pmd/emu/core/emu.h": C + '#include "../../../engine/driver.h"\n',
    "pmd/emu/core/core.h": C + '#include "emu.h"\n', "pmd/emu/smmuv3/pub.h": C,
    "pmd/emu/smmuv3/e.c": C + '#include "../core/core.h"\n#include "../../smmuv3/smmuv3_hw.h"\n',
    "pmd/dma/d.c": C + '#include "../emu/core/emu.h"\n',
    "tests/conformance/README.md": README,
    "tests/conformance/conf.h": C + '#include "../../pmd/smmuv3/smmuv3_hw.h"\n',
    "tests/README.md": "`unit/` and perf/.\n", "tests/unit/t.c": C, "apps/README.md": README,
    "apps/main.c": C + '#include <engine/include/pub.h>\n',
}

RULES = {
    "engine-knows-no-hardware": (engine_knows_no_hardware, [
        {"engine/b.c": C + '#include "../pmd/smmuv3/smmuv3.h"\n'},
        {"engine/b.c": C + "#include <pmd/smmuv3/smmuv3.h>\n"},
        {"engine/b.c": C + '  #  include "smmuv3/smmuv3.h"\n'}]),
    "engine-has-no-cycle": (engine_has_no_cycle, [
        {"engine/b.h": C, "engine/b.c": C + '#include "c.h"\n', "engine/c.h": C + '#include "b.h"\n'},
        {"engine/x/b.h": C + '#include "../y/c.h"\n', "engine/y/c.h": C,
         "engine/y/c.c": C + '#include "../z/d.h"\n', "engine/z/d.h": C + '#include "../x/b.h"\n',
         "engine/x/README.md": README, "engine/y/README.md": README, "engine/z/README.md": README},
        {"engine/iova/b.c": C + '#include "../flush/ring.h"\n', "engine/flush/ring.h": C},
        {"engine/iova/b.c": C + '#include "../object/domain.h"\n', "engine/object/domain.h": C},
        {"engine/flush/b.c": C + '#include "../object/engine.h"\n', "engine/object/engine.h": C}]),
    "users-stay-outside": (users_stay_outside, [
        {"apps/b.c": C + '#include "../engine/driver.h"\n'},
        {"apps/b.c": C + "#include <driver.h>\n"},
        {"tests/cli/b.c": C + '#include "../../pmd/smmuv3/smmuv3_hw.h"\n'}]),
    "conformance-judges-by-encodings": (conformance_judges_by_encodings, [
        {"tests/conformance/c.c": C + '#include "../../pmd/smmuv3/smmuv3.h"\n'},
        {"tests/conformance/cases/c.c": C + '#include "../../../engine/driver.h"\n'},
        {"tests/conformance/c.c": C + '#include "../../pmd/emu/core/emu.h"\n'}]),
    "emu-is-independent": (emu_is_independent, [
        {"pmd/emu/b.c": C + '#include "../smmuv3/smmuv3.h"\n'},
        {"pmd/emu/smmuv3/b.c": C + '#include "../../smmuv3/smmuv3.h"\n'}]),
    "emu-core-knows-no-kind": (emu_core_knows_no_kind, [
        {"pmd/emu/core/b.c": C + '#include "../smmuv3/pub.h"\n'},
        {"pmd/emu/core/b.h": C + '#include "../../smmuv3/smmuv3_hw.h"\n'},
        {"pmd/emu/core/b.c": C + "#include <emu/smmuv3/pub.h>\n"},
        {"pmd/dma/b.c": C + '#include "../emu/smmuv3/pub.h"\n'},
        {"pmd/dma/b.c": C + '#include "../emu/core/core.h"\n'}]),
    "library-is-silent": (library_is_silent, [
        {"engine/b.c": C + "static void f(void) { " + call + "; }\n"} for call in
        ('printf("x")', 'fprintf(stderr, "x")', "abort()", "exit (1)", 'puts("x")', "assert(0)",
         "_exit(1)", 'rte_panic("x")', 'perror("x")', 'rte_exit(1, "x")')] + [
        {"pmd/b.c": C + "static void f(void) { if (fork() == 0) exit(1); }\n"},
        {"pmd/emu/b.h": C + "static inline void f(void) { abort(); }\n"}]),
    "files-are-small": (files_are_small, [
        {"engine/b.c": C + "\n" * 599 + ";\n"}, {"engine/b.h": C + "\n" * 399 + ";\n"}]),
    "licence-is-named": (licence_is_named, [
        {"engine/b.h": "#pragma once\n"}, {"config/run": "#!/bin/sh\n"},
        {"pmd/meson.build": "x = 1\n"}]),
    "folders-explain-themselves": (folders_explain_themselves, [
        {"pmd/new/b.c": C}, {"tests/new/b.c": C},
        {"tests/README.md": "what old-unit/ is\n", "tests/unit/b.c": C}]),
    "no-trailing-whitespace": (no_trailing_whitespace, [
        {"engine/b.c": C + "int x; \n"}, {"engine/b.c": C + "int x;\t\n"},
        {"engine/b.c": C + "int x;"}, {"engine/b.c": C + "int x;\n\n"}]),
    "top-level-is-fixed": (top_level_is_fixed, [
        {"notes.txt": "x\n"}, {"src/a.c": C}]),
    "speaks-of-itself-alone": (speaks_of_itself_alone, [
        {"README.md": line + "\n"} for line in
        ("see /ho" + "me/me/x", "in /wo" + "rk/x", "see iss" + "ue 12", "fixes #" + "12",
         "writ" + "ten by a machine", "made by A" + "I", "Co-" + "authored-by: me")]),
}


def write(root, tree):
    for path, content in tree.items():
        os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
        with open(os.path.join(root, path), "w", encoding="utf-8") as out:
            out.write(content)


def noticed(name, check, good, breaks):
    """How often a check judges wrongly: of a good tree, and of it with files that break it."""
    wrong = 0
    for broken in [{}] + breaks:
        with tempfile.TemporaryDirectory() as root:
            write(root, {**good, **broken})
            found = list(check(root))
        if broken and not found:
            print("%s did not notice: %r" % (name, broken))
        for offence in () if broken else found:
            print("%s is not content with a good tree: %s" % (name, offence))
        wrong += bool(found) != bool(broken)
    return wrong


def main_of(name, check, good, breaks):
    """The main of a check in a file of its own: NAME.py ROOT | --self-test."""
    if sys.argv[1:] == ["--self-test"]:
        return 1 if noticed(name, check, good, breaks) else 0
    if len(sys.argv) != 2 or not os.path.isdir(sys.argv[1]):
        print("usage: %s.py ROOT | --self-test" % name, file=sys.stderr)
        return 2
    found = list(check(sys.argv[1]))
    for offence in found:
        print(offence)
    return 1 if found else 0


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "--self-test" and sys.argv[2] in RULES:
        rule = sys.argv[2]
        return 1 if noticed(rule, RULES[rule][0], GOOD, RULES[rule][1]) else 0
    if len(sys.argv) != 3 or sys.argv[1] not in RULES or not os.path.isdir(sys.argv[2]):
        print("usage: house.py RULE ROOT | --self-test RULE\nrules: " + " ".join(RULES),
              file=sys.stderr)
        return 2
    check = RULES[sys.argv[1]][0]
    offences = list(check(sys.argv[2]))
    for offence in offences:
        print(offence)
    if offences:
        print("%d against the rule: %s" % (len(offences), check.__doc__))
    return 1 if offences else 0


if __name__ == "__main__":
    sys.exit(main())

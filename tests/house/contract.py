#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""engine/CONTRACT.md against the tree: rows that are used exist, and what rows name exists.

Usage: contract.py ROOT         prints each offence; status 1 if there is one.
       contract.py --self-test  breaks a made-up tree in each way that is to be noticed: status 0
                                only if it is noticed, and the unbroken tree is found in order.
"""
import os
import re
import sys

sys.dont_write_bytecode = True  # the tree stays as it is

from house import files, main_of, text

CONTRACT = "engine/CONTRACT.md"
LISTS = "tests/mutations/"
NOT_YET = "not yet"
TICKED = re.compile(r"`([^`]+)`")
ROW = re.compile(r"^\| ([A-F]\d{0,2}(?: \w+)?) \|(.*)\|$")
# A row's id in a text. D8.3 is a section of a manual.
ID = re.compile(r"(?<![\w.#-])([A-F]\d{1,2})(?![\w.]*\w)")
# What looks like an id and is none: the language; a chapter of a manual; control characters; bytes
# of an identification register; a wildcard for file names.
NO_IDS = re.compile(r"\bC11\b|DDI 0487[^)]{0,8}\bD8\b|\bC0, DEL, C1\b|\b0D F0 05 B1\b|\b84 B4 F0\b")
FUNCTION = re.compile(r"^(\w+)\(void \*\*\w+\)", re.M)


def rows(root):
    """The table: {id: (promise, mechanism, test, mutations)}, and the offences of its shape."""
    found, wrong = {}, []
    for number, line in enumerate(text(root, CONTRACT), 1):
        match = ROW.match(line)
        if not match:
            if re.match(r"^\| [A-F]\d", line):
                wrong.append("%s:%d: a row that is none" % (CONTRACT, number))
            continue
        cells = [cell.strip() for cell in match.group(2).split("|")]
        if len(cells) != 4:
            wrong.append("%s:%d: %d cells" % (CONTRACT, number, len(cells) + 1))
        elif match.group(1) in found:
            wrong.append("%s:%d: a second row %s" % (CONTRACT, number, match.group(1)))
        else:
            found[match.group(1)] = cells
    return found, wrong


def tests(root):
    """Names of all tests that meson.build files under tests/ declare."""
    names = set()
    for path in files(root):
        if not path.startswith("tests/") or os.path.basename(path) != "meson.build":
            continue
        build = "\n".join(re.sub(r"(^|\s)#.*", "", line) for line in text(root, path))
        # A name of one piece, or of a fixed piece and the variable of the loop around it.
        names.update(re.findall(r"\btest\('([\w-]+)'\s*,", build))
        for loop in re.finditer(r"foreach (\w+)(?:, \w+)? : (.*?)endforeach", build, re.S):
            variable, body = loop.group(1), loop.group(2)
            for piece, index, rest in re.findall(
                    r"\btest\('([\w-]*)' \+ %s(\[0\])?(?: \+ '([\w-]*)')?\s*," % variable, body):
                over = body[:body.index("test(")]
                if index:
                    items = re.findall(r"\[\s*'([\w.+-]+)'", over)
                elif over.lstrip().startswith("{"):
                    items = re.findall(r"'([\w-]+)'\s*:", over)
                else:
                    items = re.findall(r"'([\w-]+)'", over[:over.index("]")])
                names.update(piece + item + rest for item in items)
    return names


def functions(root):
    """{stem of a test's file: its functions}: of tests/unit/engine/test_map.c the stem is "map"."""
    found = {}
    for path in files(root):
        if path.startswith("tests/") and path.endswith(".c"):
            stem = re.sub(r"^test_", "", os.path.basename(path)[:-2])
            found.setdefault(stem, set()).update(FUNCTION.findall("\n".join(text(root, path))))
    return found


def mutations(root):
    """Names of all mutations."""
    names = set()
    for path in files(root):
        if path.startswith(LISTS) and path.endswith("list"):
            names.update(re.sub(r"^sample ", "", line).split("|")[0] for line in text(root, path)
                         if "|" in line and not line.startswith("#"))
    return names


def ids_of(name, separator):
    """The rows that a name begins with: of a9-e1-no-clamp A9 and E1."""
    for piece in name.split(separator):
        if not re.fullmatch(r"[a-f]\d{1,2}", piece):
            return
        yield piece.upper()


def used(root, of_test, broken):
    """(id, where, whether that is a proof) of every row that is spoken of."""
    for path in files(root):
        # This file and its neighbours make examples of ids.
        if path == CONTRACT or path.startswith("tests/house/") or path.startswith("."):
            continue
        if not path.endswith((".c", ".h", ".md", "-list", "meson.build")):
            continue
        for number, line in enumerate(text(root, path), 1):
            for match in ID.finditer(NO_IDS.sub("", line)):
                yield match.group(1), "%s:%d" % (path, number), False
    for stem, names in of_test.items():
        for name in names:
            for row in ids_of(name, "_"):
                yield row, "%s in test_%s.c" % (name, stem), True
    for name in broken:
        for row in ids_of(name, "-"):
            yield row, "the mutation " + name, True


def of_row(root, row, cells, declared, of_test, broken):
    """Offences of one row."""
    _, mechanism, test, mutation = cells
    if mechanism == NOT_YET:
        if test or mutation:
            yield "%s: is not yet built, and has a test" % row
        return
    paths = TICKED.findall(mechanism)
    if not paths:
        yield "%s: no mechanism, nor \"%s\"" % (row, NOT_YET)
    for path in paths:
        if not os.path.isfile(os.path.join(root, path)):
            yield "%s: no file %s" % (row, path)
    current, any_test = None, False
    for name in TICKED.findall(test):
        if name in declared:
            current, any_test = name, True
        elif current is None:
            yield "%s: no test %s" % (row, name)
        elif not any(name in names for stem, names in of_test.items()
                     if current == stem or current.endswith("_" + stem)):
            yield "%s: no function %s in the test %s" % (row, name, current)
    if not any_test:
        yield "%s: no test" % row
    prefix = row.lower() + "-"
    has = any(row in ids_of(name, "-") for name in broken)
    listed = "`%s*`" % prefix in mutation
    if has != listed:
        yield "%s: %s" % (row, "its mutations are not named" if has else "no mutation " + prefix)
    if not mutation:
        yield "%s: nothing is said of mutations" % row
    for name in TICKED.findall(mutation):
        if name != prefix + "*" and name not in broken and name not in declared and \
                not os.path.isfile(os.path.join(root, name)):
            yield "%s: no %s" % (row, name)


def offences(root):
    """What is wrong in the tree at root."""
    table, wrong = rows(root)
    yield from wrong
    if not table:
        yield "%s: no table" % CONTRACT
    declared, of_test, broken = tests(root), functions(root), mutations(root)
    for row, cells in table.items():
        yield from of_row(root, row, cells, declared, of_test, broken)
    for row, where, proof in used(root, of_test, broken):
        if row not in table:
            yield "%s: speaks of %s, which has no row" % (where, row)
        elif proof and table[row][1] == NOT_YET:
            yield "%s: proves %s, of which the table says \"%s\"" % (where, row, NOT_YET)


HEAD = "| id | promise | mechanism | test | broken |\n|---|---|---|---|---|\n"
BUILT = "| A1 | So. | `engine/a.c` | `engine_a`: `a1_so`; `other`, `c-x`, `s_y` | `a1-*` |\n"
LATER = "| B1 | Later. | not yet | | |\n"
GOOD = {
    CONTRACT: HEAD + BUILT + "| A2 | And. | `engine/a.c` | `engine_b_mt` | `a2-*` |\n" + LATER +
              "| F VT-d | More. | not yet | | |\n",
    "engine/a.c": "/* Kept (A1), as C11 and DDI 0487 D8.3 have it; B1 is to come. */\n",
    "tests/unit/engine/meson.build": "foreach t : ['z', 'a', # b\n 'b_mt']\n"
                                     "  test('engine_' + t, exe)\nendforeach\ntest('other', exe)\n",
    "tests/unit/engine/test_a.c": "static void\na1_so(void **state)\n{\n}\n",
    "tests/unit/engine/test_z.c": "static void\na1_elsewhere(void **state)\n{\n}\n",
    "tests/c/meson.build": "foreach name, dev : {\n  'x': 'y',\n}\n  test('c-' + name, exe)\n"
                           "endforeach\nforeach t : [\n  ['y', ['-p']],\n]\n"
                           "  test('s_' + t[0], exe)\nendforeach\n",
    "tests/mutations/engine-list": "# name\nsample a1-x|test|file|s/a/b/\na1-a2-z|test|file|s/a/b/\n",
}
BREAKS = [
    {CONTRACT: "# nothing\n"},
    {CONTRACT: GOOD[CONTRACT].replace(BUILT, "")},
    {CONTRACT: GOOD[CONTRACT] + BUILT},
    {CONTRACT: GOOD[CONTRACT] + "| A3 | Three cells. |\n"},
    {CONTRACT: GOOD[CONTRACT].replace(LATER, "")},
    {CONTRACT: GOOD[CONTRACT].replace("`engine/a.c`", "`engine/b.c`")},
    {CONTRACT: GOOD[CONTRACT].replace("`engine/a.c`", "the engine")},
    {CONTRACT: GOOD[CONTRACT].replace("`engine_a`", "`engine_c`")},
    {CONTRACT: GOOD[CONTRACT].replace("`engine_a`: `a1_so`; `other`, `c-x`, `s_y`", "")},
    {CONTRACT: GOOD[CONTRACT].replace("`a1_so`", "`a1_elsewhere`")},
    {CONTRACT: GOOD[CONTRACT].replace("`c-x`", "`c-y`")},
    {CONTRACT: GOOD[CONTRACT].replace("`s_y`", "`s_p`")},
    {CONTRACT: GOOD[CONTRACT].replace("`engine_b_mt`", "`engine_b`")},
    {CONTRACT: GOOD[CONTRACT].replace("`a1-*`", "")},
    {CONTRACT: GOOD[CONTRACT].replace("`a2-*`", "none")},
    {CONTRACT: GOOD[CONTRACT].replace("`a1-*`", "`a1-*`, `a1-y`")},
    {CONTRACT: GOOD[CONTRACT].replace("not yet | | |", "not yet | `other` | |", 1)},
    {"tests/mutations/engine-list": "a1-x|test|file|s/a/b/\n"},
    {"tests/mutations/engine-list": GOOD["tests/mutations/engine-list"] + "e1-x|test|file|s/a/b/\n"},
    {"tests/mutations/engine-list": GOOD["tests/mutations/engine-list"] + "b1-x|test|file|s/a/b/\n"},
    {"tests/unit/engine/test_a.c": "static void\na1_so_not(void **state)\n{\n}\n"},
    {"tests/unit/engine/test_z.c": "static void\na1_e4_else(void **state)\n{\n}\n"},
    {"tests/unit/engine/test_z.c": "static void\nb1_else(void **state)\n{\n}\n"},
    {"tests/unit/engine/meson.build": "foreach t : ['a']\n  test('engine_' + t, exe)\nendforeach\n"},
    {"engine/b.h": "/* Since A22. */\n"},
    {"tests/README.md": "| x | F1, and C11 |\n"},
]


if __name__ == "__main__":
    sys.exit(main_of("contract", offences, GOOD, BREAKS))

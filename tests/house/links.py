#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Links of every *.md lead somewhere: files, folders and headings of this tree.

Usage: links.py ROOT         prints each offence; status 1 if there is one.
       links.py --self-test  status 0 only if each kind of broken link is noticed, and good ones pass.

A path in backticks that begins with a folder of the top level is a link, too, where it names a
file: `engine/iova.h`. Pages of the net are not asked for.
"""
import os
import re
import sys

sys.dont_write_bytecode = True  # the tree stays as it is

from house import TOP_LEVEL, files, main_of, text

LINK = re.compile(r"(?<!!)\[[^][]*\]\(([^()\s]+)\)|!\[[^][]*\]\(([^()\s]+)\)")
FOLDERS = sorted(name for name in TOP_LEVEL if "." not in name and name != "LICENSE")
PATH = re.compile(r"`((?:%s)/[\w./-]*[\w/])`" % "|".join(FOLDERS))
CODE = re.compile(r"`[^`\n]*`")


def prose(lines):
    """(number, line) outside of fenced blocks."""
    fenced = False
    for number, line in enumerate(lines, 1):
        if line.startswith("```"):
            fenced = not fenced
        elif not fenced:
            yield number, line


def anchors(root, path):
    """The names that GitHub gives to the headings of a page."""
    names = set()
    for _, line in prose(text(root, path)):
        match = re.match(r"#+ +(.*)", line)
        if match:
            plain = re.sub(r"[^\w\- ]", "", match.group(1).lower()).replace(" ", "-")
            count = 0
            while plain + ("-%d" % count if count else "") in names:
                count += 1
            names.add(plain + ("-%d" % count if count else ""))
    return names


def leads_nowhere(root, page, target):
    if re.match(r"[a-z]+:", target):
        return None
    path, _, anchor = target.partition("#")
    path = os.path.normpath(os.path.join(os.path.dirname(page), path)) if path else page
    if path.startswith("..") or not os.path.exists(os.path.join(root, path)):
        return "no " + target
    if anchor and (not path.endswith(".md") or anchor not in anchors(root, path)):
        return "no heading " + target
    return None


def offences(root):
    """What is wrong in the tree at root."""
    for page in files(root):
        if not page.endswith(".md"):
            continue
        for number, line in prose(text(root, page)):
            for match in LINK.finditer(CODE.sub("", line)):
                wrong = leads_nowhere(root, page, match.group(1) or match.group(2))
                if wrong:
                    yield "%s:%d: %s" % (page, number, wrong)
            for match in PATH.finditer(line):
                # What a build or a run makes is no part of the tree.
                if not os.path.exists(os.path.join(root, match.group(1))):
                    yield "%s:%d: no %s" % (page, number, match.group(1))


GOOD = {
    "README.md": "# It, and `what`\n\n[a](engine/README.md) [b](engine/) [c](#it-and-what) `engine/a.c`\n"
                 "[d](engine/README.md#two-1) `[e](none.md)` [f](https://example.org/x) `engine/`\n"
                 "```\n[g](none.md) `engine/none.c`\n# No heading\n```\n"
                 "`engine/NAME.c`-like paths with `engine/*.c` or `engine/<name>.c` are none\n",
    "engine/README.md": "# Two\n\n# Two\n\n[a](../README.md) [b](a.c)\n", "engine/a.c": "\n",
    "engine/NAME.c": "\n",
}
BREAKS = ["[a](none.md)", "[a](/README.md)", "[a](engine/none.c)", "[a](#none)", "[a](#no-heading)",
          "[a](engine/README.md#two-2)", "[a](engine/a.c#two)", "[a](../outside.md)", "![a](none.svg)",
          "see `engine/none.c`", "see `engine/none/`", "[a](engine/README.md), [b](none.md)"]


if __name__ == "__main__":
    sys.exit(main_of("links", offences, GOOD, [{"README.md": GOOD["README.md"] + line + "\n"} for line in BREAKS]))

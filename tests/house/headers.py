#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Each public header compiles alone, twice in a row, as C11 and as C++17, without a warning; and all
together. In C++ the name of each struct, union and enum stands for itself: a function of the same name
would hide it.

Usage: headers.py c11|c++17 INCLUDE_DIR COMPILER...
       headers.py --self-test COMPILER...    headers with a fault each: are they found?
"""
import os
import re
import subprocess
import sys
import tempfile

WARNINGS = ["-Wall", "-Wextra", "-Werror", "-pedantic-errors", "-fsyntax-only"]
GOOD = "#ifndef G_H\n#define G_H\n#include <stdint.h>\nstruct g { uint64_t a; };\n#endif\n"
# standard -> headers that it must refuse
BAD = {
    "c11": ["uint64_t needs_stdint(void);\n", "struct twice { int a; };\n",
            "static inline int f(int x) { unsigned u = 1; return x < u; }\n"],
    "c++17": ["#include <stdint.h>\nuint64_t f(int class);\n",
              "static inline int *f(void *p) { return p; }\n",
              "struct both { int a; };\nint both(struct both *b);\n",
              "enum both { A };\nint both(void);\n"],
}
TAG = re.compile(r"^(?:struct|union|enum) (\w+)(?: *;| *\{)", re.M)


def offences(standard, folder, compiler):
    """What the compiler says of each header that it does not take."""
    language = "c++" if standard.startswith("c++") else "c"
    dpdk = subprocess.run(["pkg-config", "--cflags", "libdpdk"], capture_output=True, text=True,
                          check=True).stdout.split()
    # DPDK's own headers are not on trial; the forced include would hide a header's missing ones.
    dpdk = [("-isystem" + f[2:]) if f.startswith("-I") else f for f in dpdk]
    units = {}
    tags = []
    for at, _, names in sorted(os.walk(folder)):
        for name in sorted(n for n in names if n.endswith(".h")):
            path = os.path.relpath(os.path.join(at, name), folder)
            units[path] = "#include <%s>\n#include <%s>\n" % (path, path)
            with open(os.path.join(at, name), encoding="utf-8") as header:
                tags += TAG.findall(header.read())
    if not units:
        return ["no header in " + folder]
    units["all of them"] = "".join("#include <%s>\n" % path for path in units)
    if language == "c++":
        units["all of them"] += "".join('static_assert(sizeof(%s *) != 0, "");\n' % tag
                                        for tag in sorted(set(tags)))
    found = []
    for path, unit in units.items():
        done = subprocess.run(
            compiler + ["-std=" + standard, "-x", language, "-I" + folder] + dpdk + WARNINGS + ["-"],
            input=unit, capture_output=True, text=True, check=False)
        if done.returncode:
            found.append("%s as %s:\n%s" % (path, standard, done.stderr))
    return found


def self_test(compiler):
    standards = ["c++17"] if "++" in os.path.basename(compiler[-1]) else ["c11"]
    wrong = 0
    for standard in standards:
        for content in [GOOD] + BAD[standard]:
            with tempfile.TemporaryDirectory() as folder:
                with open(os.path.join(folder, "h.h"), "w", encoding="utf-8") as out:
                    out.write(content)
                if bool(offences(standard, folder, compiler)) != (content is not GOOD):
                    print("%s: judged wrongly: %r" % (standard, content))
                    wrong += 1
    return wrong


def main():
    if sys.argv[1] == "--self-test":
        return 1 if self_test(sys.argv[2:]) else 0
    found = offences(sys.argv[1], sys.argv[2], sys.argv[3:])
    print("\n".join(found), end="")
    return 1 if found else 0


sys.exit(main())

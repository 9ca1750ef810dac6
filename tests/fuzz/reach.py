#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Do a fuzz target's seeds, by themselves, enter every function of the sources it is there for?

Usage: reach.py TARGET SEED,SEED,... FILE...
A function that no seed enters is one that libFuzzer has to find its way to by luck. FILE=NAME,NAME:
these functions of it. 77: cannot be told here."""
import re
import shutil
import subprocess
import sys

LINE = re.compile(r"^(UN)?COVERED_FUNC: .* (\S+) \S*/(\S+/\S+\.[ch]):\d+")


def functions(target, seeds):
    """(file, function) -> whether it was entered."""
    run = subprocess.run([target, "-runs=0", "-print_coverage=1", "-seed_inputs=" + seeds],
                         capture_output=True, text=True, errors="replace", check=False)
    if run.returncode != 0:
        print(run.stderr[-4000:])
        sys.exit("%s: exit status %d over its own seeds" % (target, run.returncode))
    found = {}
    for line in run.stderr.splitlines():
        match = LINE.match(line)
        if match:
            key = (match.group(3), match.group(2))
            found[key] = found.get(key, False) or match.group(1) is None
    return found


def main():
    target, seeds, files = sys.argv[1], sys.argv[2], sys.argv[3:]
    if not shutil.which("llvm-symbolizer"):
        print("no llvm-symbolizer: functions have no names here")
        sys.exit(77)
    found = functions(target, seeds)
    wrong = 0
    for file, _, names in (f.partition("=") for f in files):
        tail = "/".join(file.split("/")[-2:])
        of_file = {name: hit for (where, name), hit in found.items() if where == tail}
        if names:
            of_file = {name: of_file.get(name, False) for name in names.split(",")}
        missed = sorted(name for name, hit in of_file.items() if not hit)
        print("%s: %d of %d functions entered" % (file, sum(of_file.values()), len(of_file)))
        for name in missed:
            print("%s: no seed enters %s()" % (file, name))
        wrong += len(missed) + (not any(of_file.values()))
    sys.exit(1 if wrong else 0)


main()

#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""config/tally.py counts right, shows every failure's log and every skip's reason.

Usage: tally.py CONFIG_TALLY
"""
import json
import os
import subprocess
import sys
import tempfile


def tally(tests):
    """What it prints and writes for a run with these results; None: a run that left no log."""
    with tempfile.TemporaryDirectory() as build:
        os.mkdir(build + "/meson-logs")
        if tests is not None:
            with open(build + "/meson-logs/testlog.json", "w", encoding="utf-8") as log:
                for name, result, out in tests:
                    log.write(json.dumps({"name": name, "result": result, "returncode": 1,
                                          "stdout": out, "command": ["./" + name]}) + "\n")
        done = subprocess.run([sys.executable, sys.argv[1], build, build + "/sums"],
                              capture_output=True, text=True, check=True)
        with open(build + "/sums", encoding="utf-8") as sums:
            return done.stdout, sums.read().strip()


def expect(what, got, wanted):
    assert got == wanted, "%s: %r instead of %r" % (what, got, wanted)


def main():
    for result in ("FAIL", "ERROR", "TIMEOUT", "INTERRUPT", "UNEXPECTEDPASS"):
        out, sums = tally([("good", "OK", ""), ("bad", result, "line one\nline two\n")])
        expect(result, sums, "1 1 0")
        assert "line one\nline two" in out and "bad" in out, "no log of a failure: " + out
    out, sums = tally([("odd", "SKIP", "needs two cores\n")])
    expect("skip", sums, "0 0 1")
    assert "odd: needs two cores" in out, "no reason: " + out
    out, sums = tally([("mute", "SKIP", "")])
    assert "it gave no reason" in out, out
    out, sums = tally([("part", "OK", "why\n[  SKIPPED ] one_case\n[  SKIPPED ] 1 test(s), x\n")])
    expect("part", sums, "1 0 0")
    assert "one case skipped" in out and "one_case" in out, out
    expect("nothing ran", tally([])[1], "0 1 0")
    expect("no log", tally(None)[1], "0 1 0")


main()

#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Sums up what one `meson test` left in its build folder.

Usage: tally.py BUILD SUMS
Prints the whole log of each test that failed and the reason of each test that was skipped, and
writes "PASSED FAILED SKIPPED" into SUMS. No log, or a log without a test, counts as a failure: a run
without tests must not look like a run without failures.
"""
import json
import sys

PASSED = ("OK", "EXPECTEDFAIL")


def reason(test):
    """The last line that a skipped test printed, which says why it was skipped."""
    lines = (test.get("stdout", "") + "\n" + test.get("stderr", "")).split("\n")
    lines = [line.strip() for line in lines if line.strip()]
    # cmocka prints a count of tests behind the reason.
    said = [line for line in lines if not line.startswith("[")]
    return (said or lines or ["(it gave no reason)"])[-1]


def show_failure(build, test):
    print("---- FAILED in %s: %s (%s, status %s)" %
          (build, test["name"], test["result"], test.get("returncode")))
    if test.get("command"):
        print("$ " + " ".join(test["command"]))
    for stream in ("stdout", "stderr"):
        text = test.get(stream, "").rstrip("\n")
        if text:
            print(text)
    print("----")


def main():
    build, sums = sys.argv[1:]
    tests = []
    try:
        with open(build + "/meson-logs/testlog.json", encoding="utf-8") as log:
            tests = [json.loads(line) for line in log if line.strip()]
    except OSError as error:
        print("FAILED: %s" % error)
    passed = [t for t in tests if t["result"] in PASSED]
    skipped = [t for t in tests if t["result"] == "SKIP"]
    failed = [t for t in tests if t["result"] not in PASSED + ("SKIP",)]
    for test in failed:
        show_failure(build, test)
    for test in skipped:
        print("skipped in %s: %s: %s" % (build, test["name"], reason(test)))
    for test in passed:
        for line in (test.get("stdout", "") + test.get("stderr", "")).split("\n"):
            if line.startswith("[  SKIPPED ]") and "test(s)" not in line:
                print("one case skipped in %s: %s: %s" %
                      (build, test["name"], line[len("[  SKIPPED ]"):].strip()))
    if not tests:
        print("FAILED: no test ran in %s" % build)
    with open(sums, "w", encoding="utf-8") as out:
        print(len(passed), len(failed) if tests else 1, len(skipped), file=out)


main()

#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What strict costs against deferred, over the SYNC latency of the emulated hardware.

Usage: ratio.py RESULTS.json
Reads a list of results of `sluice-perf --sweep … --json` that has both policies at each point.
"""
import json
import sys

ROW = "%8s %8s %14s %12s %14s %18s"


def fail(why):
    print("ratio.py: %s: %s" % (sys.argv[1], why), file=sys.stderr)
    sys.exit(2)


def noisy(result):
    """The bare round trip moved during a run, or the middle half of the rounds spreads too far."""
    rounds = sorted(result["rounds_pair_ns"])
    spread = rounds[3 * len(rounds) // 4] - rounds[len(rounds) // 4]
    return result["unstable"] or spread > 0.2 * result["pair_ns"]


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    try:
        with open(sys.argv[1], encoding="utf-8") as stream:
            run = json.load(stream)
        results, layout = run["results"], run["layout"]
    except (OSError, ValueError, KeyError) as error:
        fail(repr(error))
    points = {}
    for result in results:
        if result.get("error") is not None:
            print("%s at sync_ns %s: %s" % (result["policy"], result["sync_ns"], result["error"]),
                  file=sys.stderr)
            continue
        key = (result["sync_ns"], result["batch"])
        points.setdefault(key, {})[result["policy"]] = result
    marked = ""
    print(ROW % ("sync_ns", "batch", "bare SYNC ns", "strict ns", "deferred ns",
                 "strict / deferred"))
    for (sync, batch), at in sorted(points.items()):
        if "strict" not in at or "deferred" not in at:
            fail("sync_ns %s has no strict and deferred to compare" % sync)
        strict, deferred = at["strict"]["pair_ns"], at["deferred"]["pair_ns"]
        if not deferred > 0 and layout != "step":
            fail("sync_ns %s: a deferred pair of %s ns" % (sync, deferred))
        ratio = "%.1f" % (strict / deferred) if deferred > 0 else "-"
        mark = " *" if noisy(at["strict"]) or noisy(at["deferred"]) else ""
        marked = marked or mark
        print(ROW % (sync, batch, "%.0f" % at["strict"]["sync_rtt_ns"], "%.1f" % strict,
                     "%.1f" % deferred, ratio + mark))
    print("ns per map/unmap pair; CPU-side cost against modelled hardware, not any real device's "
          "throughput")
    if marked:
        print("* not a measurement: other programs used these cores, and the rounds differ by more than "
              "20 %")
    if layout == "step":
        print("layout step: time is virtual, and the processor takes none of it; this does not show "
              "what a policy costs")


main()

#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Is everything that sluice-bench measures there, and is it right? Times are not judged.

Usage: smoke.py SLUICE-BENCH
"""
import json
import math
import os
import subprocess
import sys
import tempfile

# Cases and variants that every run on two lcores must have; peers that are an option are not here.
CASES = {
    "pair": ("lifo, one worker", "fifo 256, one worker", "fifo 256, two workers"),
    "run": ("256 x 4K in one call",),
    "scale": ("domains, no invalidation", "domains, deferred, polled by the worker",
              "live mappings, another one comes and goes", "live mappings, the oldest is replaced"),
    "iova": ("order 0, empty space", "order 0, 90 % full", "orders 0-5, empty space",
             "orders 0-5, 90 % full"),
    "ring": ("one thread, burst 1", "one thread, burst 32", "two producers, burst 1",
             "two producers, burst 32", "one producer, consumer of its own, burst 1"),
    "policies": ("strict unmap beside the bare SYNC, two lcores", "4 KiB pair, two lcores",
                 "64 pages, two lcores", "until memory is back, two lcores"),
    "reads": (),
    "copies": ("64 bytes, two lcores", "65536 bytes, two lcores"),
}
VARIANTS = {
    "pair": {"sluice", "sluice-deferred", "magazine+walk", "mempool+walk"},
    "iova": {"sluice", "rte_mempool", "rte_stack (lf)", "rte_ring mp/mc"},
    "ring": {"sluice", "rte_ring MP", "rte_ring HTS", "rte_ring RTS"},
}
KEYS = {"bench", "case", "metric", "unit", "variant", "what", "layout", "goal", "n", "median",
        "q1", "q3", "min", "max", "ratio", "rounds"}


def wrong(run, out, cpus):
    """What is not as it must be, one line each."""
    names = subprocess.run([sys.argv[1], "--list"], capture_output=True, text=True, check=True)
    for bench in set(CASES) ^ set(names.stdout.split()):
        yield "benchmark '%s' is not both listed and expected" % bench
    if run.returncode != 0:
        yield "exit status %d: %s" % (run.returncode, run.stderr.strip())
    if out["failed"] != 0 or out["checks"] < 50:
        yield "%d checks, %d failed" % (out["checks"], out["failed"])
    if not out["smoke"] or not out["host"] or not out["layout"]:
        yield "the machine's line or the mark of a smoke run is missing"
    seen = {}
    for r in out["results"]:
        where = "%s: %s: %s of %s" % tuple(r.get(k) for k in ("bench", "case", "metric", "variant"))
        seen.setdefault((r["bench"], r["case"]), set()).add(r["variant"])
        if set(r) != KEYS or r["unit"] != "ns" or r["n"] < 1:
            yield where + ": keys or unit"
        if len(r["rounds"]) != out["rounds"]:
            yield where + ": %d rounds" % len(r["rounds"])
        if not all(math.isfinite(v) and v > 0 for v in r["rounds"] + [r["ratio"]]):
            yield where + ": a figure that is none"
        elif not r["min"] <= r["q1"] <= r["median"] <= r["q3"] <= r["max"]:
            yield where + ": quartiles out of order"
        elif abs(sorted(r["rounds"])[len(r["rounds"]) // 2] - r["median"]) > 1e-3 * r["median"]:
            yield where + ": not the median of its rounds"
        if r["variant"] not in run.stdout or r["case"] not in run.stdout:
            yield where + ": not in the table"
    for bench, cases in CASES.items():
        for case in cases:
            got = [v for (b, c), v in seen.items() if b == bench and c.startswith(case)]
            if not got and not ("two" in case or "of its own" in case) or (not got and cpus > 1):
                yield "%s: no case '%s'" % (bench, case)
            for variants in got:
                if "two workers" not in case and not VARIANTS.get(bench, set()) <= variants:
                    yield "%s: %s: only %s" % (bench, case, sorted(variants))


def main():
    cpus = sorted(os.sched_getaffinity(0))[:2]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "out.json")
        run = subprocess.run(
            [sys.argv[1], "--lcores", ",".join("%d@%d" % c for c in enumerate(cpus)), "--no-huge",
             "-m", "256", "--no-pci", "--no-shconf", "--no-telemetry", "--log-level=lib.eal:error",
             "--file-prefix=sluice-smoke-%d" % os.getpid(), "--", "--smoke", "--json", path],
            capture_output=True, text=True, timeout=240, check=False)
        if not os.path.exists(path):
            print("no JSON; exit status %d: %s" % (run.returncode, run.stderr.strip()))
            return 1
        with open(path, encoding="utf-8") as stream:
            out = json.load(stream)
        # A file that cannot be written, a benchmark that does not exist: one line, status 2.
        bad = subprocess.run([sys.argv[1], "nonsense"], capture_output=True, text=True, check=False)
        lines = list(wrong(run, out, len(cpus)))
        if bad.returncode != 2 or bad.stderr.count("\n") != 1 or "nonsense" not in bad.stderr:
            lines.append("an unknown benchmark gives status %d: %s" % (bad.returncode, bad.stderr))
    print("\n".join(lines) if lines else "%d results, %d checks" % (len(out["results"]),
                                                                   out["checks"]))
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())

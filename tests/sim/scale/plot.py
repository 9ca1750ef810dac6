#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Draw the curves of sim-scale.

Usage: plot.py CSV FOLDER
Writes FOLDER/scale-DOORBELL.svg for each doorbell in the file; wants gnuplot.
"""
import csv
import subprocess
import sys

SHOWN = ("bound", "strict", "strict-batched", "strict-async", "deferred", "kernel-lock",
         "kernel-strict", "kernel-deferred")

SCRIPT = """set terminal svg size 860,520 dynamic background rgb 'white' font 'sans-serif,12'
set title "simulated: cost model, no machine. {title}"
set logscale x 2
set logscale y 10
set xlabel "workers"
set ylabel "pairs of map and unmap a virtual µs, all workers"
set xtics (1,2,4,8,16,32,64)
set xrange [0.9:72]
set format y "%g"
set key outside right
set grid
"""


def main():
    with open(sys.argv[1], encoding="ascii") as f:
        rows = list(csv.DictReader(f))
    for bell in sorted({int(r["doorbell_ns"]) for r in rows}):
        curves = {s: [(int(r["workers"]), float(r["pairs_per_us"])) for r in rows
                      if r["subject"] == s and int(r["doorbell_ns"]) == bell] for s in SHOWN}
        curves = {s: c for s, c in curves.items() if c}
        script = SCRIPT.format(title=f"A SYNC takes {rows[0]['sync_ns']} ns, a doorbell {bell} ns")
        # One colour a name, in both plots; kernels dashed.
        script += "plot " + ", ".join(
            f"'-' with linespoints linewidth 2 pointtype 7 pointsize 0.5 linecolor {SHOWN.index(s) + 1}"
            f" dashtype {2 if s.startswith('kernel') else 1} title \"{s}\"" for s in curves) + "\n"
        for c in curves.values():
            script += "".join(f"{x} {y}\n" for x, y in c) + "e\n"
        svg = subprocess.run(["gnuplot", "-d", "-"], input=script, capture_output=True, text=True,
                             check=True).stdout
        with open(f"{sys.argv[2]}/scale-{bell}.svg", "w", encoding="utf-8") as f:
            f.write("\n".join(line.rstrip() for line in svg.strip().splitlines()) + "\n")


main()

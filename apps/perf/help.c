/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The help text says what the tool answers, how to ask, and how to read the answer.
 */
#include <stdio.h>

#include <rte_version.h>

#include <sluice/sluice.h>

#include "help.h"

static const char help_text[] =
"sluice-perf: what does safety cost? DMA unmap policies of a polled IOMMU engine, side by side.\n"
"\n"
"usage: sluice-perf [EAL options] -- [options]\n"
"\n"
"Host buffers are mapped, a device moves real bytes through the IOMMU's translation, the buffers\n"
"are unmapped by each policy in turn, and every byte is compared. With emulated hardware the\n"
"figures are CPU-side cost against modelled hardware, not the throughput of any real device.\n"
"\n"
"What to run\n"
"  --dev STRING       backend and register source, key=value,... (smmuv3,regs=emu); try also\n"
"                     sync_ns=700 tlbi_ns=200 ril=0: slower SYNCs and invalidations, no ranges\n"
"  --workload W       a pcap or pcapng file (plain, gzip, zstd), net:imix, or blk:4k (net:imix)\n"
"  --policy LIST      comma list, or all (passthrough,strict,deferred); see --list; each may have\n"
"                     settings: strict-async:batch=32,deferred:batch=256:deadline_us=500,\n"
"                     hybrid:copy_max=512\n"
"  --pairs N          map/unmap pairs per run; N may end in k, M, G (200k)\n"
"  --seconds S        run each policy for S seconds instead\n"
"  --rounds R         interleave A,B,C,A,B,C,... R times and show each median (3)\n"
"  --probe-stale      make the device touch addresses that it used before, to catch accesses that\n"
"                     get through after an unmap has returned; the hardware is made slow enough\n"
"                     for that, which a control run on broken hardware proves\n"
"  --insns            count instructions too: in a guest under qemu -icount shift=0, one lcore\n"
"\n"
"How\n"
"  --workers N        lcores that map and unmap, each with a device of its own (1)\n"
"  --burst N          map and unmap N buffers together, 1 to 64 (32)\n"
"  --batch N          flush queues: flush at N entries, a power of two (the policy's own: 256,\n"
"                     strict-async 32)\n"
"  --deadline-us N    flush queues: no entry waits longer (10000, strict-async 50)\n"
"  --layout L         split   main lcore: engine and hardware; others: workers (2 or more lcores)\n"
"                     inline  main lcore: hardware; the first worker polls the engine\n"
"                     step    one lcore, virtual time, same seed = same results (one lcore)\n"
"  --seed N           seed of generated data and of everything random (1)\n"
"  --sweep FILE.ini   [sweep] with comma lists of batch, deadline_us, sync_ns, workers, policy:\n"
"                     every combination is run; each section has policies of its own\n"
"\n"
"Results\n"
"  --json FILE        everything, stable keys; - for stdout (the table then goes to stderr)\n"
"  --csv FILE         a header, and a line for each result; - for stdout\n"
"  --report DIR       plots (SVG, PNG) and a self-contained index.html; DIR must be new or\n"
"                     empty, or hold an earlier report\n"
"\n"
"  --list             policies, backends, workloads\n"
"  --help, --version\n"
"\n"
"Examples\n"
"  strict against deferred on your own traffic:\n"
"    sluice-perf -l 0,1 --no-pci --in-memory -- --workload traffic.pcap --probe-stale\n"
"  every policy there is, in one table:\n"
"    sluice-perf -l 0,1 --no-pci --in-memory -- --policy all --probe-stale --json all.json\n"
"  no huge pages, no privileges:\n"
"    sluice-perf -l 0,1 --no-huge -m 256 --no-pci --no-shconf -- --workload net:imix\n"
"  how the answer changes with the hardware's SYNC latency, as a report:\n"
"    sluice-perf -l 0,1 --no-pci --in-memory -- --sweep sync-latency.ini --report out\n"
"  two runs whose results are equal, byte for byte:\n"
"    sluice-perf -l 0 --no-pci --in-memory -- --layout step --seed 7 --json -\n"
"\n"
"Exit status: 0 all is well; 1 a byte was wrong, a counter did not add up, a strict policy let a\n"
"stale access through, a run failed or was interrupted, or a file could not be written; 2 bad\n"
"arguments or input, or stdout cannot be written. One line on stderr names the reason. What was\n"
"measured is written all the same.\n";

void
perf_help(void)
{
	fputs(help_text, stdout);
}

void
perf_version(void)
{
	printf("sluice-perf %s (%s)\n", sluice_version(), rte_version());
}

void
perf_list(void)
{
	printf("policies:");
	for (unsigned int i = 0; sluice_policy_name(i) != NULL; i++)
		printf(" %s", sluice_policy_name(i));
	printf("\nbackends:");
	for (unsigned int i = 0; sluice_backend_name(i) != NULL; i++)
		printf(" %s", sluice_backend_name(i));
	printf("\nworkloads: net:imix blk:4k FILE.pcap FILE.pcapng\n");
}

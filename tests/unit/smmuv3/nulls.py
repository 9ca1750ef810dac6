#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes a test that calls each public function without each of its pointers in turn.

Usage: nulls.py INCLUDE_DIR OUT.c: the functions are those that the headers export, so none is forgotten.
"""
import glob
import os
import re
import sys

# Do not look, and their headers say so: the fast path.
FAST = {"sluice_map", "sluice_unmap", "sluice_map_burst", "sluice_unmap_burst", "sluice_unmap_async",
        "sluice_unmap_async_burst", "sluice_unmap_completed", "sluice_unmap_dispatch",
        "sluice_unmap_kick", "sluice_engine_poll", "sluice_dma_submit", "sluice_dma_completed"}
# (function, parameter): NULL has a meaning there, or is no error: what is to come out, or None where
# other tests see to it.
MEANS = {("sluice_iommu_close", "iommu"): 0, ("sluice_domain_destroy", "dom"): 0,
         ("sluice_engine_destroy", "e"): 0, ("sluice_device_remove", "dev"): 0,
         ("sluice_dma_close", "dma"): 0, ("sluice_iommu_mem_alloc", "pa"): None,
         ("sluice_iommu_mem_free", "va"): None, ("sluice_iommu_set_relax", "fn"): None,
         ("sluice_iommu_set_relax", "arg"): None, ("sluice_iommu_watch", "owned"): None,
         ("sluice_domain_create", "conf"): None, ("sluice_engine_set_default", "policy"): 0,
         ("sluice_engine_set_fault_cb", "cb"): None, ("sluice_engine_set_fault_cb", "arg"): None,
         ("sluice_device_default_policy", "requested"): None,
         ("sluice_device_set_default", "policy"): 0, ("sluice_raw_events", "words"): 0,
         ("sluice_raw_events", "f"): 0}
OBJECTS = {"iommu": "iommu", "device": "dev", "domain": "dom", "engine": "engine", "dma": "dma"}
HEAD = """/* Written by nulls.py. */
#include "nulls.h"

unsigned int
nulls_call(void)
{
	unsigned int n = 0;

"""


def functions(folder):
    for path in sorted(glob.glob(os.path.join(folder, "sluice", "*.h"))):
        with open(path, encoding="utf-8") as header:
            text = re.sub(r"/\*.*?\*/", "", header.read(), flags=re.S)
        for kind, name, params in re.findall(
                r"SLUICE_API\s+([\w\s*]*?)\b(sluice_\w+)\(((?:[^()]|\([^()]*\))*)\);", text):
            yield kind.strip(), name, [" ".join(p.split()) for p in params.split(",")
                                       if p.strip() != "void"]


def split(param):
    """A parameter's type and name."""
    callback = re.match(r"(.*)\(\*(\w+)\)(\(.*\))$", param)
    if callback:
        return "*", callback.group(2)
    kind, name = re.match(r"(.*?)(\w+)$", param).groups()
    return kind.strip(), name


def is_pointer(kind):
    return "*" in kind or kind.endswith("_cb")


def valid(kind, name):
    handle = re.match(r"(?:const )?struct sluice_(\w+) \*$", kind)
    if handle and handle.group(1) in OBJECTS:
        return "nulls." + OBJECTS[handle.group(1)]
    if kind == "const char *":
        return '""'
    if is_pointer(kind):
        return "(void *)nulls.room"
    return "4" if name == "size" else "8" if name == "off" else "1"


def calls(kind, name, params):
    params = [split(p) for p in params]
    for at, (ptype, pname) in enumerate(params):
        if not is_pointer(ptype):
            continue
        want = MEANS.get((name, pname), "default")
        if want is None:
            continue
        args = ", ".join("NULL" if i == at else valid(*p) for i, p in enumerate(params))
        call = "%s(%s)" % (name, args)
        yield '\tNULLS_SAY("%s, %s");\n' % (name, pname)
        if kind == "int":
            yield "\tassert_int_equal(%s, %s);\n" % (call, "-EINVAL" if want == "default" else want)
            if want == "default":
                yield "\tnulls_told();\n"
        elif "*" in kind:
            yield "\tassert_null(%s);\n\tnulls_told();\n" % call
        elif kind == "void":
            yield "\t%s;\n\tnulls_told();\n" % call
        else:
            yield "\tassert_int_equal(%s, 0);\n\tnulls_told();\n" % call
        yield "\tn++;\n"


def main():
    seen = set()
    with open(sys.argv[2], "w", encoding="utf-8") as out:
        out.write(HEAD)
        for kind, name, params in functions(sys.argv[1]):
            seen.add(name)
            if name not in FAST:
                out.writelines(calls(kind, name, params))
        out.write("\treturn n;\n}\n")
    gone = (FAST | {name for name, _ in MEANS}) - seen
    if gone:
        sys.exit("nulls.py: no header has %s any more" % ", ".join(sorted(gone)))


main()

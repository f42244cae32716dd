#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts instructions: a stack of layers must cost next to nothing over the raw engine.

Each program reads hot keys `N` times in the way its first argument names: `raw` (the engine's own
C or C++ interface, as its best user would write it), `varve` (the adapter alone) or `layers` (three
layers that pass everything on). Counts come from callgrind, so they do not depend on how busy the
machine is; the difference of two N cancels what opening and filling the store costs.
"""
import argparse
import concurrent.futures
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

WAYS = ("raw", "varve", "layers")
FEW, MANY = 2_000, 12_000
COLLECTED = re.compile(r"Collected\s*:\s*(\d+)")


def instructions(program, way, count):
    with tempfile.TemporaryDirectory() as directory:
        command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                   str(program.resolve()), way, str(count)]
        run = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    collected = COLLECTED.search(run.stderr)
    if run.returncode != 0 or not collected:
        sys.exit(f"{' '.join(command)} failed:\n{run.stdout}{run.stderr}")
    return int(collected.group(1))


def per_operation(program, way):
    """The median of three, for what threads of the engine do in the background."""
    def once(_):
        return (instructions(program, way, MANY) - instructions(program, way, FEW)) / (MANY - FEW)
    return sorted(map(once, range(3)))[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("programs", nargs="+", type=pathlib.Path)
    parser.add_argument("--budget", type=float, default=10,
                        help="instructions an operation that three layers may add to the adapter")
    parser.add_argument("--adapter-budget", type=float, default=10,
                        help="instructions an operation that the adapter may add to the raw engine")
    parser.add_argument("--report", type=pathlib.Path, help="write the counts there as JSON")
    args = parser.parse_args()
    if not shutil.which("valgrind"):
        print("SKIPPED: valgrind is not here, so the cost of layers was NOT measured")
        sys.exit(77)

    counts, over_budget = {}, False
    for program in args.programs:
        with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
            found = dict(zip(WAYS, pool.map(lambda way: per_operation(program, way), WAYS)))
        print(f"{program.name}: instructions an operation")
        for way in WAYS:
            print(f"  {way:8}{found[way]:10.1f}{found[way] - found['raw']:+10.1f} over raw")
        for what, cost, budget in (
                ("three layers", found["layers"] - found["varve"], args.budget),
                ("the adapter", found["varve"] - found["raw"], args.adapter_budget)):
            met = cost <= budget
            over_budget = over_budget or not met
            verdict = "within" if met else "over"
            print(f"  {what} cost {cost:+.1f}: {verdict} the {budget:g} allowed")
        if found["layers"] - found["raw"] > 10:
            print("  the goal, +10 for adapter and layers together, is missed")
        counts[program.name.removeprefix("instructions.")] = found
    if args.report:
        args.report.write_text(json.dumps(counts, indent=2) + "\n", encoding="utf-8")
    sys.exit(1 if over_budget else 0)


if __name__ == "__main__":
    main()

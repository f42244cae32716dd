#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a fuzzer for some seconds, from the inputs in tests/fuzz/corpus/ on, and prints how far it
came.

run.py PROGRAM TARGET SECONDS

What it finds goes to the directory FINDINGS, beside the program; give the file to the program to
see it again, and put it into tests/fuzz/corpus/TARGET/ when it is mended.
"""
import os
import pathlib
import re
import resource
import subprocess
import sys
import tempfile

# Small, so that what descends with its input is found; and since AddressSanitizer goes over all of
# it at each exception.
STACK_BYTES = 256 << 10
# A run of so many seconds looks for something new; a shorter one tries the same each time.
LONG = 600
CORPUS = pathlib.Path(__file__).resolve().parent / "corpus"


def limit_stack():
    resource.setrlimit(resource.RLIMIT_STACK, (STACK_BYTES, STACK_BYTES))


def main():
    program, target, seconds = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2], int(sys.argv[3])
    findings = program.parent / "FINDINGS"
    findings.mkdir(exist_ok=True)
    seeds = CORPUS / target
    with tempfile.TemporaryDirectory(prefix="varve-fuzz-") as fresh:
        command = [program, f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=512",
                   "-malloc_limit_mb=128", "-max_len=4096", "-print_final_stats=1",
                   f"-artifact_prefix={findings}/{target}-", fresh]
        if seconds < LONG:
            command.append("-seed=1")
        done = subprocess.run(command + ([seeds] if seeds.is_dir() else []), capture_output=True,
                              text=True, errors="replace", check=False,
                              preexec_fn=limit_stack, env={
                                  **os.environ, "ASAN_OPTIONS": "quarantine_size_mb=8"})
    said = done.stderr

    def last(pattern):
        found = re.findall(pattern, said)
        return int(found[-1]) if found else 0

    if done.returncode != 0:
        print(said[-6000:])
        sys.exit(f"fuzz {target}: a finding, in {findings}")
    inputs = last(r"number_of_executed_units: (\d+)")
    if inputs == 0:
        print(said[-6000:])
        sys.exit(f"fuzz {target}: nothing was run")
    print(f"figures: fuzz {target}: {inputs} inputs in {seconds} s, {last(r'cov: ([0-9]+)')} "
          f"edges, {last(r'peak_rss_mb: +([0-9]+)')} MB at most: 0 findings")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints the lines `figures: ...` of a run of ctest, and their sums.

figures.py LOG [--promised]   LOG is ctest's LastTest.log; with --promised it is an error where less
                              was done than what is promised of a run of everything
"""
import re
import sys

PROMISED = {"post-crash states": 1_000_000, "kills with kill -9": 1_000,
            "flipped bits and cuts of a log": 900_000}


def numbers(lines, pattern):
    """Of all lines that match: the groups, as numbers."""
    found = [re.search(pattern, line) for line in lines]
    return [[int(group) for group in match.groups()] for match in found if match]


def total(rows, column=0):
    return sum(row[column] for row in rows)


def sums(lines):
    """What was done: (what, how often, more of it)."""
    states = [line for line in lines if " states (" in line]
    wrong = sum(int(count) for line in states
                for count in re.findall(r"(\d+) (?:lost|torn|hole|resurrected|reused|refused|"
                                        r"not_poisoned|misreported)", line))
    seconds = sum(float(text) for line in states for text in re.findall(r", in ([\d.]+) s:", line))
    done = numbers(states, r"(\d+) states \((\d+) distinct\).* (\d+) of them in recoveries")
    yield ("post-crash states", total(done), f"{total(done, 1)} distinct, from {total(done, 2)} "
           f"places within recoveries; {wrong} wrong; {seconds:.0f} s")

    kills = [line for line in lines if line.startswith("kill -9, ")]
    done = numbers(kills, r": (\d+) kills .* of (\d+) stores, (\d+) batches acknowledged")
    by_engine = []
    for engine, name in (("Rocks", "RocksDB"), ("Lmdb", "LMDB"), ("Memory", "memory")):
        of_engine = numbers([line for line in kills if engine in line], r": (\d+) kills ")
        by_engine.append(f"{total(of_engine)} over {name}")
    sound = sum("nothing lost, torn, invented or out of order" in line for line in kills)
    longest = max((row[0] for row in done if row[1] == 1), default=0)
    yield ("kills with kill -9", total(done), f"{', '.join(by_engine)}; one store lived through "
           f"{longest}; {total(done, 2)} batches acknowledged; {len(kills) - sound} runs wrong")

    done = numbers(lines, r"^system calls of .*: killed at (\d+) and failed at (\d+) points")
    wrong = total(numbers(lines, r"^system calls of .*; (\d+) wrong"))
    yield ("system calls at which a process was killed", total(done),
           f"{total(done, 1)} that failed; {wrong} wrong")

    done = numbers(lines, r"^log of \d+ bytes, .*: (\d+) tried, (\d+) refused, (\d+) cut off and "
                          r"reported, (\d+) as it once was, (\d+) silent")
    yield ("flipped bits and cuts of a log", total(done), f"{total(done, 1)} refused, "
           f"{total(done, 2)} cut off and reported, {total(done, 4)} silent")

    done = numbers(lines, r"^out of memory at each of (\d+) allocations")
    yield ("allocations that failed", total(done), "nothing lost or torn")

    done = numbers(lines, r"^linearizability of .*: (\d+) calls")
    yield ("calls of threads", total(done), "all in order")

    done = numbers(lines, r"^fuzz \w+: (\d+) inputs in (\d+) s")
    yield ("inputs of fuzzers", total(done), f"of {len(done)} fuzzers, in {total(done, 1)} s")

    done = numbers(lines, r"^seeded bugs: (\d+) of the (\d+) tried")
    yield ("seeded bugs killed", total(done), f"of {total(done, 1)} tried")


def main():
    with open(sys.argv[1], encoding="utf-8", errors="replace") as log:
        lines = [line[len("figures: "):].rstrip("\n") for line in log
                 if line.startswith("figures: ")]
    print("\n".join(lines))
    print("\nIn sum:")
    less = []
    for what, count, more in sums(lines):
        if count:
            print(f"  {count:>10,} {what}: {more}")
        if count < PROMISED.get(what, 0):
            less.append(f"{count} {what}, and {PROMISED[what]} are promised")
    if less and "--promised" in sys.argv[2:]:
        sys.exit("less was done than is promised: " + "; ".join(less))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turns the JSON of the benchmarks into bench/RESULTS.md and plots.

Benchmarks are named <goal>/<case>/<candidate>. What is compared is the median over the repetitions,
which bench/run interleaves at random in one process: a drift of the machine hits all alike.
"""
import argparse
import collections
import datetime
import json
import os
import pathlib
import platform
import re
import statistics
import subprocess

import goals
import svg

HIT_RATES = "2_hit_rate"  # the goal whose figures are hit rates, not times
NANOSECONDS = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}
STANDARD_FIELDS = {
    "name", "run_name", "run_type", "repetitions", "repetition_index", "threads", "iterations",
    "real_time", "cpu_time", "time_unit", "family_index", "per_family_instance_index", "label",
    "items_per_second", "bytes_per_second", "error_occurred", "error_message"}


class Candidate:
    """What the repetitions of one benchmark measured."""

    def __init__(self):
        self.nanoseconds = []  # an operation; where items are counted, an item
        self.megabytes = []    # a second, where bytes are counted
        self.counters = collections.defaultdict(list)

    def add(self, run):
        if "items_per_second" in run:
            self.nanoseconds.append(1e9 / run["items_per_second"])
        else:
            self.nanoseconds.append(run["real_time"] * NANOSECONDS[run["time_unit"]])
        if "bytes_per_second" in run:
            self.megabytes.append(run["bytes_per_second"] / 1e6)
        for name in run.keys() - STANDARD_FIELDS:
            if isinstance(run[name], (int, float)):
                self.counters[name].append(run[name])

    @property
    def time(self):
        """Nanoseconds of one unit of work; for what counts bytes, of one byte."""
        return 1e3 / statistics.median(self.megabytes) if self.megabytes else statistics.median(
            self.nanoseconds)

    def counter(self, name):
        return statistics.median(self.counters[name]) if name in self.counters else None


class Results:
    """goal -> case -> candidate, in the order in which they were first seen."""

    def __init__(self):
        self.cases = collections.defaultdict(lambda: collections.defaultdict(dict))
        self.failed = []
        self.runs = []

    def at(self, goal, case, candidate):
        return self.cases[goal][case].setdefault(candidate, Candidate())

    def read(self, path):
        told = json.loads(path.read_text(encoding="utf-8"))
        self.runs.append(f"{path.stem} {told['context']['date'][:16].replace('T', ' ')}")
        for run in told["benchmarks"]:
            if run.get("run_type") == "aggregate":
                continue
            if run.get("error_occurred"):
                self.failed.append(f"{run['name']}: {run['error_message']}")
                continue
            parts = run["run_name"].split("/")
            if len(parts) < 3:
                self.failed.append(f"{run['name']}: is not named <goal>/<case>/<candidate>")
                continue
            goal, case, candidate, *modifiers = parts
            kept = [each for each in modifiers
                    if not re.match(r"(real_time|manual_time|process_time|iterations:.*|"
                                    r"repeats:.*|min_time:.*|threads:1)$", each)]
            self.at(goal, " ".join([case, *kept]), candidate).add(run)

    def read_instructions(self, path):
        for program, counts in json.loads(path.read_text(encoding="utf-8")).items():
            found = self.at("1a", "instructions", program)
            found.counters["layers over raw"].append(counts["layers"] - counts["raw"])
            found.counters["raw"].append(counts["raw"])

    def read_compile_time(self, path):
        seconds = json.loads(path.read_text(encoding="utf-8"))
        for name, taken in seconds.items():
            found = self.at("6", "compile_time", name)
            found.nanoseconds.append(taken * 1e9)
            found.counters["seconds"].append(taken)
            engine = {"varve/adapters/rocksdb.hpp": "rocksdb/db.h and cache, filter, table",
                      "varve/adapters/lmdb.hpp": "lmdb.h and standard headers"}.get(name)
            if engine in seconds:
                found.counters["over engine"].append(taken - seconds[engine])
        few, many = "stack on memory, 1 layer", "stack on memory, 9 layers"
        if few in seconds and many in seconds:
            self.at("6", "compile_time", "one layer more").counters["milliseconds"].append(
                1000 * (seconds[many] - seconds[few]) / 8)

    def figure(self, goal):
        """What was reached of `goal`, or None where it was not measured."""
        cases = self.cases.get(goal.goal, {})
        of = cases.get(goal.case, {}).get(goal.of)
        if goal.kind == "counter":
            return of.counter(goal.counter) if of else None
        others = []
        for name in goal.to.split("|"):
            case, _, candidate = f"{goal.case}/{name}".rpartition("/")
            others.append(cases.get(case.rpartition("/")[2], {}).get(candidate))
        if not of or not all(others):
            return None
        if goal.kind == "counters":
            ours, theirs = of.counter(goal.counter), others[0].counter(goal.counter)
            return ours / theirs if ours and theirs else None
        to = max(other.time for other in others)
        return to / of.time if goal.kind == "times" else of.time / to


def shown(goal, figure):
    return f"{figure:.4g}" if goal.kind == "counter" else f"{figure:.3g}x"


def baseline(candidates):
    for name in candidates:
        if name.startswith("raw"):
            return name
    others = [name for name in candidates if not name.startswith("varve")]
    return others[0] if others else next(iter(candidates))


def first_line(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True,
                              check=True).stdout.splitlines()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return "unknown"


def rocksdb_build():
    """Sync points are compiled in only where assertions are."""
    there = [path for root in ("/usr/local/lib", "/usr/lib", "/usr/lib64")
             for path in sorted(pathlib.Path(root).glob("**/librocksdb.so"))]
    if not there:
        return "no shared library found"
    library = there[0]
    debug = b"SyncPoint" in library.read_bytes()
    kind = "with assertions and sync points (as Debian packages it)" if debug else "release"
    return f"{library.resolve().name}, {kind}"


def machine():
    cpu = "unknown processor"
    for line in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            cpu = line.split(":", 1)[1].strip()
            break
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    system = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    return {
        "Report": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "Processor": f"{cpu}, {os.cpu_count()} cores, {pages / 2**30:.0f} GiB",
        "System": f"{system}, Linux {platform.release()}",
        "Compiler": first_line("g++", "--version") + ", -O2 -DNDEBUG",
        "RocksDB": rocksdb_build(),
    }


def goal_table(results):
    yield "| Goal | What | Asked | Reached | |"
    yield "|---|---|---|---|---|"
    for goal in goals.GOALS:
        figure = results.figure(goal)
        reached = "not measured" if figure is None else shown(goal, figure)
        verdict = "" if figure is None else ("met" if goal.met(figure) else "**missed**")
        yield f"| {goal.goal} | {goal.words} | {goal.bound()} | {reached} | {verdict} |"


def case_table(candidates):
    timed = {name: one for name, one in candidates.items() if one.nanoseconds}
    if not timed:
        for name, one in candidates.items():
            told = ", ".join(f"{key} {one.counter(key):.4g}" for key in sorted(one.counters))
            yield f"- {name}: {told}"
        return
    base = baseline(timed)
    in_bytes = all(one.megabytes for one in timed.values())
    unit = "MB/s" if in_bytes else "ns"
    yield f"| Candidate | {unit}, median | least to most | time to {base} | |"
    yield "|---|---:|---:|---:|---|"
    for name, one in timed.items():
        values = one.megabytes if in_bytes else one.nanoseconds
        notes = ", ".join(f"{key} {one.counter(key):.4g}" for key in sorted(one.counters))
        yield (f"| {name} | {statistics.median(values):.4g} | {min(values):.4g} to "
               f"{max(values):.4g} | {one.time / timed[base].time:.3f} | {notes} |")


def plot(cases):
    """One chart of every timed case of a goal, and its unit; None where nothing was timed."""
    groups = []
    for case, candidates in cases.items():
        rows = []
        for name, one in candidates.items():
            values = one.nanoseconds
            if values:
                rows.append((name, statistics.median(values) / 1e3, min(values) / 1e3,
                             max(values) / 1e3, name.startswith(("varve", "bulk", "sorting"))))
        if rows:
            groups.append((case, rows))
    return svg.bars(groups, "us") if groups else None


def ours(candidate):
    return candidate.startswith("varve")


def candidates_of(cases):
    return list(dict.fromkeys(name for candidates in cases.values() for name in candidates))


def plot_over_threads(cases):
    """Operations a second over the number of threads, of the cases that ran with several."""
    by_name = collections.defaultdict(dict)
    for case, candidates in cases.items():
        name, _, threads = case.partition(" threads:")
        if threads.isdigit() or not threads:
            by_name[name][int(threads or 1)] = candidates
    groups = []
    for name, runs in by_name.items():
        if len(runs) < 2:
            continue
        threads = sorted(runs)
        series = [(candidate, [1e6 / runs[count][candidate].time if candidate in runs[count]
                               else None for count in threads], ours(candidate))
                  for candidate in candidates_of(runs)]
        groups.append((name, threads, [one for one in series
                                       if sum(y is not None for y in one[1]) > 1]))
    return svg.lines(groups, "threads", "thousands a second") if groups else None


def by_trace(cases):
    """trace -> size in per cent of its keys -> candidate -> hit rate."""
    traces = collections.defaultdict(dict)
    for case, candidates in cases.items():
        trace, _, percent = case.rpartition("_")
        traces[trace][int(percent)] = {name: one.counter("hit_rate")
                                       for name, one in candidates.items()}
    return traces


def hit_rate_table(cases):
    names = candidates_of(cases)
    yield "| Trace | Cache, % of its keys | " + " | ".join(names) + " |"
    yield "|---|---:|" + "---:|" * len(names)
    for trace, sizes in by_trace(cases).items():
        for percent, rates in sorted(sizes.items()):
            row = [f"{rates[name]:.3f}" if name in rates else "" for name in names]
            yield f"| {trace} | {percent} | " + " | ".join(row) + " |"


def plot_hit_rates(cases):
    groups = []
    for trace, sizes in by_trace(cases).items():
        percents = sorted(sizes)
        groups.append((trace, percents, [
            (name, [sizes[percent].get(name) for percent in percents], ours(name))
            for name in candidates_of(cases)]))
    return svg.lines(groups, "% of the keys", "hit rate")


def write(results, arguments):
    out = arguments.out
    (out / "plots").mkdir(parents=True, exist_ok=True)
    lines = ["# Results", "", "Written by `bench/run`. " + (
        "**A quick run: for a first look, not for claims.** " if arguments.quick else "") +
        "Times drift with the machine; only ratios within one run are claims.", ""]
    lines += [f"- {what}: {it}" for what, it in machine().items()]
    lines += [f"- Repetitions: {arguments.repetitions}, interleaved at random; medians",
              f"- Load when it began: {arguments.load}",
              f"- Measured: {', '.join(results.runs) or 'nothing'}", "", "## Goals", ""]
    lines += goal_table(results)
    for goal in sorted(results.cases):
        lines += ["", f"## {goal}"]
        if goal == HIT_RATES:
            (out / "plots" / f"{goal}.svg").write_text(plot_hit_rates(results.cases[goal]),
                                                       encoding="utf-8")
            lines += ["", f"![{goal}](plots/{goal}.svg)", "", *hit_rate_table(results.cases[goal])]
            continue
        over_threads = plot_over_threads(results.cases[goal])
        if over_threads:
            (out / "plots" / f"{goal}_threads.svg").write_text(over_threads, encoding="utf-8")
            lines += ["", f"![{goal} over threads](plots/{goal}_threads.svg)"]
        chart = plot(results.cases[goal])
        if chart:
            (out / "plots" / f"{goal}.svg").write_text(chart, encoding="utf-8")
            lines += ["", f"![{goal}](plots/{goal}.svg)"]
        for case, candidates in results.cases[goal].items():
            lines += ["", f"### {case}", "", *case_table(candidates)]
    if results.failed:
        lines += ["", "## Failed", "", *[f"- {words}" for words in results.failed]]
    (out / "RESULTS.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(goal_table(results)))
    print(f"\n{out / 'RESULTS.md'}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("json", type=pathlib.Path, help="a folder of Google Benchmark's JSON")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--repetitions", required=True)
    parser.add_argument("--load", default="unknown")
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()

    results = Results()
    for path in sorted(arguments.json.glob("*.json")):
        if path.name == "compile_time.json":
            results.read_compile_time(path)
        elif path.name == "instructions.json":
            results.read_instructions(path)
        else:
            results.read(path)
    write(results, arguments)
    for words in results.failed:
        print(f"FAILED: {words}")
    raise SystemExit(1 if results.failed else 0)


if __name__ == "__main__":
    main()

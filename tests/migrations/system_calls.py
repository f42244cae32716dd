#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills a small migration at each of its system calls that write, and the program that goes on with
it at another one; then the store must be on its way, and come to its end to the byte.

system_calls.py SCENARIO-PROGRAM ENGINE [--every N] [--jobs N]

Needs strace, and the right to trace; without them it says SKIPPED and exits with 77.
"""
import argparse
import collections
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "kill"))
import system_calls as kill  # pylint: disable=wrong-import-position

SCENARIOS = ("forward", "back")
# The files that have the records. RocksDB writes to many others while it opens.
DATA = re.compile(r"(data\.mdb|/\d+\.log)$")


class Lane:
    def __init__(self, program, engine, scenario, folder):
        self.program, self.engine, self.scenario = program, engine, scenario
        self.folder = pathlib.Path(folder) / scenario
        self.folder.mkdir()
        self.prepared = self.folder / "prepared"
        made = self.run("prepare", self.prepared)
        if made.returncode != 0:
            sys.exit(f"{engine} {scenario}: it cannot be prepared: {made.stdout} {made.stderr}")

    def run(self, what, directory, tracing=()):
        return subprocess.run(
            [*tracing, self.program, self.engine, self.scenario, what, str(directory)],
            capture_output=True, text=True, check=False, timeout=kill.PATIENCE)

    def kill_at(self, directory, point):
        call, k = point
        return self.run("run", directory, [
            "strace", "-f", "-qq", "-e", "signal=none", "-e", f"trace={call}", "-e",
            f"inject={call}:signal=KILL:when={k}", "-o", "/dev/null"])

    def points(self):
        """Every place of a thread's row of each system call, in the order of the run, and whether
        it is a call to a file of records."""
        directory = self.folder / "count"
        shutil.copytree(self.prepared, directory)
        log = self.folder / "count.log"
        traced = self.run("run", directory, ["strace", "-f", "-qq", "-y", "-e",
                                             f"trace={kill.CALLS}", "-o", str(log)])
        if traced.returncode != 0:
            sys.exit(f"{self.engine} {self.scenario}: fails untouched: {traced.stdout}")
        rows = collections.Counter()
        points = {}
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
            found = kill.LINE.match(line)
            # What it says is no part of the store.
            if not found or (found[3] or "").startswith("pipe:"):
                continue
            thread, call, path = found.groups()
            rows[thread, call] += 1
            points.setdefault((call, rows[thread, call]), DATA.search(path or "") is not None)
        return points

    def try_point(self, first, second):
        """What is wrong after a kill, and another one while it goes on; and what was found."""
        directory = self.folder / f"{first[0]}.{first[1]}"
        where = f"{self.engine} {self.scenario}: killed at {first[0]} number {first[1]}"
        kills = 0
        try:
            shutil.copytree(self.prepared, directory)
            for point in (first, second):
                if self.kill_at(directory, point).returncode != 0:
                    kills += 1
            where += f", then at {second[0]} number {second[1]}"
            judged = self.run("judge", directory)
            if judged.returncode != 0:
                return f"{where}: {judged.stdout.strip()} {judged.stderr.strip()[-300:]}", kills, ""
            return None, kills, judged.stdout.split("\n")[0].removeprefix("found ")
        except subprocess.TimeoutExpired:
            return f"{where}: it hangs for more than {kill.PATIENCE} s", kills, ""
        finally:
            shutil.rmtree(directory, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("program")
    parser.add_argument("engine")
    parser.add_argument("--every", type=int, default=1,
                        help="take one point in N, and of those at records four times as many")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    args = parser.parse_args()
    kill.probe()
    wrong = []
    with tempfile.TemporaryDirectory(prefix="varve-migrations-") as folder:
        for scenario in SCENARIOS:
            lane = Lane(args.program, args.engine, scenario, folder)
            known = lane.points()
            points = list(known)
            chosen = [p for p in points if known[p]][::max(1, args.every // 4)]
            chosen += [p for p in points if not known[p]][::args.every]
            # Another place in the program that goes on: far from the first, and never the same.
            seconds = [points[(7 * i + 3) % len(points)] for i in range(len(chosen))]
            kills = 0
            places = collections.Counter()
            with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
                for verdict, killed, found in pool.map(lane.try_point, chosen, seconds):
                    kills += killed
                    if verdict:
                        wrong.append(verdict)
                    else:
                        places[found] += 1
            part = "all of them" if args.every == 1 else f"one in {args.every}, or four"
            found = ", ".join(f"{count} {place}" for place, count in places.items())
            print(f"figures: system calls of a migration {scenario} over {args.engine}: {kills} "
                  f"kills at {len(chosen)} of {len(points)} calls that write, {part}, and in what "
                  f"went on; the store was found {found}; {len(wrong)} wrong")
            if kills < len(chosen):
                wrong.append(f"{args.engine} {scenario}: of {len(chosen)} points only {kills} met")
    for sentence in wrong:
        print(sentence)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()

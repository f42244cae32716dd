#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills or fails a small program at each of its system calls that write, and judges the store.

system_calls.py SCENARIO-PROGRAM STACK [--every N] [--jobs N]

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

CALLS = ("write,pwrite64,writev,pwritev,pwritev2,fsync,fdatasync,sync_file_range,msync,rename,"
         "renameat,renameat2,unlink,unlinkat,ftruncate,fallocate,mkdir,mkdirat,link,linkat")
SYNCS = ("fsync", "fdatasync", "msync")
# Of which call is failed how. A result without an error replaces the call: nothing was written and
# it says so, which is the shortest of short writes.
FAULTS = [(call, f"error={code}") for code in ("EIO", "ENOSPC")
          for call in ("fsync", "fdatasync", "msync", "pwrite64", "pwritev", "rename", "ftruncate")]
FAULTS += [("pwrite64", "retval=0"), ("pwritev", "retval=0"), ("fsync", "error=EINTR"),
           ("fdatasync", "error=EINTR"), ("pwrite64", "error=EINTR")]
# Files whose lost sync loses what was promised. Below a log it may fail unheard while a store is
# closed: the log stays.
PROMISING = re.compile(r"(data\.mdb|/\d+\.log)$")
PROMISING_IN_LOG = re.compile(r"/wal/\d+\.log$")
LINE = re.compile(r"^(\d+)\s+(\w+)\((?:\d+<([^>]*)>)?")
SCENARIOS = ("put", "batch", "checkpoint", "recover")
# Of a store that is opened and read to its end. A result without an error is a file that seems to
# end there, which the log must not believe; RocksDB and LMDB do.
READS = "pread64,preadv,read"
READ_FAULTS = ("error=EIO", "error=EINTR", "retval=0")
PATIENCE = 60


def skip(why):
    print(f"!! SKIPPED: tests/kill/system_calls.py: {why}")
    sys.exit(77)


def probe():
    if shutil.which("strace") is None:
        skip("strace is not installed")
    tried = subprocess.run(["strace", "-f", "-qq", "-e", "inject=fsync:error=EIO", "true"],
                           capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        skip("strace may not trace here: " + tried.stderr.strip().splitlines()[-1])


def acked_before(said, word):
    """The last batch acknowledged before `word` was said."""
    before = said[:said.index(word)]
    return max([int(n) for ack, n in zip(before, before[1:]) if ack == "ack"], default=0)


class Lane:
    def __init__(self, program, stack, folder):
        self.program, self.stack, self.folder = program, stack, pathlib.Path(folder)
        self.environment = dict(os.environ, ASAN_OPTIONS="detect_leaks=0")
        self.prepared = self.folder / "prepared"
        self.run("prepare", self.prepared, check=True)

    def run(self, scenario, directory, tracing=(), check=False):
        return subprocess.run([*tracing, self.program, self.stack, scenario, str(directory)],
                              capture_output=True, text=True, env=self.environment, check=check,
                              timeout=PATIENCE)

    def fresh(self, scenario, name):
        directory = self.folder / name
        if scenario in ("recover", "judge"):
            shutil.copytree(self.prepared, directory)
        return directory

    def count(self, scenario, calls=CALLS):
        """Of each system call, for each place in a thread's row of them, the file that it is on."""
        directory = self.fresh(scenario, f"{scenario}.count")
        log = self.folder / f"{scenario}.log"
        traced = self.run(scenario, directory, ["strace", "-f", "-qq", "-y", "-e", f"trace={calls}",
                                                "-o", str(log)])
        if traced.returncode != 0:
            sys.exit(f"{self.stack} {scenario}: fails untouched: {traced.stdout} {traced.stderr}")
        rows = collections.Counter()
        files = collections.defaultdict(dict)
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
            found = LINE.match(line)
            if not found:
                continue
            thread, call, path = found.groups()
            rows[thread, call] += 1
            files[call].setdefault(rows[thread, call], path or "")
        return files

    def point(self, scenario, call, fault, k, path):
        """Runs the scenario with a fault at the k-th call of a thread. What is wrong, or None."""
        name = re.sub(r"\W", "_", f"{scenario}.{call}.{fault}.{k}")
        directory = self.fresh(scenario, name)
        where = f"{self.stack} {scenario}: {fault} at {call} number {k} ({path or 'no file'})"
        try:
            run = self.run(scenario, directory, [
                "strace", "-f", "-qq", "-e", "signal=none", "-e", f"trace={call}", "-e",
                f"inject={call}:{fault}:when={k}", "-o", "/dev/null"])
            return self.judge(scenario, directory, where, run, call, fault, path)
        except subprocess.TimeoutExpired:
            return f"{where}: it hangs for more than {PATIENCE} s"
        finally:
            shutil.rmtree(directory, ignore_errors=True)
            shutil.rmtree(f"{directory}.copy", ignore_errors=True)

    def read_point(self, call, fault, k, path):
        """Reads the prepared store with a fault at the k-th call. What is wrong, or None."""
        directory = self.fresh("judge", re.sub(r"\W", "_", f"read.{call}.{fault}.{k}"))
        where = f"{self.stack} read: {fault} at {call} number {k} ({path})"
        try:
            run = self.run("judge", directory, [
                "strace", "-f", "-qq", "-e", "signal=none", "-e", f"trace={call}", "-e",
                f"inject={call}:{fault}:when={k}", "-o", "/dev/null"])
            if run.returncode not in (0, 3):
                return f"{where}: {run.stdout.strip()} {run.stderr.strip()[-300:]}"
            if run.returncode == 0 and "found 5" not in run.stdout:
                return f"{where}: of 5 batches it says {run.stdout.strip()}"
            again = self.run("judge", directory)
            if "found 5" not in again.stdout:
                return f"{where}: and then {again.stdout.strip()} {again.stderr.strip()[-300:]}"
        except subprocess.TimeoutExpired:
            return f"{where}: it hangs for more than {PATIENCE} s"
        finally:
            shutil.rmtree(directory, ignore_errors=True)
        return None

    def judge(self, scenario, directory, where, run, call, fault, path):
        said = run.stdout.split()
        acked = [int(n) for word, n in zip(said, said[1:]) if word == "ack"]
        start = 5 if scenario == "recover" else 0
        killed = fault.startswith("signal")
        if not killed and run.returncode not in (0, 3):
            return f"{where}: it ends with {run.returncode}: {run.stderr.strip()[-300:]}"
        # What is promised by a scenario of buffered writes, a flush after each second one.
        promised = [n for n in acked if killed or scenario != "batch" or n % 2 == 0]
        judged = self.run("judge", directory)
        if judged.returncode != 0:
            return f"{where}: afterwards the store is wrong: {judged.stdout}{judged.stderr[-300:]}"
        found = int(judged.stdout.split()[1])
        if found < max(promised, default=start):
            return f"{where}: {max(promised)} batches acknowledged, {found} there"
        sent = start + {"put": 4, "batch": 4, "checkpoint": 3, "recover": 2}[scenario]
        if found > sent:
            return f"{where}: {sent} batches sent, {found} there"
        lost_sync = call in SYNCS and fault in ("error=EIO", "error=ENOSPC")
        promising = PROMISING_IN_LOG if "Wal<" in self.stack else PROMISING
        if lost_sync and promising.search(path) and "error" not in said:
            return f"{where}: a sync failed and nobody was told"
        if "copied" in said and self.copy_is_wrong(directory, acked_before(said, "copied")):
            return f"{where}: the checkpoint that was acknowledged is wrong"
        return None

    def copy_is_wrong(self, directory, acked):
        """A checkpoint is the engine's directory; a store is one around it."""
        store = pathlib.Path(f"{directory}.store")
        engine = next((d.name for d in directory.iterdir() if d.is_dir() and d.name != "wal"), None)
        store.mkdir()
        shutil.copytree(f"{directory}.copy", store / engine)
        judged = self.run("judge", store)
        shutil.rmtree(store, ignore_errors=True)
        return judged.returncode != 0 or int(judged.stdout.split()[1]) < acked


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("stack")
    parser.add_argument("--every", type=int, default=1, help="take one point in N")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    args = parser.parse_args()
    probe()
    wrong = []
    kills = faults = 0
    with tempfile.TemporaryDirectory(prefix="varve-system-calls-") as folder:
        lane = Lane(args.program, args.stack, folder)
        points = []
        for scenario in SCENARIOS:
            files = lane.count(scenario)
            plan = [(call, "signal=KILL") for call in files]
            plan += [(call, fault) for call, fault in FAULTS if call in files]
            points += [(scenario, call, fault, k, path) for call, fault in plan
                       for k, path in sorted(files[call].items())]
        chosen = points[::args.every]
        with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
            for point, verdict in zip(chosen, pool.map(lambda p: lane.point(*p), chosen)):
                killed = point[2] == "signal=KILL"
                kills, faults = kills + killed, faults + (not killed)
                if verdict:
                    wrong.append(verdict)
            reads = [(call, fault, k, path)
                     for call, places in lane.count("judge", READS).items()
                     for k, path in sorted(places.items()) if path.startswith(folder)
                     for fault in READ_FAULTS
                     if fault != "retval=0" or PROMISING_IN_LOG.search(path)][::args.every]
            wrong += filter(None, pool.map(lambda p: lane.read_point(*p), reads))
    for sentence in wrong:
        print(sentence)
    part = "all of them" if args.every == 1 else f"one in {args.every}"
    print(f"figures: system calls of {args.stack}: killed at {kills} and failed at {faults} "
          f"points, {part}, in the scenarios {', '.join(SCENARIOS)}, and {len(reads)} reads; "
          f"{len(wrong)} wrong")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()

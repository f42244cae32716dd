#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads what a program wrote into a log with read_log.py, and compares it with what the program
says that it wrote; then damages the log, and expects the reader to say so.

second_reader.py PROGRAM   PROGRAM is that of tests/wal/write_log.cpp
"""
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

import read_log
from read_log import Damage

FLIPS, CUTS = 150, 40


def check(holds, what):
    if not holds:
        sys.exit(f"second reader: {what}")


def show(data):
    return "x" + (data or b"").hex()


def words(entry):
    """An entry in the words of the program."""
    found = [read_log.KINDS[entry.kind], str(entry.sequence)]
    if entry.kind == read_log.OPEN_TREE:
        return found + [str(entry.trees()[0]), show(entry.tree_name())]
    if entry.kind == read_log.DROP_TREE:
        return found + [str(entry.trees()[0])]
    for tree in entry.trees():
        found += ["drop", str(tree)]
    for name, tree, key, value in entry.operations():
        found += [name, str(tree), show(key), show(value)]
    return found


def of_the_store_itself(entry):
    """Whether it is about reserved trees only, which the program does not speak of."""
    trees = entry.trees() + [operation[1] for operation in entry.operations()]
    return all(tree & read_log.RESERVED for tree in trees)


def compare(said, log, store):
    """Says where the log, or the store that it makes, is not what the program says."""
    wrote = {int(line[1]): line for line in said if line[0] in read_log.KINDS.values()}
    for entry in log.entries:
        line = wrote.pop(entry.sequence, None)
        if line is None and not of_the_store_itself(entry):
            return f"nobody wrote {' '.join(words(entry))[:200]}"
        if line is not None and line != words(entry):
            return f"{' '.join(line)[:200]} was written, read is {' '.join(words(entry))[:200]}"
    missing = [sequence for sequence in wrote if sequence >= log.entries[0].sequence]
    if missing:
        return f"{len(missing)} entries were written and are not read"
    if store is None:
        return None
    there = sorted(["tree", str(tree), show(name)] for tree, name in store.names.items())
    there += sorted(["record", str(tree), show(key), show(value)]
                    for tree, records in store.records.items() for key, value in records.items())
    wanted = sorted(line for line in said if line[0] == "tree")
    wanted += sorted(line for line in said if line[0] == "record")
    return None if there == wanted else "the records are not those of the program"


def damage(folder, said, generator):
    """Flips bits and cuts files of a copy; counts what the reader makes of it."""
    log = read_log.read_log(folder)
    end = {segment.path.name: read_log.SEGMENT_HEAD.size for segment in log.segments}
    last_entry = None
    place, expected = 0, log.segments[0].first
    for index, segment in enumerate(log.segments):
        while place < len(log.entries) and (
                index + 1 == len(log.segments) or expected < log.segments[index + 1].follows):
            last_entry = log.entries[place]
            end[segment.path.name] += last_entry.size
            place, expected = place + 1, expected + 1
    counts = {"damage": 0, "torn tail": 0, "cut clean": 0}
    silent = []
    total = sum(end.values())
    for trial in range(FLIPS + CUTS):
        at = generator.randrange(total)
        for segment in log.segments:
            if at < end[segment.path.name]:
                break
            at -= end[segment.path.name]
        data = bytearray(segment.data)
        cut = trial >= FLIPS
        if cut:
            del data[at:]
        else:
            data[at] ^= 1 << generator.randrange(8)
        segment.path.write_bytes(data)
        what = f"{'cut at' if cut else 'a bit of'} byte {at} of {segment.path.name}"
        try:
            found = read_log.read_log(folder)
            lost = len(log.entries) - len(found.entries)
            of_last = segment is log.segments[-1]
            if not of_last or compare(said, found, None) is None:
                silent.append(f"{what} makes no difference")
            elif found.torn_tail:
                counts["torn tail"] += 1
            elif cut:
                counts["cut clean"] += 1
            else:
                silent.append(f"{what} lost {lost} entries, and no tail is torn")
        except Damage:
            counts["damage"] += 1
        segment.path.write_bytes(segment.data)
    check(not silent, f"{len(silent)} times it was not seen: {silent[:3]}")
    return counts


def torn_tail(folder):
    """Cuts within the last entry: it is gone, everything else there, and it is told."""
    log = read_log.read_log(folder)
    segment, size = log.segments[-1], log.entries[-1].size
    end = log.end
    check(end > size, "the last segment has no entry")
    for gone in (1, size // 2, size - 5):
        segment.path.write_bytes(segment.data[:end - gone] + bytes(gone))
        found = read_log.read_log(folder)
        check(found.torn_tail and found.discarded_bytes > 0, f"a tail without {gone} is not told")
        check(len(found.entries) + 1 == len(log.entries), f"a tail without {gone} costs more")
    segment.path.write_bytes(segment.data)


def image_damage(folder, generator):
    path = folder / "image"
    sound = path.read_bytes()
    for _ in range(40):
        data = bytearray(sound)
        if generator.randrange(4) == 0:
            del data[generator.randrange(len(data)):]
        else:
            data[generator.randrange(len(data))] ^= 1 << generator.randrange(8)
        path.write_bytes(data)
        try:
            read_log.read_image(folder)
        except Damage:
            continue
        sys.exit("second reader: a damaged image is not seen")
    path.write_bytes(sound)


def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    generator = random.Random(1)
    entries = operations = 0
    totals = {}
    with tempfile.TemporaryDirectory(prefix="varve-second-reader-") as name:
        for seed, (stack, what) in enumerate((("Wal<MemoryAdapter>", "whole"),
                                              ("Wal<MemoryAdapter>", "image"),
                                              ("Wal<LmdbAdapter>", "whole")), 1):
            folder = pathlib.Path(name) / "store"
            done = subprocess.run([program, stack, what, folder, str(seed)], capture_output=True,
                                  text=True, check=False)
            check(done.returncode == 0, f"{stack} {what}: {done.stderr}")
            said = [line.split() for line in done.stdout.splitlines()]
            log = read_log.read_log(folder / "wal")
            store = None
            if "Memory" in stack:
                log, store = read_log.read_store(folder / "wal")
            difference = compare(said, log, store)
            check(difference is None, f"{stack} {what}: {difference}")
            check(not log.torn_tail, f"{stack} {what}: a tail is torn that is not")
            check(len(log.entries) > 100, f"{stack} {what}: only {len(log.entries)} entries")
            check(len(log.segments) > 1, f"{stack} {what}: only one segment")
            check((folder / "wal/image").exists() == (what == "image"), f"{stack} {what}: no image")
            entries += len(log.entries)
            operations += sum(len(entry.operations()) for entry in log.entries)
            torn_tail(folder / "wal")
            for word, count in damage(folder / "wal", said, generator).items():
                totals[word] = totals.get(word, 0) + count
            if what == "image":
                image_damage(folder / "wal", generator)
            shutil.rmtree(folder)
    print(f"figures: a second reader of the log: {entries} entries, {operations} operations as "
          f"written; {3 * FLIPS} flipped bits, {3 * CUTS} cuts: " +
          ", ".join(f"{count} {word}" for word, count in totals.items()) + ", 0 silent")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A second reader of the log, written from docs/formats/wal.md, wal-image.md and batch.md alone.

read_log.py DIRECTORY   reads and checks the log in DIRECTORY (a store's `wal/`), prints a report;
                        ends with 1 where the log is damaged, 3 where it has a torn tail
"""
import dataclasses
import pathlib
import re
import struct
import sys

SEGMENT_HEAD = struct.Struct("<8sIIQQQQQII")
BLOCK = 4096
ENTRY_HEAD = struct.Struct("<IIQQIB3s")
BATCH, OPEN_TREE, DROP_TREE, BATCH_AND_DROP = 1, 2, 3, 4
KINDS = {BATCH: "batch", OPEN_TREE: "open_tree", DROP_TREE: "drop_tree",
         BATCH_AND_DROP: "batch_and_drop"}
RESERVED = 1 << 31


class Damage(Exception):
    """The log is not what the page allows."""


def crc32c_table():
    table = []
    for number in range(256):
        for _ in range(8):
            number = (number >> 1) ^ (0x82F63B78 if number & 1 else 0)
        table.append(number)
    return table


TABLE = crc32c_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


# --- A batch ----------------------------------------------------------------------------------

class Bytes:
    """Takes numbers and texts from the front of some bytes."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def left(self):
        return len(self.data) - self.at

    def take(self, size):
        if size > self.left():
            raise Damage(f"{size} bytes are named and {self.left()} are there")
        self.at += size
        return self.data[self.at - size:self.at]

    def number(self):
        value = 0
        for place in range(5):
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << (7 * place)
            if byte < 0x80:
                if (byte == 0 and place > 0) or value >= 1 << 32:
                    raise Damage("a number is longer than it can be")
                return value
        raise Damage("a number does not end")

    def tree(self):
        number = self.number()
        return (number >> 1) | (RESERVED if number & 1 else 0)

    def text(self):
        return self.take(self.number())


def operations(data):
    """The operations of a batch: (name, tree, key or first, value or last)."""
    source, found = Bytes(data), []
    while source.left():
        kind = source.take(1)[0]
        if kind not in (1, 2, 3, 4):
            raise Damage(f"a batch has an operation {kind}")
        tree, key = source.tree(), source.text()
        if kind == 1:
            found.append(("put", tree, key, source.text()))
        elif kind == 2:
            found.append(("erase", tree, key, None))
        elif kind == 3:
            found.append(("erase_range", tree, key, source.text()))
            if found[-1][3] <= key:
                raise Damage("a batch erases an empty interval")
        else:
            found.append(("erase_from", tree, key, None))
        if kind in (1, 2) and not key:
            raise Damage("a batch has an empty key")
    return found


# --- Segments and entries ---------------------------------------------------------------------

@dataclasses.dataclass
class Segment:
    path: pathlib.Path
    data: bytes
    log: int
    name: bytes
    number: int
    first: int
    follows: int
    recycled: int


@dataclasses.dataclass
class Entry:
    sequence: int
    kind: int
    payload: bytes
    size: int
    durable: int

    def trees(self):
        """The ids of trees that a batch_and_drop or drop_tree drops, or an open_tree makes."""
        if self.kind == BATCH_AND_DROP:
            source = Bytes(self.payload)
            count = int.from_bytes(source.take(4), "little")
            return [int.from_bytes(source.take(4), "little") for _ in range(count)]
        if self.kind in (OPEN_TREE, DROP_TREE):
            return [int.from_bytes(Bytes(self.payload).take(4), "little")]
        return []

    def tree_name(self):
        return self.payload[4:]

    def operations(self):
        if self.kind == BATCH:
            return operations(self.payload)
        if self.kind == BATCH_AND_DROP:
            return operations(self.payload[4 + 4 * len(self.trees()):])
        return []


def read_segment_head(path, data):
    """The segment, or None where it has no good head."""
    if len(data) < SEGMENT_HEAD.size:
        return None
    (magic, version, zero, log, _, number, first, follows, recycled,
     checksum) = SEGMENT_HEAD.unpack_from(data)
    if crc32c(data[:60]) != checksum or magic != b"varvelog" or zero or recycled > 1:
        return None
    if version != 1:
        raise Damage(f"{path.name} has version {version} of the format, and 1 is what is known")
    if number != int(path.stem):
        raise Damage(f"{path.name} says that it is segment {number}")
    return Segment(path, data, log, data[24:32], number, first, follows, recycled)


def head_at(segment, at):
    """The head of an entry at `at`, or None where none of this segment stands there."""
    data = segment.data
    if at + ENTRY_HEAD.size > len(data) or data[at + 28] not in KINDS or any(data[at + 29:at + 32]):
        return None
    head = ENTRY_HEAD.unpack_from(data, at)
    return head if crc32c(segment.name + data[at + 4:at + 32]) == head[0] else None


def entry_at(segment, at, expected):
    head = head_at(segment, at)
    if head is None:
        return None
    _, checksum, sequence, durable, size, kind, _ = head
    begin = at + ENTRY_HEAD.size
    payload = segment.data[begin:begin + size]
    if sequence != expected or len(payload) != size or crc32c(payload) != checksum:
        return None
    return Entry(sequence, kind, payload, ENTRY_HEAD.size + size, durable)


def next_entry(segment, at, expected):
    """The entry with the expected sequence and where it is: at `at`, or behind zeros where the
    next block begins."""
    block = -(-at // BLOCK) * BLOCK
    entry = entry_at(segment, at, expected)
    if entry is None and not any(segment.data[at:block]):
        at, entry = block, entry_at(segment, block, expected)
    return at, entry


def cut_short(segment, at, expected):
    """How many bytes behind the end are known to be of a write that was cut short."""
    end = at + len(segment.data[at:at + ENTRY_HEAD.size if segment.recycled else None]
                   .rstrip(b"\0"))
    for place in range(at, len(segment.data)):
        head = head_at(segment, place)
        if head and head[2] >= expected:
            if head[3] >= expected:
                raise Damage(f"sequence {expected} was on disk, and {segment.path.name} lacks it")
            end = max(end, min(place + ENTRY_HEAD.size + head[4], len(segment.data)))
    return end - at


@dataclasses.dataclass
class Log:
    segments: list
    entries: list
    bytes: int = 0
    torn_tail: bool = False
    discarded_bytes: int = 0
    end: int = 0
    next_sequence: int = 0


def read_segments(directory):
    paths = sorted(path for path in directory.iterdir()
                   if re.fullmatch(r"\d{20}\.log", path.name))
    segments = []
    for path in paths:
        data = path.read_bytes()
        segment = read_segment_head(path, data)
        if segment is None:
            if path is not paths[-1] or any(data[SEGMENT_HEAD.size:]):
                raise Damage(f"{path.name} has no good head")
            continue
        if segments and segment.log != segments[0].log:
            raise Damage(f"{path.name} is of another log")
        segments.append(segment)
    return segments


def read_log(directory):
    """Reads and checks the log in a directory. Throws Damage."""
    log = Log(read_segments(pathlib.Path(directory)), [])
    if not log.segments:
        return log
    expected = log.segments[0].first
    for index, segment in enumerate(log.segments):
        last = index + 1 == len(log.segments)
        if index and segment.follows != expected:
            raise Damage(f"{segment.path.name} follows {segment.follows} and not {expected}")
        if segment.first < segment.follows:
            raise Damage(f"{segment.path.name} begins before the end of those before it")
        expected, at = segment.first, SEGMENT_HEAD.size
        while last or log.segments[index + 1].follows != expected:
            place, entry = next_entry(segment, at, expected)
            if entry is None:
                break
            entry.trees(), entry.operations()
            log.entries.append(entry)
            log.bytes += entry.size
            at = place + entry.size
            expected += 1
        else:
            continue
        if not last:
            raise Damage(f"{segment.path.name} lacks sequence {expected}")
        log.end, log.discarded_bytes = at, cut_short(segment, at, expected)
        log.torn_tail = log.discarded_bytes > 0
    log.next_sequence = expected
    return log


# --- The image, and what both together hold ---------------------------------------------------

@dataclasses.dataclass
class Store:
    """What a volatile engine holds: trees by id, their names and records."""
    sequence: int = 0
    names: dict = dataclasses.field(default_factory=dict)
    records: dict = dataclasses.field(default_factory=dict)
    dropped: set = dataclasses.field(default_factory=set)

    def apply(self, each):
        for name, tree, key, value in each:
            if tree not in self.records:
                if tree in self.dropped:
                    continue
                raise Damage(f"an operation on tree {tree}, which there is not")
            records = self.records[tree]
            if name == "put":
                records[key] = value
            elif name == "erase":
                records.pop(key, None)
            else:
                for there in list(records):
                    if there >= key and (name == "erase_from" or there < value):
                        del records[there]

    def drop(self, tree):
        self.names.pop(tree, None)
        self.records.pop(tree, None)

    def replay(self, log):
        for entry in log.entries:
            if entry.kind in (DROP_TREE, BATCH_AND_DROP):
                self.dropped.update(entry.trees())
        for entry in log.entries:
            if entry.sequence <= self.sequence:
                continue
            self.apply(entry.operations())
            for tree in entry.trees():
                if entry.kind == OPEN_TREE:
                    self.names[tree], self.records[tree] = entry.tree_name(), {}
                else:
                    self.drop(tree)
            self.sequence = entry.sequence


def image_blocks(data):
    source, number = Bytes(data), 0
    while source.left():
        size, checksum = struct.unpack("<QI", source.take(12))
        payload = source.take(size)
        if crc32c(struct.pack("<QQ", number, size) + payload) != checksum:
            raise Damage(f"block {number} of the image is damaged")
        number += 1
        yield payload
        if number > 1 and not payload:
            break
    else:
        raise Damage("the image does not end")
    if source.left():
        raise Damage("the image goes on after its end")


def read_image(directory):
    """What the image holds: an empty store where there is none. Throws Damage."""
    store, path = Store(), pathlib.Path(directory) / "image"
    if not path.exists():
        return store
    blocks = list(image_blocks(path.read_bytes()))
    head = Bytes(blocks[0])
    if head.take(14) != b"varve-image 2\n":
        raise Damage("the image is of another format")
    store.sequence, last_number = struct.unpack("<QI", head.take(12))
    for number in range(1, last_number + 1):
        name = head.take(*struct.unpack("<I", head.take(4)))
        if name:
            tree = number | (RESERVED if name.startswith(b"varve.") else 0)
            store.names[tree], store.records[tree] = name, {}
    if head.left():
        raise Damage("the head of the image goes on after its end")
    for block in blocks[1:]:
        store.apply(operations(block))
    return store


def read_store(directory):
    """The log, and what a volatile engine holds after it. Throws Damage."""
    log, store = read_log(directory), read_image(directory)
    store.replay(log)
    return log, store


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    directory = pathlib.Path(sys.argv[1])
    try:
        log = read_log(directory)
        image = read_image(directory)
    except (Damage, OSError) as damage:
        print(f"DAMAGED: {damage}")
        sys.exit(1)
    for segment in log.segments:
        print(f"segment {segment.path.name}: from sequence {segment.first}, after "
              f"{segment.follows}, {len(segment.data)} bytes")
    if image.sequence:
        print(f"image: of sequence {image.sequence}, {len(image.names)} trees, "
              f"{sum(map(len, image.records.values()))} records")
    for kind, name in KINDS.items():
        of_kind = [entry for entry in log.entries if entry.kind == kind]
        if of_kind:
            print(f"{name}: {len(of_kind)} entries, "
                  f"{sum(len(entry.operations()) for entry in of_kind)} operations")
    if log.entries:
        print(f"sequences {log.entries[0].sequence} to {log.entries[-1].sequence}, "
              f"{log.bytes} bytes of entries")
    if log.torn_tail:
        print(f"TORN TAIL: {log.discarded_bytes} bytes behind the last entry")
        sys.exit(3)


if __name__ == "__main__":
    main()

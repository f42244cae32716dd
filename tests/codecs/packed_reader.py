#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A second reader of packed records, written from docs/formats/packed.md alone.

packed_reader.py PROGRAM

PROGRAM prints samples, a line each: the name of the type, the bytes in hexadecimal, the value as
JSON, separated by tabs. Each is read from its bytes by the name of its type, and must be that
value. In JSON, byte strings are hexadecimal, none is null, records, lists and sets are arrays, maps
are arrays of pairs, one of several is [index, value].
"""
import json
import re
import struct
import subprocess
import sys

TOKEN = re.compile(
    r"time \d+/\d+ |[iuf]\d+|bool|char|bytes|map\(|set\(|\[\]|\[\d+\]|\w+:|[(){}<>|,?]")
NUMBERS = {"char": "b", "i8": "b", "u8": "B", "i16": "<h", "u16": "<H", "i32": "<i", "u32": "<I",
           "i64": "<q", "u64": "<Q", "f32": "<f", "f64": "<d"}


class Refused(Exception):
    pass


class Number:
    def __init__(self, form):
        self.form, self.size = form, struct.calcsize(form)

    def read(self, data):
        return struct.unpack(self.form, data)[0]


class Bool:
    size = 1

    def read(self, data):
        if data not in (b"\0", b"\1"):
            raise Refused("a bool is 00 or 01")
        return data == b"\1"


class Bytes:
    size = None

    def read(self, data):
        return data.hex()


def width_and_ends(data, at, count, form):
    """The ends at `at`, of which the last is that of `data`."""
    step = struct.calcsize(form)
    found = [struct.unpack_from(form, data, at + i * step)[0] for i in range(count - 1)]
    return found, at + (count - 1) * step


def form_of(data):
    if not data or data[0] not in (1, 2, 4):
        raise Refused("a width is 01, 02 or 04")
    return {1: "<B", 2: "<H", 4: "<I"}[data[0]]


def split(data, first, ends):
    """The pieces of `data` from `first` on, which end at `ends` and at its end."""
    ends = [first + end for end in ends] + [len(data)]
    starts = [first] + ends[:-1]
    if sorted(ends) != ends or starts[-1] > len(data):
        raise Refused("ends do not ascend")
    return [data[start:end] for start, end in zip(starts, ends)]


class Record:
    def __init__(self, parts):
        self.parts = parts
        self.variable = [part for part in parts if part.size is None]
        self.size = None if self.variable else sum(part.size for part in parts)

    def read(self, data):
        at, ends, form = 0, [], "<B"
        if len(self.variable) > 1:
            form, at = form_of(data), 1
        values = {}
        for index, part in enumerate(self.parts):
            if part.size is not None:
                values[index] = part.read(data[at:at + part.size])
                at += part.size
        if len(self.variable) > 1:
            ends, at = width_and_ends(data, at, len(self.variable), form)
        pieces = split(data, at, ends) if self.variable else []
        for index, part in enumerate(self.parts):
            if part.size is None:
                values[index] = part.read(pieces.pop(0))
        return [values[index] for index in range(len(self.parts))]


class List:
    size = None

    def __init__(self, element):
        self.element = element

    def read(self, data):
        size = self.element.size
        if size is not None:
            return [self.element.read(data[at:at + size]) for at in range(0, len(data), size)]
        if not data:
            return []
        form = form_of(data)
        count = struct.unpack_from(form, data, 1)[0]
        ends, first = width_and_ends(data, 1 + data[0], count, form)
        return [self.element.read(piece) for piece in split(data, first, ends)]


class Optional:
    size = None

    def __init__(self, value):
        self.value = value

    def read(self, data):
        if not data:
            return None
        return self.value.read(data if self.value.size else data[1:])


class Choice:
    size = None

    def __init__(self, kinds):
        self.kinds = kinds

    def read(self, data):
        return [data[0], self.kinds[data[0]].read(data[1:])]


class Grammar:
    """Reads the name of a type."""

    def __init__(self, name):
        self.left = TOKEN.findall(name)
        if "".join(self.left) != name:
            raise Refused(f"no name of a type: {name}")

    def take(self):
        return self.left.pop(0)

    def several(self, end, between):
        found = []
        while self.left[0] != end:
            if found and self.take() != between:
                raise Refused(f"expected '{between}'")
            if self.left[0].endswith(":"):
                self.take()
            found.append(self.type())
        self.take()
        return found

    def type(self):
        token = self.take()
        if token.startswith("time "):
            token = self.take()
        if token in NUMBERS:
            return Number(NUMBERS[token])
        if token == "bool":
            return Bool()
        if token == "bytes":
            return Bytes()
        if token == "(":
            return Record(self.several(")", ","))
        if token == "{":
            return Record(self.several("}", ","))
        if token == "<":
            return Choice(self.several(">", "|"))
        if token == "set(":
            return List(self.several(")", ",")[0])
        if token == "map(":
            return List(Record(self.several(")", ",")))
        if token == "[]":
            return List(self.type())
        if token == "?":
            return Optional(self.type())
        count = int(token[1:-1])
        return Record([self.type()] * count)


def main():
    lines = subprocess.run([sys.argv[1]], capture_output=True, text=True, check=True).stdout
    samples = [line.split("\t") for line in lines.splitlines()]
    wrong = 0
    for name, data, expected in samples:
        value = Grammar(name).type().read(bytes.fromhex(data))
        if value != json.loads(expected):
            wrong += 1
            print(f"{name}\n  {data}\n  read as {json.dumps(value)}\n  but is {expected}")
    print(f"{len(samples)} samples, {wrong} read otherwise")
    sys.exit(1 if wrong or not samples else 0)


if __name__ == "__main__":
    main()

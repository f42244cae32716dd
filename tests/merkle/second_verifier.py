#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A second calculator of roots and verifier of proofs, written from docs/formats/trie.md and
docs/formats/proof.md alone, with the standard library of Python alone.

second_verifier.py PROGRAM            compares tests/merkle/corpus with what PROGRAM writes, and
                                      computes every root and verdict of it again
second_verifier.py PROGRAM --update   writes the corpus anew

PROGRAM is write_corpus. A line of the corpus is a state, {"entries": [[tree, key, value]...],
"root"}, a proof of what was said of it, {"proof" or "multiproof", "root", "said": [[tree, key,
value or null]...], "holds"}, a link of a chain, {"previous", "height", "root", "count", "link"}, or
a proof for verifiers of ICS 23, {"ics23", "root", "said", "holds"}, which ics23.py checks.
Byte strings are hexadecimal.
"""
import hashlib
import json
import os
import pathlib
import struct
import subprocess
import sys

import ics23

CORPUS = pathlib.Path(__file__).resolve().parent / "corpus"
VECTORS = pathlib.Path(os.environ.get("VARVE_VECTORS", "../shared/vectors"))

# BLAKE3, as its paper describes it.

IV = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A,
      0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19)
PERMUTATION = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
LANES = ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
         (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14))
CHUNK_START, CHUNK_END, PARENT, ROOT, KEYED, CONTEXT, MATERIAL = 1, 2, 4, 8, 16, 32, 64
MASK = 0xFFFFFFFF


def compress(chain, block, counter, size, flags):
    s = list(chain) + list(IV[:4]) + [counter & MASK, counter >> 32, size, flags]
    m = struct.unpack("<16I", block.ljust(64, b"\0"))
    for turn in range(7):
        for i, (a, b, c, d) in enumerate(LANES):
            for word, first, second in ((m[2 * i], 16, 12), (m[2 * i + 1], 8, 7)):
                s[a] = (s[a] + s[b] + word) & MASK
                x = s[d] ^ s[a]
                s[d] = (x >> first | x << (32 - first)) & MASK
                s[c] = (s[c] + s[d]) & MASK
                x = s[b] ^ s[c]
                s[b] = (x >> second | x << (32 - second)) & MASK
        if turn < 6:
            m = [m[place] for place in PERMUTATION]
    return [s[i] ^ s[i + 8] for i in range(8)] + [s[i + 8] ^ chain[i] for i in range(8)]


def blake3_node(key, flags, data, chunk):
    """The last compression of the subtree over `data`, whose first chunk has the number `chunk`."""
    if len(data) <= 1024:
        chain, start = key, CHUNK_START
        while len(data) > 64:
            chain = compress(chain, data[:64], chunk, 64, flags | start)[:8]
            data, start = data[64:], 0
        return chain, data, chunk, len(data), flags | start | CHUNK_END
    left = 1024
    while left * 2 < len(data):
        left *= 2
    children = [compress(*blake3_node(key, flags, part, at))[:8] for part, at in (
        (data[:left], chunk), (data[left:], chunk + left // 1024))]
    return key, struct.pack("<16I", *children[0], *children[1]), 0, 64, flags | PARENT


def blake3(data, size=32, key=IV, flags=0):
    chain, block, _, length, flags = blake3_node(key, flags, data, 0)
    out = b""
    while len(out) < size:
        out += struct.pack("<16I", *compress(chain, block, len(out) // 64, length, flags | ROOT))
    return out[:size]


def context_key(context):
    return struct.unpack("<8I", blake3(context.encode(), flags=CONTEXT))


def derive_key(key, data, size=32):
    return blake3(data, size, key, MATERIAL)


def check_blake3():
    file = VECTORS / "blake3_test_vectors.json"
    if not file.exists():
        print(f"SKIPPED: {file} is not there: BLAKE3 was not compared with it", file=sys.stderr)
        return
    vectors = json.loads(file.read_text(encoding="utf-8"))
    key = struct.unpack("<8I", vectors["key"].encode())
    context = context_key(vectors["context_string"])
    tried = 0
    for case in vectors["cases"]:
        if case["input_len"] > 9000:
            continue
        data = bytes(i % 251 for i in range(case["input_len"]))
        assert blake3(data, 131).hex() == case["hash"]
        assert blake3(data, 131, key, KEYED).hex() == case["keyed_hash"]
        assert derive_key(context, data, 131).hex() == case["derive_key"]
        tried += 1
    assert tried >= 25, tried


def check_ics23():
    """The verifier of ICS 23 accepts what others published, and no change of it."""
    folder = VECTORS / "ics23_smt"
    if not folder.exists():
        print(f"SKIPPED: {folder} is not there: ics23.py was not compared with it", file=sys.stderr)
        return
    for name in ("exist_left", "nonexist_left"):
        case = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        root, key, value, proof = (
            bytes.fromhex(case[field]) for field in ("root", "key", "value", "proof"))
        assert ics23_holds(root, key, value or None, proof), name
        assert not ics23_holds(root, key + b"x", value or None, proof), name
        assert not ics23_holds(root, key, None if value else b"x", proof), name
        for at in range(0, len(proof), 3):
            forged = proof[:at] + bytes([proof[at] ^ 1]) + proof[at + 1:]
            # What stands there of the absent key is looked at by nobody.
            if ics23_holds(root, key, value or None, forged):
                assert proof[at:at + 1] in hashlib.sha256(key).digest() and at < 40, (name, at)


def ics23_holds(root, key, value, proof):
    if value is None:
        return ics23.verify_non_membership(root, key, proof)
    return ics23.verify_membership(root, key, value, proof)


# The suites.

def leb128(number):
    out = b""
    while number >= 0x80:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


class Suite:
    def committed_key(self, tree, key):
        return leb128(len(tree)) + tree + key


class Blake3(Suite):
    id, empty = 1, bytes(32)

    def __init__(self):
        self.roles = {role: context_key(f"varve 2026-11-21 state trie: {role}")
                      for role in ("key", "value", "leaf", "node", "chain")}

    def key(self, tree, key):
        return derive_key(self.roles["key"], self.committed_key(tree, key))

    def value(self, value):
        return derive_key(self.roles["value"], value)

    def leaf(self, k, v):
        return derive_key(self.roles["leaf"], k + v)

    def node(self, left, right):
        return derive_key(self.roles["node"], left + right)

    def link(self, link):
        return derive_key(self.roles["chain"], link)


class Sha256(Suite):
    def __init__(self, number, empty, leaf_tag, node_tag, link_tag):
        self.id, self.empty = number, empty
        self.leaf_tag, self.node_tag, self.link_tag = leaf_tag, node_tag, link_tag

    def key(self, tree, key):
        return hashlib.sha256(self.committed_key(tree, key)).digest()

    def value(self, value):
        return hashlib.sha256(value).digest()

    def leaf(self, k, v):
        return hashlib.sha256(self.leaf_tag + k + v).digest()

    def node(self, left, right):
        return hashlib.sha256(self.node_tag + left + right).digest()

    def link(self, link):
        return hashlib.sha256(self.link_tag + link).digest()


SUITES = {
    "blake3": Blake3(),
    "ics23-sha256": Sha256(2, bytes(32), b"\0", b"\1", b"\2"),
    "jmt-sha256": Sha256(
        3, b"SPARSE_MERKLE_PLACEHOLDER_HASH__", b"JMT::LeafNode", b"JMT::IntrnalNode",
        b"Varve::ChainLink"),
}


# The trie.

def bit(digest, depth):
    return digest[depth // 8] >> (7 - depth % 8) & 1


def trie_hash(suite, pairs, depth=0):
    if not pairs:
        return suite.empty
    if len(pairs) == 1:
        return suite.leaf(*pairs[0])
    sides = [[pair for pair in pairs if bit(pair[0], depth) == side] for side in (0, 1)]
    return suite.node(*(trie_hash(suite, side, depth + 1) for side in sides))


# Proofs.

class Refused(Exception):
    pass


class Reader:
    def __init__(self, data):
        self.data = data

    def take(self, size):
        if len(self.data) < size:
            raise Refused("cut short")
        taken, self.data = self.data[:size], self.data[size:]
        return taken

    def end(self):
        if self.data:
            raise Refused("something stands behind the proof")


def need(what, sentence):
    if not what:
        raise Refused(sentence)


def shared(one, other, depth):
    return all(bit(one, d) == bit(other, d) for d in range(depth))


def root_of_proof(suite, said, proof):
    tree, key, value = said
    reader = Reader(proof)
    need(reader.take(1) == b"\1", "version")
    need(reader.take(1)[0] == suite.id, "suite")
    kind = reader.take(1)[0]
    need(kind <= 2, "kind")
    depth = struct.unpack("<H", reader.take(2))[0]
    need(depth <= 256, "depth")
    bitmap = reader.take((depth + 7) // 8)
    need(not any(bit(bitmap, d) for d in range(depth, len(bitmap) * 8)), "spare bits")
    need(depth == 0 or bit(bitmap, depth - 1), "an empty deepest sibling")
    siblings = []
    for d in range(depth):
        siblings.append(reader.take(32) if bit(bitmap, d) else suite.empty)
        need(not bit(bitmap, d) or siblings[d] != suite.empty, "a listed sibling that is empty")
    k = suite.key(tree, key)
    need((kind == 0) == (value is not None), "the proof of something else")
    if kind == 0:
        here = suite.leaf(k, suite.value(value))
    elif kind == 1:
        here = suite.empty
    else:
        other_key, other_value = reader.take(32), reader.take(32)
        need(other_key != k, "absence shown by the key itself")
        need(shared(other_key, k, depth), "absence shown by a key of another path")
        here = suite.leaf(other_key, other_value)
    reader.end()
    for d in reversed(range(depth)):
        here = suite.node(siblings[d], here) if bit(k, d) else suite.node(here, siblings[d])
    return here


def read_part(suite, reader, known, depth):
    """The hash of a part, whether it is empty, and whether it is known to have one leaf at most."""
    item = reader.take(1)[0]
    present = [pair for pair in known if pair[1] is not None]
    if item == 0:
        need(not present, "nothing, where something is said to be")
        return suite.empty, True, True
    if item == 1:
        need(len(present) == 1, "a leaf, where not one key is said to be")
        return suite.leaf(*present[0]), False, True
    if item == 2:
        other_key, other_value = reader.take(32), reader.take(32)
        need(not present, "another leaf, where something is said to be")
        need(all(other_key != k for k, _ in known), "absence shown by the key itself")
        need(shared(other_key, known[0][0], depth), "absence shown by a key of another path")
        return suite.leaf(other_key, other_value), False, True
    need(item in (3, 4, 5), "item")
    need(depth < 256, "depth")
    sides = [[pair for pair in known if bit(pair[0], depth) == side] for side in (0, 1)]
    need((item == 3) == bool(sides[0] and sides[1]), "the item does not fit the keys")
    if item == 3:
        parts = [read_part(suite, reader, side, depth + 1) for side in sides]
    else:
        beside = (suite.empty, True, True)
        if item == 5:
            beside = (reader.take(32), False, False)
            need(beside[0] != suite.empty, "a listed sibling that is empty")
        parts = [read_part(suite, reader, side, depth + 1) if side else beside for side in sides]
    (left, left_empty, left_small), (right, right_empty, right_small) = parts
    need(not (left_empty and right_small or right_empty and left_small), "needless depth")
    return suite.node(left, right), False, False


def root_of_multiproof(suite, said, proof):
    reader = Reader(proof)
    need(said, "nothing to prove")
    need(reader.take(1) == b"\1", "version")
    need(reader.take(1)[0] == suite.id, "suite")
    need(reader.take(1)[0] == 3, "kind")
    known = sorted((suite.key(tree, key), None if value is None else suite.value(value))
                   for tree, key, value in said)
    need(all(known[i][0] != known[i + 1][0] for i in range(len(known) - 1)), "one key twice")
    root, _, _ = read_part(suite, reader, known, 0)
    reader.end()
    return root


def decoded(row):
    return [None if cell is None else bytes.fromhex(cell) for cell in row]


def check(suite, case):
    """Whether this program says of a line what the line says."""
    if "entries" in case:
        pairs = [(suite.key(tree, key), suite.value(value))
                 for tree, key, value in map(decoded, case["entries"])]
        return trie_hash(suite, pairs).hex() == case["root"]
    if "link" in case:
        link = (bytes.fromhex(case["previous"]) + struct.pack("<Q", case["height"]) +
                bytes.fromhex(case["root"]) + struct.pack("<Q", case["count"]))
        return suite.link(link).hex() == case["link"]
    said = [decoded(row) for row in case["said"]]
    if "ics23" in case:
        tree, key, value = said[0]
        return case["holds"] == ics23_holds(bytes.fromhex(case["root"]),
                                            suite.committed_key(tree, key), value,
                                            bytes.fromhex(case["ics23"]))
    try:
        if "proof" in case:
            root = root_of_proof(suite, said[0], bytes.fromhex(case["proof"]))
        else:
            root = root_of_multiproof(suite, said, bytes.fromhex(case["multiproof"]))
        holds = root.hex() == case["root"]
    except Refused:
        holds = False
    return holds == case["holds"]


def main():
    check_blake3()
    check_ics23()
    wrong = 0
    for name, suite in SUITES.items():
        path = CORPUS / f"{name}.jsonl"
        written = subprocess.run([sys.argv[1], name], capture_output=True, text=True, check=True)
        if "--update" in sys.argv:
            path.write_text(written.stdout, encoding="utf-8")
        text = path.read_text(encoding="utf-8")
        if text != written.stdout:
            print(f"{path.name}: what the program writes today is something else")
            wrong += 1
        cases = [json.loads(line) for line in text.splitlines()]
        for number, case in enumerate(cases, 1):
            if not check(suite, case):
                print(f"{path.name}:{number}: this program disagrees")
                wrong += 1
        of_ics23 = [case["holds"] for case in cases if "ics23" in case]
        held = sum(case.get("holds", False) for case in cases)
        refused = sum(not case.get("holds", True) for case in cases)
        links = sum("link" in case for case in cases)
        print(f"{path.name}: {len(cases) - held - refused - links} roots, {links} links, "
              f"{held} proofs that hold, {refused} that do not")
        if of_ics23:
            print(f"{path.name}: of these {sum(of_ics23)} and {len(of_ics23) - sum(of_ics23)} "
                  "for verifiers of ICS 23")
        if held < 25 or refused < 100 or links < 5 or (
                name == "ics23-sha256" and (sum(of_ics23) < 25 or len(of_ics23) < 100)):
            print(f"{path.name}: that is too little")
            wrong += 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

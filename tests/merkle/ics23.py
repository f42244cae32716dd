# SPDX-License-Identifier: Apache-2.0
"""A verifier of ICS 23, written from its proofs.proto and the rules of its specification (the
`SmtSpec`): what one in a light client of IBC does with a CommitmentProof. With the standard library
of Python alone, and nothing of this project in it.
"""
import hashlib

SHA256, NO_PREFIX = 1, 0
LEAF_PREFIX = b"\0"
MIN_PREFIX = MAX_PREFIX = 1
CHILD = 32
EMPTY = bytes(CHILD)
MAX_DEPTH = 256


class Refused(Exception):
    pass


def need(what, sentence):
    if not what:
        raise Refused(sentence)


def sha256(data):
    return hashlib.sha256(data).digest()


# Protocol Buffers: a message as lists of the values of its fields.

def varint(data):
    value, shift = 0, 0
    while True:
        need(data and shift < 64, "a number that is cut short")
        value |= (data[0] & 0x7F) << shift
        last, data, shift = data[0] < 0x80, data[1:], shift + 7
        if last:
            return value, data


def parse(data):
    fields = {}
    while data:
        tag, data = varint(data)
        value, data = varint(data)
        need(tag & 7 in (0, 2), "a field of a type that no message here has")
        if tag & 7 == 2:
            need(value <= len(data), "a field that is cut short")
            value, data = data[:value], data[value:]
        fields.setdefault(tag >> 3, []).append(value)
    return fields


def one(fields, number, default):
    values = fields.get(number, [default])
    need(isinstance(values[-1], type(default)), "a field of another type")
    return values[-1]


# ExistenceProof { key = 1; value = 2; LeafOp leaf = 3; repeated InnerOp path = 4; }
# LeafOp { hash = 1; prehash_key = 2; prehash_value = 3; length = 4; prefix = 5; }
# InnerOp { hash = 1; prefix = 2; suffix = 3; }
# NonExistenceProof { key = 1; ExistenceProof left = 2; ExistenceProof right = 3; }
# CommitmentProof { oneof { exist = 1; nonexist = 2; batch = 3; compressed = 4; } }

def position(step):
    """Which child a step comes from, by the lengths of what stands around it."""
    for place in (0, 1):
        low, high = place * CHILD + MIN_PREFIX, place * CHILD + MAX_PREFIX
        if low <= len(step["prefix"]) <= high and len(step["suffix"]) == (1 - place) * CHILD:
            return place
    return None


def existence(data):
    """(key, value, root, path) of a proof that obeys the specification."""
    fields = parse(data)
    key, value = one(fields, 1, b""), one(fields, 2, b"")
    need(3 in fields, "there is no leaf")
    leaf = parse(one(fields, 3, b""))
    for number, wanted in ((1, SHA256), (2, SHA256), (3, SHA256), (4, NO_PREFIX)):
        need(one(leaf, number, 0) == wanted, "a leaf of another specification")
    need(one(leaf, 5, b"").startswith(LEAF_PREFIX), "a leaf with another prefix")
    need(key, "a leaf without a key")
    need(value, "a leaf without a value")
    here = sha256(one(leaf, 5, b"") + sha256(key) + sha256(value))
    path = []
    for step_data in fields.get(4, []):
        fields_of_step = parse(step_data)
        need(one(fields_of_step, 1, 0) == SHA256, "a step with another hash")
        step = {"prefix": one(fields_of_step, 2, b""), "suffix": one(fields_of_step, 3, b"")}
        need(not step["prefix"].startswith(LEAF_PREFIX), "a step that could be a leaf")
        need(MIN_PREFIX <= len(step["prefix"]) <= MAX_PREFIX + CHILD, "the length of a prefix")
        need(len(step["suffix"]) % CHILD == 0, "the length of a suffix")
        here = sha256(step["prefix"] + here + step["suffix"])
        path.append(step)
    need(len(path) <= MAX_DEPTH, "too deep")
    return key, value, here, path


def outermost(path, side):
    """Whether nothing lies on that side (0: left, 1: right) of the path."""
    for step in path:
        place = position(step)
        if place == side:
            continue
        need(place is not None, "a step that is no child")
        if (step["prefix"][-CHILD:] if side == 0 else step["suffix"]) != EMPTY:
            return False
    return True


def neighbours(left, right):
    left, right = list(left), list(right)
    while left and right and left[-1] == right[-1]:
        left.pop()
        right.pop()
    need(left and right, "a path that is a part of the other")
    return (position(left.pop()) == 0 and position(right.pop()) == 1 and outermost(left, 1) and
            outermost(right, 0))


def verify_membership(root, key, value, proof):
    try:
        fields = parse(proof)
        need(set(fields) == {1}, "no proof of existence")
        proved_key, proved_value, calculated, _ = existence(one(fields, 1, b""))
        return (proved_key, proved_value, calculated) == (key, value, root)
    except Refused:
        return False


def verify_non_membership(root, key, proof):
    try:
        fields = parse(proof)
        need(set(fields) == {2}, "no proof of absence")
        fields = parse(one(fields, 2, b""))
        sides = {}
        for number in (2, 3):
            if number not in fields:
                continue
            proved_key, _, calculated, path = existence(one(fields, number, b""))
            need(calculated == root, "a neighbour under another root")
            place = sha256(proved_key)
            need(place < sha256(key) if number == 2 else sha256(key) < place,
                 "the key is not between its neighbours")
            sides[number] = path
        need(sides, "no neighbour")
        if 2 not in sides:
            return outermost(sides[3], 0)
        if 3 not in sides:
            return outermost(sides[2], 1)
        return neighbours(sides[2], sides[3])
    except Refused:
        return False

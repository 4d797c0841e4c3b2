"""The Merkle tree of RFC 6962: one hash that stands for many rows, made while they stream by."""

import hashlib
from collections.abc import Iterable

EMPTY = hashlib.sha256(b"").digest()


def node(left: bytes, right: bytes) -> bytes:
    """Give the hash of an inner node; its first byte tells it from a leaf."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Builder:
    """Takes leaves one by one and keeps one hash per level only: 21 for two million."""

    def __init__(self) -> None:
        self.count = 0
        self._full: list[bytes] = []  # roots of full subtrees, the largest first

    def add(self, leaf: bytes) -> None:
        """Take the next leaf."""
        self.count += 1
        full, carry = self._full, self.count
        sha256 = hashlib.sha256
        while not carry & 1:
            leaf = sha256(b"\x01" + full.pop() + leaf).digest()
            carry >>= 1
        full.append(leaf)

    def root(self) -> bytes:
        """Give the root over the leaves so far; an odd one rises as it is."""
        if not self._full:
            return EMPTY
        *left, top = self._full
        for each in reversed(left):
            top = node(each, top)
        return top


def root_of(leaves: Iterable[bytes]) -> bytes:
    """Give the root over ``leaves``."""
    builder = Builder()
    for leaf in leaves:
        builder.add(leaf)
    return builder.root()

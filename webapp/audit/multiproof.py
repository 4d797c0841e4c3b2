"""One proof for several leaves of a tree: the hashes of the largest parts without any of them, from left to right."""

from collections.abc import Iterable

from webapp.audit.evidence.verify import root_from
from webapp.audit.merkle import node

__all__ = ["Prover", "multiproof", "root_from"]


class Prover:
    """Builds root and proof while the leaves pass by; it keeps only what the proof needs.

    Where two parts of the tree are joined and one of them holds a chosen leaf, the other's hash is in the proof.
    """

    def __init__(self) -> None:
        """Begin without leaves."""
        self.count = 0
        self._parts: list[
            tuple[int, int, bytes, bool]
        ] = []  # (size, place, hash, holds a chosen one)
        self._proof: list[tuple[int, bytes]] = []

    def add(self, leaf: bytes, *, chosen: bool) -> None:
        """Take the next leaf."""
        self._parts.append((1, self.count, leaf, chosen))
        self.count += 1
        while len(self._parts) > 1 and self._parts[-2][0] == self._parts[-1][0]:
            self._join()

    def finish(self) -> tuple[bytes, list[bytes]]:
        """Return root and proof.

        Raises:
            ValueError: if there was no leaf.
        """
        if not self._parts:
            raise ValueError("a tree without leaves proves nothing")
        while len(self._parts) > 1:
            self._join()
        _, place, root, holds = self._parts[0]
        if not holds:
            self._proof = [(place, root)]
        return root, [part for _, part in sorted(self._proof)]

    def _join(self) -> None:
        right, left = self._parts.pop(), self._parts.pop()
        if left[3] != right[3]:
            self._proof.append((right if left[3] else left)[1:3])
        joined = node(left[2], right[2])
        self._parts.append((left[0] + right[0], left[1], joined, left[3] or right[3]))


def multiproof(leaves: Iterable[bytes], chosen: set[int]) -> list[bytes]:
    """Return the proof for the leaves at the places ``chosen``."""
    prover = Prover()
    for place, leaf in enumerate(leaves):
        prover.add(leaf, chosen=place in chosen)
    return prover.finish()[1]

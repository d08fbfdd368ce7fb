"""Roots of a growing Merkle tree, from its full subtrees alone.

The verifier's own arithmetic, beside the writer's: one mistake cannot hide in both. RFC 6962,
section 2.1.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final

EMPTY_ROOT: Final = sha256().digest()


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of a leaf."""
    return sha256(b"\x00" + entry).digest()


class Frontier:
    """The roots of the full subtrees that a tree of `size` consists of, the largest first."""

    def __init__(self, hashes: Iterable[bytes] = ()) -> None:
        self.size = 0
        self.nodes: list[bytes] = []
        for each in hashes:
            self.append(each)

    def append(self, node: bytes) -> None:
        """Add a leaf's hash, or that of a full subtree where all are equally high."""
        nodes, size = self.nodes, self.size
        while size & 1:
            node = sha256(b"\x01" + nodes.pop() + node).digest()
            size >>= 1
        nodes.append(node)
        self.size += 1

    def root(self) -> bytes:
        """Return the root of the tree."""
        return fold(self.nodes)


def fold(nodes: Sequence[bytes]) -> bytes:
    """Return the root over full subtrees of falling height."""
    if not nodes:
        return EMPTY_ROOT
    root = nodes[-1]
    for node in reversed(nodes[:-1]):
        root = sha256(b"\x01" + node + root).digest()
    return root

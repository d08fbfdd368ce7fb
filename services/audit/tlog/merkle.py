"""The Merkle tree of RFC 6962 section 2.1 (the same in RFC 9162 section 2.1): pure functions.

Hashes are raw 32-byte SHA-256 digests. A node is named by its level and its index there: node
(0, i) is the hash of leaf i, node (l, i) the hash of the perfect subtree over the leaves from
`i << l` up to `(i + 1) << l`.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()
"""The hash of a tree without leaves (RFC 6962 section 2.1)."""

Nodes = Callable[[int, int], bytes]
"""Gives the hash of a node by level and index. May raise what its storage raises."""


class ProofError(ValueError):
    """A proof does not lead to the root that it should."""


def leaf_hash(entry: bytes) -> bytes:
    """Return SHA-256(0x00 ‖ entry) (RFC 6962 section 2.1)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return SHA-256(0x01 ‖ left ‖ right) (RFC 6962 section 2.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(leaf_hashes: Iterable[bytes]) -> bytes:
    """Return the tree's hash, MTH (RFC 6962 section 2.1), in memory that grows with log n."""
    frontier = Frontier()
    for leaf in leaf_hashes:
        frontier.append(leaf)
    return frontier.root()


class Frontier:
    """The right edge of a growing tree: the roots of its perfect subtrees, the largest first.

    They are one for each bit that is set in the size (RFC 9162 section 2.1.2).
    """

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        if len(hashes) != size.bit_count():
            raise ValueError(f"a tree of {size} leaves has {size.bit_count()} perfect subtrees")
        self.size = size
        self._hashes = list(hashes)

    def append(self, leaf: bytes) -> None:
        """Add a leaf by its hash."""
        carry, size = leaf, self.size
        while size & 1:
            carry = node_hash(self._hashes.pop(), carry)
            size >>= 1
        self._hashes.append(carry)
        self.size += 1

    def root(self) -> bytes:
        """Return the hash of the tree over all leaves."""
        if not self._hashes:
            return EMPTY_ROOT
        right = self._hashes[-1]
        for left in reversed(self._hashes[:-1]):
            right = node_hash(left, right)
        return right


def perfect_subtrees(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the nodes, level and index, that cover the leaves from `start` up to `end`.

    From left to right, and the largest that fit; `start` is where a subtree of RFC 6962 begins,
    a multiple of the smallest power of two that is not below `end - start`.
    """
    while start < end:
        level = (end - start).bit_length() - 1
        yield level, start >> level
        start += 1 << level


def range_hash(start: int, end: int, nodes: Nodes) -> bytes:
    """Return MTH(D[start:end]) for a subtree of RFC 6962 from the perfect ones in it."""
    hashes = [nodes(level, index) for level, index in perfect_subtrees(start, end)]
    if not hashes:
        return EMPTY_ROOT
    right = hashes[-1]
    for left in reversed(hashes[:-1]):
        right = node_hash(left, right)
    return right


def tree_hash(size: int, nodes: Nodes) -> bytes:
    """Return the hash of the tree's first `size` leaves."""
    return range_hash(0, size, nodes)


def inclusion_proof(index: int, size: int, nodes: Nodes) -> list[bytes]:
    """Return PATH(index, D[size]) (RFC 6962 section 2.1.1), the hash next to the leaf first."""
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        split = start + _split(end - start)
        if index < split:
            path.append(range_hash(split, end, nodes))
            end = split
        else:
            path.append(range_hash(start, split, nodes))
            start = split
    return path[::-1]


def check_inclusion(
    index: int, size: int, leaf: bytes, proof: Sequence[bytes], tree: bytes
) -> None:
    """Check that `leaf` is the hash of leaf `index` in the tree (RFC 9162 section 2.1.3.2).

    Raises `ProofError`.
    """
    if not 0 <= index < size:
        raise ProofError(f"a tree of {size} leaves has no leaf {index}")
    node, last, found = index, size - 1, leaf
    for hash_ in proof:
        if last == 0:
            raise ProofError("the inclusion proof has more hashes than the tree has levels")
        if node & 1 or node == last:
            found = node_hash(hash_, found)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found = node_hash(found, hash_)
        node, last = node >> 1, last >> 1
    if last:
        raise ProofError("the inclusion proof has fewer hashes than the tree has levels")
    if found != tree:
        raise ProofError(f"the inclusion proof of leaf {index} leads to another root")


def consistency_proof(old: int, new: int, nodes: Nodes) -> list[bytes]:
    """Return PROOF(old, D[new]) (RFC 6962 section 2.1.2); none where either tree is the other.

    A tree without leaves is the beginning of every tree, and needs no proof.
    """
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {old} leaves is no beginning of one of {new}")
    if old in (0, new):
        return []
    proof: list[bytes] = []
    start, end, whole = 0, new, True
    while old != end:
        split = start + _split(end - start)
        if old <= split:
            proof.append(range_hash(split, end, nodes))
            end = split
        else:
            proof.append(range_hash(start, split, nodes))
            start, whole = split, False
    if not whole:
        proof.append(range_hash(start, end, nodes))
    return proof[::-1]


def check_consistency(
    old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that the old tree is the beginning of the new one (RFC 9162 section 2.1.4.2).

    Raises `ProofError`.
    """
    if old > new or old < 0:
        raise ProofError(f"the log shrank from {old} to {new} entries")
    if old in (0, new):
        if proof:
            raise ProofError("the consistency proof should be empty")
        if old_root != (EMPTY_ROOT if old == 0 else new_root):
            raise ProofError(f"two roots for the size {old}")
        return
    hashes = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not hashes:
        raise ProofError("the consistency proof is empty")
    if _both_roots(old, new, hashes) != (old_root, new_root):
        raise ProofError(f"the tree of {old} leaves is no beginning of the tree of {new}")


def _both_roots(old: int, new: int, hashes: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Return the roots that a consistency proof leads to (RFC 9162 section 2.1.4.2, 4 to 6)."""
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    found_old = found_new = hashes[0]
    for hash_ in hashes[1:]:
        if last == 0:
            raise ProofError("the consistency proof has more hashes than the tree has levels")
        if node & 1 or node == last:
            found_old, found_new = node_hash(hash_, found_old), node_hash(hash_, found_new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found_new = node_hash(found_new, hash_)
        node, last = node >> 1, last >> 1
    if last:
        raise ProofError("the consistency proof has fewer hashes than the tree has levels")
    return found_old, found_new


def _split(size: int) -> int:
    """Return the largest power of two below `size` (RFC 6962 section 2.1)."""
    return 1 << ((size - 1).bit_length() - 1)

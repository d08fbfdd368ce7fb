import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.audit.tlog import merkle

# The inputs and roots that the Certificate Transparency implementations test with.
LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def naive(hashes: Sequence[bytes]) -> bytes:
    """MTH as RFC 6962 section 2.1 writes it, word for word."""
    if not hashes:
        return hashlib.sha256().digest()
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    both = b"\x01" + naive(hashes[:k]) + naive(hashes[k:])
    return hashlib.sha256(both).digest()


class Tree:
    """A tree of numbered leaves, all in memory."""

    def __init__(self, size: int) -> None:
        self.hashes = [merkle.leaf_hash(str(i).encode()) for i in range(size)]

    def root(self, size: int) -> bytes:
        return naive(self.hashes[:size])

    def node(self, level: int, index: int) -> bytes:
        return naive(self.hashes[index << level : (index + 1) << level])


@pytest.mark.parametrize("size", range(9))
def test_the_published_roots_are_found(size: int) -> None:
    assert merkle.root(map(merkle.leaf_hash, LEAVES[:size])).hex() == ROOTS[size]


@given(st.integers(0, 700))
def test_a_root_is_that_of_the_naive_tree(size: int) -> None:
    tree = Tree(size)

    assert merkle.root(tree.hashes) == tree.root(size)
    assert merkle.tree_hash(size, tree.node) == tree.root(size)


def test_a_frontier_goes_on_where_it_was() -> None:
    tree = Tree(300)
    for size in (0, 1, 3, 5, 255, 256, 257):
        hashes = [tree.node(*node) for node in merkle.perfect_subtrees(0, size)]
        frontier = merkle.Frontier(size, hashes)
        assert frontier.root() == tree.root(size)
        frontier.append(tree.hashes[size])
        assert frontier.root() == tree.root(size + 1)


@given(st.data())
def test_every_inclusion_proof_verifies_and_for_no_other_leaf(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 300))
    index = data.draw(st.integers(0, size - 1))
    tree = Tree(size)

    proof = merkle.inclusion_proof(index, size, tree.node)

    merkle.check_inclusion(index, size, tree.hashes[index], proof, tree.root(size))
    with pytest.raises(merkle.ProofError):
        merkle.check_inclusion(index, size, merkle.leaf_hash(b"x"), proof, tree.root(size))
    with pytest.raises(merkle.ProofError):
        merkle.check_inclusion(index, size, tree.hashes[index], [*proof, b"x"], tree.root(size))
    if proof:
        with pytest.raises(merkle.ProofError):
            merkle.check_inclusion(index, size, tree.hashes[index], proof[1:], tree.root(size))


@given(st.data())
def test_every_consistency_proof_verifies_and_none_with_another_root(data: st.DataObject) -> None:
    new = data.draw(st.integers(0, 300))
    old = data.draw(st.integers(0, new))
    tree = Tree(new)

    proof = merkle.consistency_proof(old, new, tree.node)

    merkle.check_consistency(old, new, tree.root(old), tree.root(new), proof)
    with pytest.raises(merkle.ProofError):
        merkle.check_consistency(old, new, bytes(32), tree.root(new), proof)
    with pytest.raises(merkle.ProofError):
        merkle.check_consistency(old, new, tree.root(old), tree.root(new), [*proof, bytes(32)])
    if old not in (0, new):
        with pytest.raises(merkle.ProofError):
            merkle.check_consistency(old, new, tree.root(old), bytes(32), proof)
        with pytest.raises(merkle.ProofError):
            merkle.check_consistency(old, new, tree.root(old), tree.root(new), proof[1:])


def test_a_log_that_shrank_is_not_consistent() -> None:
    with pytest.raises(merkle.ProofError, match="shrank"):
        merkle.check_consistency(2, 1, bytes(32), bytes(32), [])

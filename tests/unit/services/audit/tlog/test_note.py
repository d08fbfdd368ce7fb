from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from services.audit.tlog.note import (
    COSIGNATURE,
    BadKeyError,
    Checkpoint,
    Note,
    NoteError,
    SignatureError,
    SignerKey,
    VerifierKey,
)

# From the tests of golang.org/x/mod/sumdb/note.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvq"
    "fqdngotpRZb6KE6RyyBwJnAM=\n"
)


@pytest.fixture
def key() -> SignerKey:
    return SignerKey("test/0", Ed25519PrivateKey.from_private_bytes(bytes(32)))


@pytest.fixture
def checkpoint() -> Checkpoint:
    return Checkpoint("test/0", 7, bytes(range(32)))


def test_a_note_of_the_reference_implementation_verifies() -> None:
    key = VerifierKey.parse(PETER)

    assert Note.parse(PETER_NOTE.encode()).verify([key]) == [(key, None)]
    assert str(key) == PETER


def test_a_checkpoint_is_read_back_and_verifies(key: SignerKey, checkpoint: Checkpoint) -> None:
    raw = bytes(checkpoint.signed(key))

    note = Note.parse(raw)

    assert bytes(note) == raw
    assert Checkpoint.parse(note.text) == checkpoint
    assert note.verify([key.verifier()]) == [(key.verifier(), None)]


def test_a_checkpoint_has_the_lines_of_the_specification(
    key: SignerKey, checkpoint: Checkpoint
) -> None:
    text, signature = bytes(checkpoint.signed(key)).decode().split("\n\n")

    assert text == "test/0\n7\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    assert signature.startswith("— test/0 ")
    assert signature.endswith("\n")


def test_a_changed_note_does_not_verify(key: SignerKey, checkpoint: Checkpoint) -> None:
    note = checkpoint.signed(key)
    changed = Note(replace(checkpoint, size=8).text, note.signatures)

    with pytest.raises(SignatureError, match="wrong"):
        changed.verify([key.verifier()])


def test_a_note_of_an_unknown_key_says_who_signed_it(
    key: SignerKey, checkpoint: Checkpoint
) -> None:
    with pytest.raises(SignatureError, match=r"test/0\+"):
        checkpoint.signed(key).verify([SignerKey.generate("test/0").verifier()])


def test_a_cosignature_verifies_and_tells_its_time(key: SignerKey, checkpoint: Checkpoint) -> None:
    witness = SignerKey.generate("witness")
    note = checkpoint.signed(key)
    note = replace(note, signatures=(*note.signatures, witness.cosign(note.text, 1_760_000_000)))

    found = Note.parse(bytes(note)).verify([key.verifier(), witness.verifier(COSIGNATURE)])

    assert found == [(key.verifier(), None), (witness.verifier(COSIGNATURE), 1_760_000_000)]


@given(st.binary(min_size=32, max_size=32), st.sampled_from([1, 4]))
def test_a_verifier_key_is_read_back(public: bytes, algorithm: int) -> None:
    key = VerifierKey("some.log/3", public, algorithm)

    assert VerifierKey.parse(str(key)) == key


@pytest.mark.parametrize(
    "vkey",
    ["", "a+b", "a b+00000000+AQ==", PETER.replace("c74f", "c74e"), PETER[:-4], "a+00000000+"],
)
def test_a_damaged_verifier_key_is_refused(vkey: str) -> None:
    with pytest.raises(BadKeyError):
        VerifierKey.parse(vkey)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"a\n",
        b"a\n\nb\n",
        b"a\n\n\xe2\x80\x94 b AAAA\n",
        b"\xff\n\n",
        PETER_NOTE.encode()[:-1],
    ],
)
def test_what_is_no_note_is_refused(raw: bytes) -> None:
    with pytest.raises(NoteError):
        Note.parse(raw)


@pytest.mark.parametrize(
    "text",
    [
        "o\n1\n",
        "o\n01\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
        "o\n-1\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
        "o\n1\nAAEC\n",
        "o\n1\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "o\n1\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(NoteError):
        Checkpoint.parse(text)

"""An index on a server that several processes write: who is late, who is let in, whose it is."""

import ipaddress
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from qdrant_client import QdrantClient

from services.inference.adapters.heads import ForeignIndexError, IndexReplacedError
from services.inference.adapters.qdrant import store_for
from services.inference.adapters.server import IndexUnavailableError, ServerIndex
from services.inference.adapters.server_store import OldServerError, ServerStore
from services.inference.index import Index, Position
from services.inference.settings import InferenceSettings
from services.inference.store import Progress
from services.inference.versions import IndexVersion
from shared.events import EVERYONE, DocumentAccepted, Passage
from tests.qdrant import Emulator, serving

FIRST, SECOND, THIRD = (Position(0, offset) for offset in (1, 2, 3))
PLAIN = IndexVersion("bm25-1")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving(Emulator()) as url:
        yield url


@pytest.fixture
def collection() -> str:
    return str(uuid4())


def opened(url: str, collection: str) -> Iterator[ServerIndex]:
    with ServerStore(lambda: QdrantClient(url, check_compatibility=False), collection) as store:
        yield store.open(PLAIN)


@pytest.fixture
def index(url: str, collection: str) -> Iterator[ServerIndex]:
    yield from opened(url, collection)


@pytest.fixture
def late(url: str, collection: str, index: ServerIndex) -> Iterator[ServerIndex]:  # noqa: ARG001 - after it
    """The index as another process has it, which may have been frozen for a while."""
    yield from opened(url, collection)


def document(
    *texts: str, groups: tuple[str, ...] = (EVERYONE,), id_: str = "a"
) -> DocumentAccepted:
    return DocumentAccepted(
        document_id=id_,
        tenant="acme",
        groups=groups,
        passages=tuple(
            Passage(id=str(n), document_id=id_, locator="", text=text)
            for n, text in enumerate(texts)
        ),
    )


def found(index: Index, *groups: str, limit: int = 10) -> list[str]:
    hits = index.search("complaints", tenant="acme", groups=groups, limit=limit)
    return [hit.passage.text for hit in hits]


def test_what_was_deleted_is_not_brought_back_by_a_late_writer(
    index: ServerIndex, late: ServerIndex
) -> None:
    index.replace(document("Complaints."), FIRST)
    index.remove("acme", "a", SECOND)
    late.replace(document("Complaints."), FIRST)

    assert found(index) == found(late) == []


def test_a_late_writer_who_is_stopped_before_it_tidies_up_shows_nothing_either(
    index: ServerIndex, late: ServerIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.replace(document("Complaints, for the board.", groups=("board",)), SECOND)

    def stop(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(late._client, "delete", stop)
    with pytest.raises(ZeroDivisionError):
        late.replace(document("Complaints.", "Complaints, more."), FIRST)

    assert found(index) == []
    assert found(index, "board", limit=1) == ["Complaints, for the board."]


def test_a_late_deletion_deletes_nothing_newer(index: ServerIndex, late: ServerIndex) -> None:
    index.replace(document("Complaints."), SECOND)
    late.remove("acme", "a", FIRST)

    assert found(index) == ["Complaints."]


def test_a_state_that_comes_again_unchanged_is_not_taken_for_the_one_in_between(
    index: ServerIndex, late: ServerIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.replace(document("Complaints."), FIRST)
    moved = late._heads.move

    def frozen(tenant: str, document_id: str, version: str, at: Position) -> object:
        head = moved(tenant, document_id, version, at)
        index.replace(document("Complaints."), THIRD)  # by others, before it goes on to delete
        return head

    monkeypatch.setattr(late._heads, "move", frozen)
    late.remove("acme", "a", SECOND)

    assert found(index) == ["Complaints."]


def test_a_topic_that_has_got_more_partitions_goes_on_with_its_documents(
    index: ServerIndex,
) -> None:
    index.replace(document("Complaints, old."), Position(0, 1000))
    index.replace(document("Complaints, new."), Position(5, 0))

    assert found(index) == ["Complaints, new."]


def test_an_index_that_was_deleted_and_made_again_is_not_taken_for_the_old_one(
    url: str, collection: str, index: ServerIndex
) -> None:
    index.replace(document("Complaints."), FIRST)
    with ServerStore(lambda: QdrantClient(url, check_compatibility=False), collection) as store:
        store.drop(retired=[PLAIN.name], used=[])
        with pytest.raises(IndexUnavailableError):
            found(index)
        new = store.open(PLAIN)

        assert new.identity != index.identity
        with pytest.raises(IndexReplacedError, match="start it again"):
            found(index)
        with pytest.raises(IndexReplacedError):
            index.replace(document("Complaints."), FIRST)


def test_two_deployments_do_not_share_a_collection_by_accident(
    index: ServerIndex, late: ServerIndex
) -> None:
    index.adopt("one cluster/documents.accepted")
    late.adopt("one cluster/documents.accepted")
    with pytest.raises(ForeignIndexError, match="GLIDESLOPE_QDRANT_COLLECTION"):
        late.adopt("another cluster/documents.accepted")


def test_all_processes_know_that_an_index_was_complete_once(
    index: ServerIndex, late: ServerIndex
) -> None:
    assert not late.progress("vectors").is_complete
    index.keep_progress("vectors", Progress({}, is_complete=True))

    assert late.progress("vectors").is_complete
    assert not late.progress("words").is_complete


def test_a_server_that_is_too_old_to_keep_tenants_apart_is_refused(tmp_path: Path) -> None:
    with (
        serving(Emulator(version="1.18.3")) as url,
        pytest.raises(OldServerError, match=r"1\.19"),
        store_for(InferenceSettings(qdrant_url=url, home=tmp_path)),
    ):
        pass


def certificate(folder: Path) -> tuple[str, str]:
    """Return files of a certificate for this machine that is its own authority, and of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "qdrant")])
    now = datetime.now(UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return str(files[0]), str(files[1])


def test_a_server_with_a_key_and_a_private_authority_is_used_by_whoever_has_both(
    tmp_path: Path,
) -> None:
    files = certificate(tmp_path)
    with serving(Emulator(api_key="k-1"), tls=files) as url:
        told = {"qdrant_url": url, "qdrant_api_key": "k-1", "qdrant_ca_file": files[0]}
        with store_for(InferenceSettings.model_validate(told)) as store:
            index = store.open(PLAIN)
            index.replace(document("Complaints."), FIRST)
            assert found(index) == ["Complaints."]
        for lacking in ("qdrant_api_key", "qdrant_ca_file"):
            settings = InferenceSettings.model_validate({**told, lacking: None})
            with pytest.raises(IndexUnavailableError, match="GLIDESLOPE_QDRANT_CA_FILE"):
                store_for(settings).__enter__()

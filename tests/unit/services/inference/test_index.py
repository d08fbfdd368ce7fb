"""One suite over every index."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import qdrant_edge
from hypothesis import given, settings
from hypothesis import strategies as st
from qdrant_client import QdrantClient

from glideslope.emulator.vectors import vector
from services.inference.adapters.edge import EdgeIndex
from services.inference.adapters.edge_store import EdgeStore
from services.inference.adapters.server import ServerIndex
from services.inference.adapters.server_store import ServerStore
from services.inference.index import Index
from services.inference.store import KeptIndex, Progress, Store
from services.inference.versions import IndexVersion
from shared.delivery import OverloadedError
from shared.events import EVERYONE, DocumentAccepted, Passage
from shared.retrieval import EmbedderParameters
from tests.qdrant import Emulator, serving

pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect:UserWarning")

DIMENSIONS = 64
TEXTS = (
    "Net revenue for 2019 was $3,200 million, up from $2,900 million in 2018.",
    "The credit committee approves loans above EUR 5 million.",
    "Capital expenditure fell, as fewer branches were opened in 2019.",
    "Complaints are answered within ten working days.",
)


def document(
    document_id: str = "report",
    texts: tuple[str, ...] = TEXTS,
    *,
    tenant: str = "acme",
    title: str = "",
    groups: tuple[str, ...] = (EVERYONE,),
) -> DocumentAccepted:
    return DocumentAccepted(
        document_id=document_id,
        tenant=tenant,
        title=title,
        groups=groups,
        passages=tuple(
            Passage(id=str(n), document_id=document_id, title=title, locator=f"p. {n}", text=text)
            for n, text in enumerate(texts, start=1)
        ),
    )


HYBRID = IndexVersion(
    "bm25-1", EmbedderParameters(model="emulator:embedding", dimensions=DIMENSIONS)
)


@pytest.fixture(scope="module")
def emulator() -> Iterator[str]:
    with serving(Emulator()) as url:
        yield url


def at(url: str, collection: str) -> ServerStore:
    return ServerStore(lambda: QdrantClient(url, check_compatibility=False), collection)


@pytest.fixture(params=["edge", "server"])
def opened(request: pytest.FixtureRequest, tmp_path: Path, emulator: str) -> Iterator[Store]:
    store = EdgeStore(tmp_path) if request.param == "edge" else at(emulator, str(uuid4()))
    with store as opened:
        yield opened


@pytest.fixture
def index(opened: Store) -> KeptIndex:
    return opened.open(IndexVersion("bm25-1"))


@pytest.fixture
def hybrid(opened: Store) -> KeptIndex:
    return opened.open(HYBRID)


def embedded(index: Index, document: DocumentAccepted) -> None:
    """Index a document by its words, and by vectors of these."""
    index.replace(document)
    index.add_vectors(document, [vector(passage.text, DIMENSIONS) for passage in document.passages])


def ask(
    index: Index, question: str, *, tenant: str = "acme", groups: tuple[str, ...] = ()
) -> list[str]:
    found = index.search(question, tenant=tenant, groups=groups, limit=10)
    return [hit.passage.text for hit in found]


def test_the_passage_that_shares_the_rarest_words_comes_first(index: Index) -> None:
    index.replace(document())

    assert ask(index, "How were complaints answered?")[0] == TEXTS[3]
    assert ask(index, "Who approves a loan?")[0] == TEXTS[1]


def test_a_number_is_found_however_its_thousands_are_separated(index: Index) -> None:
    index.replace(document())

    assert ask(index, "Where does 3200 come from?") == [TEXTS[0]]


def test_a_passage_is_found_by_its_documents_title(index: Index) -> None:
    index.replace(document("a", ("Margins were stable.",), title="Annual report of Tidewater"))
    index.replace(document("b", ("Margins were stable.",), title="Annual report of Northgate"))

    found = index.search("Northgate margins", tenant="acme", groups=(), limit=1)

    assert [hit.passage.document_id for hit in found] == ["b"]


def test_a_found_passage_comes_back_whole(index: Index) -> None:
    accepted = document(title="Annual report")
    index.replace(accepted)

    found = index.search("complaints", tenant="acme", groups=(), limit=1)

    assert found[0].passage == accepted.passages[3]
    assert found[0].score > 0


def test_a_question_of_stop_words_alone_finds_nothing(index: Index) -> None:
    index.replace(document())

    assert ask(index, "What is it that they had?") == []
    assert ask(index, "?!") == []


def test_an_empty_index_finds_nothing(index: Index) -> None:
    assert ask(index, "revenue") == []


def test_a_replaced_document_leaves_no_old_passage_behind(index: Index) -> None:
    index.replace(document())
    index.replace(document(texts=("Revenue for 2020 was $4,000 million.",)))

    assert ask(index, "revenue complaints loans capital") == [
        "Revenue for 2020 was $4,000 million."
    ]


def valid_from(time: datetime, document: DocumentAccepted) -> DocumentAccepted:
    return document.model_copy(update={"valid_from": time})


def test_what_is_valid_from_a_later_time_on_is_not_found_before(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, month = datetime.now(UTC), timedelta(days=30)
    index.replace(valid_from(now - month, document("old", ("Limits since March.",))))
    index.replace(valid_from(now + month, document("new", ("Limits from July on.",))))
    index.replace(document("always", ("Limits as ever.",)))

    assert sorted(ask(index, "limits")) == ["Limits as ever.", "Limits since March."]
    monkeypatch.setattr("time.time", lambda: (now + month).timestamp() + 1)
    assert len(ask(index, "limits")) == 3


def test_a_state_that_is_not_valid_yet_replaces_the_earlier_one_all_the_same(index: Index) -> None:
    later = datetime.now(UTC) + timedelta(days=30)
    index.replace(document("limits", ("Limits since March.",)))
    index.replace(valid_from(later, document("limits", ("Limits from July on.",))))

    assert ask(index, "limits") == []


def test_a_repeated_replacement_changes_nothing(index: Index) -> None:
    index.replace(document())
    before = ask(index, "revenue in 2019")
    index.replace(document())

    assert ask(index, "revenue in 2019") == before


def test_a_replacement_that_stopped_half_way_is_finished_by_its_repetition(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.replace(document())
    newer = document(texts=("Complaints are answered within five working days.",))
    with monkeypatch.context() as patched:
        broken = _break_deletion(index, patched)
        with pytest.raises(broken):
            index.replace(newer)
    index.replace(newer)

    assert ask(index, "complaints loans revenue capital") == [newer.passages[0].text]


def _break_deletion(index: Index, patched: pytest.MonkeyPatch) -> type[Exception]:
    class StoppedError(Exception):
        pass

    def stop(*_: object, **__: object) -> None:
        raise StoppedError

    if isinstance(index, EdgeIndex):

        class Operations:
            upsert_points = qdrant_edge.UpdateOperation.upsert_points
            delete_points_by_filter = stop

        patched.setattr(qdrant_edge, "UpdateOperation", Operations)
    else:
        assert isinstance(index, ServerIndex)
        patched.setattr(index._client, "delete", stop)
    return StoppedError


def test_a_removed_document_is_not_found_and_others_are(index: Index) -> None:
    index.replace(document("a"))
    index.replace(document("b", ("Complaints go to the ombudsman.",)))
    index.remove("acme", "a")
    index.remove("acme", "never there")

    assert ask(index, "complaints loans") == ["Complaints go to the ombudsman."]


def test_a_tenant_never_sees_another_tenants_document_of_the_same_id(index: Index) -> None:
    index.replace(document(texts=("Acme's complaints.",), tenant="acme"))
    index.replace(document(texts=("Bravo's complaints.",), tenant="bravo"))

    assert ask(index, "complaints", tenant="acme") == ["Acme's complaints."]
    assert ask(index, "complaints", tenant="bravo") == ["Bravo's complaints."]
    index.remove("bravo", "report")
    assert ask(index, "complaints", tenant="acme") == ["Acme's complaints."]


def test_a_document_is_seen_by_its_groups_and_by_no_one_else(index: Index) -> None:
    index.replace(document("a", ("Complaints of the board.",), groups=("board", "audit")))
    index.replace(document("b", ("Complaints of everyone.",)))
    index.replace(document("c", ("Complaints of nobody.",), groups=()))

    assert ask(index, "complaints") == ["Complaints of everyone."]
    assert ask(index, "complaints", groups=("sales",)) == ["Complaints of everyone."]
    assert sorted(ask(index, "complaints", groups=("sales", "audit"))) == [
        "Complaints of everyone.",
        "Complaints of the board.",
    ]


def test_a_document_whose_groups_narrow_is_hidden_at_once(index: Index) -> None:
    index.replace(document(texts=("Complaints, first version.",)))
    index.replace(document(texts=("Complaints, first version.",), groups=("board",)))

    assert ask(index, "complaints") == []
    assert ask(index, "complaints", groups=("board",)) == ["Complaints, first version."]


def test_a_hidden_document_does_not_change_the_scores_of_what_is_seen(index: Index) -> None:
    index.replace(document())
    before = index.search("complaints 2019", tenant="acme", groups=(), limit=10)
    index.replace(document("secret", ("Complaints complaints 2019.",) * 5, groups=("board",)))

    assert index.search("complaints 2019", tenant="acme", groups=(), limit=10) == before


def near(text: str) -> list[float]:
    return vector(text, DIMENSIONS)


def hits(
    index: Index, question: str, like: str, *, tenant: str = "acme", groups: tuple[str, ...] = ()
) -> list[str]:
    found = index.search(question, tenant=tenant, groups=groups, limit=10, vector=near(like))
    return [hit.passage.text for hit in found]


def test_a_passage_that_shares_no_word_with_the_question_is_found_by_its_vector(
    hybrid: KeptIndex,
) -> None:
    embedded(hybrid, document())

    assert TEXTS[1] not in ask(hybrid, "grievances")
    assert hits(hybrid, "grievances", like=TEXTS[1])[0] == TEXTS[1]
    assert hits(hybrid, "?!", like=TEXTS[1])[0] == TEXTS[1]


def test_what_both_searches_find_comes_before_what_only_one_finds(hybrid: KeptIndex) -> None:
    both, words, meaning = "Loans are approved.", "Loans. Loans. Loans.", "Credit is granted."
    embedded(hybrid, document(texts=(both, words, meaning)))

    found = hybrid.search(
        "loans approved", tenant="acme", groups=(), limit=3, vector=near("Loans approved granted")
    )

    assert found[0].passage.text == both
    assert found[0].score == pytest.approx(2 / 60, rel=1e-3)  # first in both


def test_without_a_vector_a_hybrid_index_answers_by_words_alone(hybrid: KeptIndex) -> None:
    embedded(hybrid, document())

    assert ask(hybrid, "Who approves a loan?") == [TEXTS[1]]


def test_what_has_no_vector_yet_is_found_by_its_words(hybrid: KeptIndex) -> None:
    hybrid.replace(document())

    assert hybrid.lacks_vectors(document())
    assert hits(hybrid, "Who approves a loan?", like="anything") == [TEXTS[1]]


def test_a_vector_opens_no_door_to_another_tenant_or_group(hybrid: KeptIndex) -> None:
    embedded(hybrid, document("a", ("Complaints of the board.",), groups=("board",)))
    embedded(hybrid, document("b", ("Complaints of bravo.",), tenant="bravo"))

    assert hits(hybrid, "complaints", like="Complaints of the board.") == []
    assert hits(hybrid, "complaints", like="Complaints", groups=("board",)) == [
        "Complaints of the board."
    ]
    assert hits(hybrid, "complaints", like="Complaints", tenant="bravo") == ["Complaints of bravo."]


def test_hidden_documents_do_not_change_the_fused_scores_of_what_is_seen(
    hybrid: KeptIndex,
) -> None:
    embedded(hybrid, document())
    question = "complaints 2019"
    told: dict[str, Any] = {"tenant": "acme", "groups": (), "limit": 10, "vector": near(question)}
    before = hybrid.search(question, **told)
    embedded(hybrid, document("secret", ("Complaints complaints 2019.",) * 5, groups=("board",)))

    assert hybrid.search(question, **told) == before


def test_a_repeated_replacement_keeps_vectors_and_another_version_has_none(
    hybrid: KeptIndex,
) -> None:
    embedded(hybrid, document())
    hybrid.replace(document())
    assert not hybrid.lacks_vectors(document())

    narrowed = document(groups=("board",))
    hybrid.replace(narrowed)

    assert hybrid.lacks_vectors(narrowed)
    assert not hybrid.lacks_vectors(document())  # it is not there any more


def test_vectors_that_come_too_late_bring_nothing_back(hybrid: KeptIndex) -> None:
    hybrid.replace(document())
    newer = document(texts=("Complaints are answered within five working days.",))
    hybrid.replace(newer)
    hybrid.add_vectors(document(), [near(text) for text in TEXTS])
    assert hybrid.lacks_vectors(newer)

    hybrid.remove("acme", "report")
    hybrid.add_vectors(newer, [near(newer.passages[0].text)])

    assert hits(hybrid, "complaints", like="complaints") == []


@contextmanager
def server(version: IndexVersion = HYBRID) -> Iterator[ServerIndex]:
    with ServerStore(lambda: QdrantClient(":memory:"), "passages") as opened:
        yield opened.open(version)


@pytest.fixture(scope="module")
def shared_edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EdgeIndex]:
    """One shard for the many examples of a property: each has tenants of its own."""
    with EdgeIndex(tmp_path_factory.mktemp("edge"), DIMENSIONS) as edge:
        yield edge


groups = st.sets(st.sampled_from(["board", "audit", "sales", EVERYONE]), max_size=3).map(
    lambda names: tuple(sorted(names))
)
tenants = st.sampled_from(["acme", "bravo"])


@given(
    documents=st.lists(st.tuples(tenants, st.integers(0, 5), groups), min_size=1, max_size=12),
    asker=st.tuples(tenants, groups),
)
@settings(max_examples=40, deadline=None)
def test_whoever_asks_gets_exactly_what_their_groups_allow(
    shared_edge: EdgeIndex,
    documents: list[tuple[str, int, tuple[str, ...]]],
    asker: tuple[str, tuple[str, ...]],
) -> None:
    example = str(uuid4())
    newest: dict[tuple[str, str], tuple[str, ...]] = {}
    tenant, held = asker
    with server() as at_server:
        for index in (shared_edge, at_server):
            for owner, number, allowed in documents:
                accepted = document(
                    f"d{number}", ("Complaints.",), tenant=owner + example, groups=allowed
                )
                index.replace(accepted)
                newest[owner, accepted.document_id] = allowed

            found = index.search("complaints", tenant=tenant + example, groups=held, limit=20)

            assert {hit.passage.document_id for hit in found} == {
                document_id
                for (owner, document_id), allowed in newest.items()
                if owner == tenant and {*held, EVERYONE} & {*allowed}
            }


WORDS = ("revenue", "loan", "branch", "complaint", "2019", "3,200", "margin", "credit", "board")


@given(
    texts=st.lists(
        st.lists(st.sampled_from(WORDS), min_size=1, max_size=30).map(" ".join),
        min_size=1,
        max_size=20,
    ),
    replaced=st.lists(st.sampled_from(WORDS), min_size=1, max_size=10).map(" ".join),
    question=st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join),
)
@settings(max_examples=40, deadline=None)
def test_both_indexes_rank_alike(
    shared_edge: EdgeIndex, texts: list[str], replaced: str, question: str
) -> None:
    tenant = str(uuid4())
    rankings = []
    with server() as at_server:
        for index in (shared_edge, at_server):
            for number, text in enumerate(texts):
                index.replace(document(f"d{number:02}", (text, "The board."), tenant=tenant))
            index.replace(document("d00", (replaced,), tenant=tenant))
            found = index.search(question, tenant=tenant, groups=(), limit=50)
            rankings.append([(hit.passage.document_id, hit.passage.id) for hit in found])
            assert [hit.score for hit in found] == pytest.approx(
                sorted((hit.score for hit in found), reverse=True), abs=1e-3
            )

    assert rankings[0] == rankings[1]


def test_two_processes_in_one_place_do_not_meet(tmp_path: Path) -> None:
    plain = IndexVersion("bm25-1")
    with EdgeStore(tmp_path) as one, EdgeStore(tmp_path) as other:
        first, second = one.open(plain), other.open(plain)
        first.replace(document())

        assert ask(second, "complaints") == []
        assert ask(first, "complaints") == [TEXTS[3]]


def test_a_shard_is_reopened_with_what_it_had_and_how_far_it_had_got(tmp_path: Path) -> None:
    words, vectors = Progress({0: 7, 1: 3}, is_complete=True), Progress({0: 5}, is_complete=False)
    with EdgeIndex(tmp_path, DIMENSIONS) as old:
        old.adopt("cluster/topic")
        embedded(old, document())
        old.keep_progress("words", words)
        old.keep_progress("vectors", vectors)
    with EdgeIndex(tmp_path, DIMENSIONS) as new:
        new.adopt("cluster/topic")
        assert (new.progress("words"), new.progress("vectors")) == (words, vectors)
        assert ask(new, "complaints") == [TEXTS[3]]
        assert not new.lacks_vectors(document())
        new.adopt("cluster/another")
        assert new.progress("words") is None
        assert ask(new, "complaints") == []


def test_what_a_killed_process_wrote_after_it_last_kept_its_progress_is_there(
    tmp_path: Path,
) -> None:
    written = f"""
import os, signal
from pathlib import Path
from services.inference.adapters.edge import EdgeIndex
from services.inference.store import Progress
from shared.events import DocumentAccepted, Passage
def document(name):
    passage = Passage(id="1", document_id=name, locator="p. 1", text=f"Complaints of {{name}}.")
    return DocumentAccepted(document_id=name, tenant="acme", passages=(passage,))
index = EdgeIndex(Path({str(tmp_path)!r}))
index.adopt("topic")
index.replace(document("a"))
index.keep_progress("words", Progress({{0: 1}}, True))
index.replace(document("b"))
index.remove("acme", "a")
os.kill(os.getpid(), signal.SIGKILL)
"""
    killed = subprocess.run([sys.executable, "-c", written], check=False)

    assert killed.returncode == -signal.SIGKILL
    with EdgeIndex(tmp_path) as new:
        assert new.progress("words") == Progress({0: 1}, is_complete=True)
        assert ask(new, "complaints") == ["Complaints of b."]


@pytest.mark.parametrize(
    ("torn", "files"),
    [
        ("emptied", "*"),
        ("scrambled", "*"),
        ("halved", "status.dat"),  # Edge panics
        ("halved", "mutable_id_tracker.mappings"),  # Edge goes on with half of the points
        ("without its state", ""),
    ],
)
def test_a_torn_shard_is_built_anew(tmp_path: Path, torn: str, files: str) -> None:
    with EdgeIndex(tmp_path) as old:
        old.adopt("topic")
        old.replace(document())
        old.keep_progress("words", Progress({0: 7}, is_complete=True))
    if torn == "without its state":
        (tmp_path / "state.json").unlink()
    for file in (tmp_path / "shard").rglob(files) if files else ():
        if file.is_file():
            whole = file.read_bytes()
            left = {"emptied": b"", "scrambled": b"\xff" * 100, "halved": whole[: len(whole) // 2]}
            file.write_bytes(left[torn])

    with EdgeIndex(tmp_path) as new:
        assert new.progress("words") is None
        assert ask(new, "complaints") == []
        new.replace(document())
        assert ask(new, "complaints") == [TEXTS[3]]


def test_versions_that_nobody_uses_and_retired_ones_are_dropped(
    opened: Store, tmp_path: Path
) -> None:
    plain = IndexVersion("bm25-1")
    for version in (plain, HYBRID):
        opened.open(version).replace(document())
    if isinstance(opened, ServerStore):  # others may use what this process does not
        assert opened.drop(retired=[HYBRID.name], used=[]) == [HYBRID.name]
        assert ask(opened.open(plain), "complaints") == [TEXTS[3]]
        return
    with EdgeStore(tmp_path / "more") as more:
        for version in (plain, HYBRID):
            more.open(version).close()
        assert more.drop(retired=[HYBRID.name], used=[plain.name, HYBRID.name]) == [HYBRID.name]
        assert more.drop(retired=[], used=[]) == [plain.name]


def test_an_unreachable_server_holds_requests_up_and_the_error_says_what_to_check() -> None:
    def connect() -> QdrantClient:
        return QdrantClient("http://127.0.0.1:9", timeout=1, check_compatibility=False)

    with pytest.raises(OverloadedError, match="GLIDESLOPE_QDRANT_URL"), ServerStore(connect, "p"):
        pass

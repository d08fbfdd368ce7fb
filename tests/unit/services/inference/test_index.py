"""One suite over every index."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import qdrant_edge
from hypothesis import given, settings
from hypothesis import strategies as st
from qdrant_client import QdrantClient

from services.inference.adapters.edge import EdgeIndex
from services.inference.adapters.server import ServerIndex
from services.inference.index import Index
from shared.delivery import OverloadedError
from shared.events import EVERYONE, DocumentAccepted, Passage

pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect:UserWarning")

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


def opened(kind: str, folder: Path) -> EdgeIndex | ServerIndex:
    if kind == "edge":
        return EdgeIndex(folder)
    return ServerIndex(lambda: QdrantClient(":memory:"), "passages")


@pytest.fixture(params=["edge", "server"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Index]:
    with opened(request.param, tmp_path) as index:
        yield index


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


@pytest.fixture(scope="module")
def shared_edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EdgeIndex]:
    """One shard for the many examples of a property: each has tenants of its own."""
    with EdgeIndex(tmp_path_factory.mktemp("edge")) as edge:
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
    with ServerIndex(lambda: QdrantClient(":memory:"), "passages") as server:
        for index in (shared_edge, server):
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
    with ServerIndex(lambda: QdrantClient(":memory:"), "passages") as server:
        for index in (shared_edge, server):
            for number, text in enumerate(texts):
                index.replace(document(f"d{number:02}", (text, "The board."), tenant=tenant))
            index.replace(document("d00", (replaced,), tenant=tenant))
            found = index.search(question, tenant=tenant, groups=(), limit=50)
            rankings.append([(hit.passage.document_id, hit.passage.id) for hit in found])
            assert [hit.score for hit in found] == pytest.approx(
                sorted((hit.score for hit in found), reverse=True), abs=1e-3
            )

    assert rankings[0] == rankings[1]


def test_two_edge_indexes_in_one_place_do_not_meet(tmp_path: Path) -> None:
    with EdgeIndex(tmp_path) as first, EdgeIndex(tmp_path) as second:
        first.replace(document())

        assert ask(second, "complaints") == []
        assert ask(first, "complaints") == [TEXTS[3]]


def test_a_new_edge_index_starts_empty_where_an_old_one_was(tmp_path: Path) -> None:
    with EdgeIndex(tmp_path) as old:
        old.replace(document())
    with EdgeIndex(tmp_path) as new:
        assert ask(new, "complaints") == []

    assert [folder.name for folder in tmp_path.iterdir()] == ["0"]


def test_an_unreachable_server_holds_requests_up_and_the_error_says_what_to_check() -> None:
    def connect() -> QdrantClient:
        return QdrantClient("http://127.0.0.1:9", timeout=1, check_compatibility=False)

    with pytest.raises(OverloadedError, match="GLIDESLOPE_QDRANT_URL"), ServerIndex(connect, "p"):
        pass

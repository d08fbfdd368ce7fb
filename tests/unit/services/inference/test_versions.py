import pytest

from services.inference.versions import IndexVersion, UnknownAnalyzerError
from shared.release import BUILT_IN, Release
from shared.retrieval import EmbedderParameters, RerankerParameters

EMBEDDER = EmbedderParameters(model="p:m", dimensions=64)


def release(**changes: object) -> Release:
    return BUILT_IN.model_copy(update=changes)


def name(**changes: object) -> str:
    return IndexVersion.of(release(**changes)).name


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "p:other"},
        {"dimensions": 128},
        {"shortened": True},
        {"passage_prefix": "passage: "},
    ],
)
def test_whatever_changes_the_vectors_is_another_index(changes: dict[str, object]) -> None:
    other = EmbedderParameters(**{**EMBEDDER.model_dump(), **changes})

    assert len({name(), name(embedder=EMBEDDER), name(embedder=other)}) == 3


def test_releases_that_differ_in_something_else_share_an_index() -> None:
    asked = EMBEDDER.model_copy(update={"question_prefix": "query: "})
    reranker = RerankerParameters(model="p:r", candidates=50)

    assert name(embedder=EMBEDDER) == name(embedder=asked, reranker=reranker, name="other")


def test_an_index_that_nobody_here_can_build_is_refused_with_what_to_do() -> None:
    with pytest.raises(UnknownAnalyzerError, match=r"'bm25-9'.*redrive"):
        IndexVersion.of(release(index_version="bm25-9"))


def test_a_release_without_embedder_keeps_its_name() -> None:
    assert "embedder" not in BUILT_IN.model_dump(exclude_none=True)
    assert release(embedder=EMBEDDER).content_hash() != BUILT_IN.content_hash()

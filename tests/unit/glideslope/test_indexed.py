from glideslope.indexed import Indexed, Standing


def indexed(*documents: Standing) -> Indexed:
    return Indexed({each.document_id: each for each in documents})


def parts(count: int, *, of: int, digest: str = "d") -> list[Standing]:
    return [
        Standing(f"big#{number}", digest=digest, part=f"{number}/{of}", part_of="big")
        for number in range(1, count + 1)
    ]


def test_a_file_is_unchanged_when_all_that_it_becomes_was_made_of_just_this() -> None:
    assert indexed(Standing("a", digest="d")).is_unchanged("a", "d")
    assert indexed(*parts(3, of=3)).is_unchanged("big", "d")


def test_a_file_is_sent_again_when_it_or_one_part_of_it_is_another_or_is_missing() -> None:
    assert not indexed().is_unchanged("a", "d")
    assert not indexed(Standing("a", digest="e")).is_unchanged("a", "d")
    assert not indexed(Standing("a")).is_unchanged("a", "d")
    assert not indexed(*parts(2, of=3)).is_unchanged("big", "d")
    assert not indexed(*parts(2, of=3), *parts(3, of=3, digest="e")[2:]).is_unchanged("big", "d")
    assert not indexed(Standing("big", digest="d"), *parts(2, of=2)).is_unchanged("big", "d")


def test_what_a_file_became_earlier_and_does_not_any_more_is_left_over() -> None:
    whole, other = Standing("big", digest="d"), Standing("big2", digest="d")
    assert indexed(whole, other, *parts(3, of=3)).left_over("big", ["big#1", "big#2"]) == [
        "big",
        "big#3",
    ]
    assert indexed(*parts(2, of=2)).left_over("big", ["big"]) == ["big#1", "big#2"]


def test_documents_are_known_by_whose_they_are() -> None:
    known = indexed(Standing("cv", subject="anna"), Standing("b", subject="bob"), Standing("c"))
    assert list(known.about("anna")) == ["cv"]

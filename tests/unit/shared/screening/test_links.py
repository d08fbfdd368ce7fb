import pytest

from shared.screening.links import links_out


@pytest.mark.parametrize(
    ("text", "host", "automatic", "carries"),
    [
        ("see https://example.com/report", "example.com", False, False),
        ("[more](https://example.com/a)", "example.com", False, False),
        ("![](https://evil.example/p.png?data=abc)", "evil.example", True, True),
        ("![x](//evil.example/p.png)", "evil.example", True, False),
        ("<img src='http://evil.example/x'>", "evil.example", True, False),
        ("<a href=https://u.example/?q={answer}>go</a>", "u.example", False, True),
        ("[1]: https://a.example/c", "a.example", False, False),
        ("https://u:p4ss@db.example/x", "db.example", False, True),
    ],
)
def test_a_link_is_known_by_where_it_goes_and_what_it_takes_along(
    text: str, host: str, *, automatic: bool, carries: bool
) -> None:
    (link,) = links_out(text)
    assert (link.host, link.automatic, link.carries) == (host, automatic, carries)
    assert link.url in text[link.start : link.end]


@pytest.mark.parametrize("text", ["", "ratio 3:1", "and/or", "C://", "see [note] (above)"])
def test_a_text_without_an_address_has_no_links(text: str) -> None:
    assert list(links_out(text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "<script src=e.js></script>",
        '<p onload="x">',
        "[x](javascript:f)",
        "see https://a.example and <script>",
    ],
)
def test_a_script_is_found_with_an_address_and_without(text: str) -> None:
    *_, script = links_out(text)
    assert (script.reason, script.automatic, script.carries) == ("a script", True, True)
    assert text[script.start : script.end] == script.url

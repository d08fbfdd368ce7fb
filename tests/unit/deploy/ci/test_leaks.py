from pathlib import Path

import pytest

from deploy.ci.exceptions import Exceptions, Known
from deploy.ci.leaks import find, unknown

GITHUB = "ghp_" + "a1B2c3D4e5F6" * 3


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("deploy/values.yaml", f"token: {GITHUB}"),
        ("docs/x.md", "KAFKA=sasl://app:pa55word@broker:9092"),
        ("a.py", 'client(password="Tr0ub4dor&3")'),
        ("key.pem", "-----BEGIN EC PRIVATE KEY-----\n"),
    ],
)
def test_a_secret_in_a_file_is_found_and_its_value_is_not_shown(path: str, text: str) -> None:
    [leak] = find(path, f"first line\n{text}")

    assert (leak.path, leak.line) == (path, 2)
    assert not any(word in str(leak) for word in (GITHUB, "pa55word", "Tr0ub4dor&3"))


def test_code_that_reads_a_secret_is_none() -> None:
    code = "password = settings.password.get_secret_value()\ntoken: list[str] = []\n"

    assert list(find("a.py", code)) == []


@pytest.mark.parametrize(
    "text",
    [
        "url: postgresql://review:${PASSWORD}@db/review",
        "url: postgresql://review:PASSWORD@db/review",
        "url: postgresql://review:…@db/review",
        'printf "postgresql://review:%s@db/review"',
        "ingest: {secret: kafka-ingest}",
        "arn:aws:secretsmanager:eu:1:secret:${deployment}/audit/*",
    ],
)
def test_a_place_that_is_filled_in_elsewhere_is_none(text: str) -> None:
    assert list(find("a.yaml", text)) == []


def test_an_exception_is_for_one_value_of_one_file() -> None:
    [known] = find("a.md", "password = Tr0ub4dor&3")
    allowed = [Known(path="a.md", digests=frozenset({known.digest}), reason="made up for a test")]
    [other_file] = find("b.md", "password = Tr0ub4dor&3")
    [other_value] = find("a.md", "password = Tr0ub4dor&4")

    left, unused = unknown([known, other_file, other_value], allowed)

    assert left == [other_file, other_value]
    assert unused == []


def test_an_exception_that_nothing_needs_any_more_is_told() -> None:
    allowed = [Known(path="gone.md", digests=frozenset({"0" * 16}), reason="made up for a test")]

    assert unknown([], allowed) == ([], ["gone.md 0000000000000000"])


def test_an_exception_without_a_reason_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "exceptions.toml"
    file.write_text('[[secret]]\npath = "a.md"\ndigests = []\n')

    with pytest.raises(ValueError, match="reason"):
        Exceptions.read(file)

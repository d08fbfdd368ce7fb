"""The generated documents: as the code is, valid, and no break with what was published."""

import json
import os
import re
import subprocess
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from glideslope import declarations, docs, variables
from glideslope.docs import asyncapi, contract, examples, schemas
from glideslope.docs.evolution import breaks
from shared import topics
from shared.topics import Topic

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
WITH_DATA = [topic for topic in topics.ALL if topic.data is not None]


@cache  # and not while tests are collected, which each worker does
def pages() -> dict[str, str]:
    return docs.pages()


@cache
def declared() -> list[declarations.Declaration]:
    return declarations.found()


@cache
def rows() -> dict[str, contract.Row]:
    return {row.topic.name: row for row in contract.rows(declared())}


def name(topic: Topic) -> str:
    return topic.name


def test_every_generated_page_is_as_the_code_is() -> None:
    for page, text in pages().items():
        path = DOCS / page
        written = path.read_text(encoding="utf-8") if path.exists() else ""
        assert written == text, f"docs/{page} is not as the code is: run `make docs`"


def test_there_are_no_schemas_of_events_that_are_no_more() -> None:
    there = {f"schemas/{path.name}" for path in (DOCS / "schemas").glob("*.json")}
    assert there <= set(pages()), "run `make docs`"


def test_pages_do_not_depend_on_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLIDESLOPE_TOPIC_PREFIX", "other.")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "kafka.acme.example:9092")
    assert docs.pages() == pages()


def test_writing_replaces_what_differs_and_removes_what_is_no_more(tmp_path: Path) -> None:
    (tmp_path / "schemas").mkdir()
    stale, gone = tmp_path / "settings.md", tmp_path / "schemas" / "glideslope.gone.v1.json"
    stale.write_text("old")
    gone.write_text("{}")
    assert set(docs.write(tmp_path)) == {*(tmp_path / page for page in pages()), gone}
    assert stale.read_text(encoding="utf-8") == pages()["settings.md"]
    assert not gone.exists()
    assert docs.write(tmp_path) == []


# ── AsyncAPI ──────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(pages()["asyncapi.json"])
    return parsed


def test_the_asyncapi_document_is_valid(document: dict[str, Any]) -> None:
    from jsonschema import Draft7Validator  # noqa: PLC0415 - a second to load, in each worker

    schema = json.loads((Path(__file__).parent / "asyncapi-3.0.0.schema.json").read_text())
    errors = [
        f"{e.json_path}: {e.message[:200]}" for e in Draft7Validator(schema).iter_errors(document)
    ]
    assert errors == []


def test_every_reference_of_the_asyncapi_document_leads_somewhere(document: dict[str, Any]) -> None:
    references = set(re.findall(r'"\$ref": "#/([^"]+)"', pages()["asyncapi.json"]))
    assert references
    for reference in references:
        found: Any = document
        for step in reference.split("/"):
            found = found[step]


def test_every_topic_is_a_channel_with_its_event(document: dict[str, Any]) -> None:
    assert list(document["channels"]) == [topic.name for topic in topics.ALL]
    for topic in topics.ALL:
        assert list(document["channels"][topic.name]["messages"]) == [topic.event_type]


def test_operations_are_what_the_services_declare(document: dict[str, Any]) -> None:
    operations = document["operations"]
    assert operations["audit.send.results"]["action"] == "send"
    assert operations["ingest.receive.requests"]["action"] == "receive"
    assert [o for o in operations if o.endswith(".send.results")] == ["audit.send.results"]
    assert [o for o in operations if re.fullmatch(r"audit\.receive\..*", o)] == [
        f"audit.receive.{topic.name}" for topic in topics.ALL
    ]


def test_services_take_and_give_the_data_that_a_topic_carries() -> None:
    for service in declared():
        for topic, payload in service.payloads.items():
            if payload is not None:
                assert topic.data is not None
                assert set(payload["properties"]) == set(topic.data.model_fields), topic.name


# ── JSON Schemas ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("topic", WITH_DATA, ids=name)
def test_an_example_is_valid_against_its_schema(topic: Topic) -> None:
    from jsonschema import (  # noqa: PLC0415 - as above
        Draft202012Validator,
        FormatChecker,
    )

    schema = schemas.schema(topic)
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema, format_checker=FormatChecker())
    assert list(validator.iter_errors(examples.data(topic))) == []
    assert list(validator.iter_errors({"unknown": 1})) != []


@pytest.mark.parametrize("topic", WITH_DATA, ids=name)
def test_an_example_is_readable_as_the_topics_event(topic: Topic) -> None:
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - as above

    assert topic.data is not None
    topic.data.model_validate_json(json.dumps(examples.data(topic)))
    validator = Draft202012Validator(asyncapi.attributes())
    assert list(validator.iter_errors(examples.headers(topic))) == []
    assert examples.headers(topic)["ce_type"] == topic.event_type


def test_a_topic_without_a_model_has_no_schema() -> None:
    with pytest.raises(ValueError, match=r"dead\.letters"):
        schemas.schema(topics.DEAD_LETTERS)


def published() -> tuple[str, dict[str, str]]:
    """Return the schemas of the last release, or of the last commit while there is none."""
    base = git("describe", "--tags", "--abbrev=0", "--match", "v*").strip() or "HEAD"
    listed = git("ls-tree", "-r", "--name-only", base, "docs/schemas")
    return base, {path: git("show", f"{base}:{path}") for path in listed.splitlines()}


def git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False, timeout=30
    )
    return done.stdout if done.returncode == 0 else ""


def test_schemas_only_ever_gain_optional_fields() -> None:
    base, before = published()
    if not before:
        pytest.skip("not a git checkout with committed schemas: nothing to compare with")
    for path, text in before.items():
        page = path.removeprefix("docs/")
        assert page in pages(), f"{path} is gone: an event type stays, a new version is a new topic"
        found = breaks(json.loads(text), json.loads(pages()[page]))
        assert not found, (
            f"{path} would break who relies on it as it was at {base}. Make the change optional, "
            f"or a new topic version (….v2): {'; '.join(found)}"
        )


# ── the contract page ─────────────────────────────────────────────────────────────────────────


class Page(HTMLParser):
    """What a reader, or a screen reader, would find."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(pages()["contract.html"])
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def having(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for found, attributes in self.tags if found == tag]


def test_the_page_loads_nothing_and_runs_nothing() -> None:
    page = Page()
    loading = {"script", "link", "img", "iframe", "object", "embed", "video", "audio", "source"}
    assert {tag for tag, _ in page.tags} & loading == set()
    assert [a for _, a in page.tags if "src" in a or any(n.startswith("on") for n in a)] == []
    style = pages()["contract.html"].partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style


def test_the_page_fits_small_screens_and_dark_ones() -> None:
    (viewport,) = [meta for meta in Page().having("meta") if meta.get("name") == "viewport"]
    assert viewport["content"] == "width=device-width, initial-scale=1"
    assert "prefers-color-scheme: dark" in pages()["contract.html"]


def test_every_table_of_the_page_has_a_caption_and_headers() -> None:
    page = Page()
    assert len(page.having("caption")) == len(page.having("table")) > len(WITH_DATA)
    assert all(th.get("scope") in {"col", "row"} for th in page.having("th"))


def test_every_link_of_the_page_leads_somewhere() -> None:
    page = Page()
    ids = {str(attributes["id"]) for _, attributes in page.tags if "id" in attributes}
    for link in page.having("a"):
        target = str(link["href"])
        if target.startswith("#"):
            assert target[1:] in ids
        elif not target.startswith("https://"):
            assert (DOCS / target).exists(), target


@pytest.mark.parametrize("topic", topics.ALL, ids=name)
def test_the_page_says_who_writes_and_who_reads_a_topic(topic: Topic) -> None:
    row = rows()[topic.name]
    assert row.writers
    assert row.readers
    assert row.about
    assert f'id="{topic.name}"' in pages()["contract.html"]


def test_the_page_describes_nested_fields_under_the_field_that_holds_them() -> None:
    found = [
        (f.depth, f.name, f.type, f.required)
        for f in contract.fields(schemas.schema(topics.REQUESTS))
    ]
    assert found == [
        (0, "question", "string, 1 to 8,000 characters", True),
        (0, "passages", "list of object", False),
        (1, "id", "string, 1 to 512 characters", True),
        (1, "text", "string, 1 or more characters", True),
        (0, "principal", "object or null", False),
        (1, "id", "string, 1 to 512 characters", True),
        (1, "groups", "list of string, 1 to 512 characters", False),
        (0, "metadata", "map to string", False),
        (0, "deadline", "RFC 3339 time or null", False),
    ]


# ── the settings page ─────────────────────────────────────────────────────────────────────────


def test_every_setting_of_every_service_is_on_the_page_with_its_meaning() -> None:
    for service in declared():
        for field_name, field in service.settings.model_fields.items():
            variable = service.settings.variable(field_name)
            assert field.description, f"{variable} needs a description"
            assert pages()["settings.md"].count(f"| `{variable}` |") == 1


def test_every_default_on_the_page_may_be_written_into_the_environment_as_it_stands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    listed = re.findall(
        r"^\| `(\w+)` \| (?:`(.+?)`|not set) \|", pages()["settings.md"], re.MULTILINE
    )
    defaults = {variable: default for variable, default in listed if default}
    assert defaults["GLIDESLOPE_RETRY_DELAYS_SECONDS"] == "[5.0,30.0]"
    for service in declared():
        for variable in os.environ.keys() & {row[0] for row in listed}:
            monkeypatch.delenv(variable)
        expected = service.settings()
        for variable, default in defaults.items():
            monkeypatch.setenv(variable, default)
        assert service.settings() == expected


def test_every_environment_variable_that_the_code_reads_is_on_the_page() -> None:
    read = {
        name
        for folder in ("glideslope", "services", "shared")
        for path in (ROOT / folder).rglob("*.py")
        for name in re.findall(
            r"(?:environ(?:ment)?(?:\.get\(|\[)\"|: Final = \"(?=GLIDESLOPE_\w))(\w+)\"",
            path.read_text("utf-8"),
        )
    }
    assert {"GLIDESLOPE_KAFKA", "JAVA_HOME", "NOTIFY_SOCKET"} <= read
    ours = read - {"PATH"}  # a program's own, like the locale
    assert [name for name in sorted(ours) if f"| `{name}` |" not in pages()["settings.md"]] == []
    told = {each.name for each in variables.OTHERS if each.reader is not variables.Reader.TESTS}
    assert told <= read

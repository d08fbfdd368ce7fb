"""Who may do what, asked of a real Kafka with a real authorizer: all of it, and nothing else."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from glideslope.access import Kind, Operation, Principal, principals
from glideslope.topics import create_topics
from shared import topics
from shared.settings import Settings
from tests.probe import Asked, probing
from tests.secured import Secured, secured_kafka

pytestmark = pytest.mark.kafka

PREFIX = "m."
EVERYBODY = {each.name: each for each in principals(Settings(topic_prefix=PREFIX))}
NOBODY = Principal("nobody", "", ())
SERVICES = [name for name, each in EVERYBODY.items() if each.is_service]
TOPICS = [*(f"{PREFIX}{topic.name}" for topic in topics.ALL), "others"]
GROUPS = [
    *(f"{PREFIX}{name}" for name in EVERYBODY),
    *(f"{PREFIX}{name}" for name in ("inference.documents", "review-outbox", "stranger")),
    *SERVICES,
]
WRITERS = [
    *(f"{PREFIX}{name}-{PREFIX}requests-0" for name in SERVICES),
    *(f"{PREFIX}{name}" for name in ("dlq.redrive-0", "releases-1", "routing", "stranger")),
    *(f"{name}-requests-0" for name in SERVICES),
]
NAMES = {Kind.TOPIC: TOPICS, Kind.GROUP: GROUPS, Kind.TRANSACTIONAL_ID: WRITERS}

Answers = dict[str, dict[Asked, bool]]


async def asked(kafka: Secured, home: Path) -> Answers:
    """Let the installer create the topics; then ask everything as everybody."""
    await create_topics(kafka.settings("installer", home, topic_prefix=PREFIX))
    answers: Answers = {}
    for user in (*EVERYBODY, NOBODY.name):
        async with probing(kafka.settings(user, home)) as probe:
            answers[user] = {
                **await probe.topics(TOPICS),
                **await probe.groups(GROUPS),
                **await probe.writers(WRITERS),
                **await probe.cluster(),
            }
    return answers


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    home = tmp_path_factory.mktemp("secured")
    with secured_kafka(home, [*EVERYBODY, NOBODY.name]) as cluster:
        cluster.grant(*EVERYBODY.values())
        yield cluster


@pytest.fixture(scope="module")
def answers(kafka: Secured, tmp_path_factory: pytest.TempPathFactory) -> Answers:
    return asyncio.run(asked(kafka, tmp_path_factory.mktemp("home")))


@pytest.mark.parametrize("user", [*EVERYBODY, NOBODY.name])
def test_everybody_may_do_what_is_declared_and_nothing_else(user: str, answers: Answers) -> None:
    principal = EVERYBODY.get(user, NOBODY)
    declared = {
        (operation.value, kind.value, name)
        for kind, names in NAMES.items()
        for name in names
        for operation in Operation
        if principal.may(operation, kind, name)
    }
    allowed = {each for each, passes in answers[user].items() if passes}

    assert allowed == declared
    assert len(answers[user]) == 7 * len(TOPICS) + 3 * len(GROUPS) + 2 * len(WRITERS) + 3


def test_nobody_but_audit_writes_results(answers: Answers) -> None:
    write = ("Write", "Topic", f"{PREFIX}results")
    assert [user for user, given in answers.items() if given[write]] == ["audit"]


def test_a_foreign_system_that_asks_writes_requests_and_reads_results(answers: Answers) -> None:
    allowed = {
        (operation, name)
        for (operation, kind, name), passes in answers["asker"].items()
        if passes and kind == "Topic" and operation != "Describe"
    }
    assert allowed == {("Write", f"{PREFIX}requests"), ("Read", f"{PREFIX}results")}

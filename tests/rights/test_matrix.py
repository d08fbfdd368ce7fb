"""Who may do what, asked of a real Kafka with a real authorizer: all of it, and nothing else."""

import asyncio
import base64
import gc
import json
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest
from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError
from aiokafka.protocol.metadata import MetadataRequest
from aws_msk_iam_sasl_signer import MSKAuthTokenProvider

from glideslope import cluster
from glideslope.access import Kind, Operation, Principal, principals
from glideslope.access.principals import NAMES
from glideslope.cluster import RefusedError, TopicsMissingError
from glideslope.topics import create_topics
from services.validator.app import build
from services.validator.settings import Settings as ValidatorSettings
from shared import topics
from shared.delivery import FatalError
from shared.delivery.engine import Engine
from shared.delivery.transactions import KafkaTransactions
from shared.msk import MskTokens
from shared.release import Release, UnknownReleaseError
from shared.settings import Settings
from tests.authority import Authority
from tests.probe import Asked, probing
from tests.secured import Secured, secured_kafka

pytestmark = [
    pytest.mark.kafka,
    # aiokafka closes without waiting for TLS to say goodbye, and a test's loop may be gone by then
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

PREFIX = "m."
NOBODY = Principal("nobody", "", ())
HALF = "half"
"""A validator that may not commit."""
SERVICES = tuple(topics.RETRIES)
TOPICS = [*(f"{PREFIX}{topic.name}" for topic in topics.ALL), "others"]
GROUPS = [
    *(f"{PREFIX}{name}" for name in NAMES),
    *(f"{PREFIX}{name}" for name in ("inference.documents", "review-outbox", "stranger")),
    *SERVICES,
]
WRITERS = [
    *(f"{PREFIX}{name}-{PREFIX}requests-0" for name in SERVICES),
    *(f"{PREFIX}{name}" for name in ("dlq.redrive-0", "releases-1", "routing", "stranger")),
    *(f"{name}-requests-0" for name in SERVICES),
]
ASKED = {Kind.TOPIC: TOPICS, Kind.GROUP: GROUPS, Kind.TRANSACTIONAL_ID: WRITERS}

Answers = dict[str, dict[Asked, bool]]


@cache  # and not while tests are collected, which each worker does
def everybody() -> dict[str, Principal]:
    return {each.name: each for each in principals(Settings(topic_prefix=PREFIX))}


def half() -> Principal:
    rights = everybody()["validator"].rights
    return Principal(HALF, "", tuple(r for r in rights if r.kind is not Kind.TRANSACTIONAL_ID))


async def asked(kafka: Secured, home: Path) -> Answers:
    """Let the installer create the topics; then ask everything as everybody."""
    await create_topics(kafka.settings("installer", home, topic_prefix=PREFIX, partitions=1))
    answers: Answers = {}
    for user in (*NAMES, NOBODY.name):
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
    with secured_kafka(home, [*NAMES, NOBODY.name, HALF]) as cluster:
        cluster.grant(*everybody().values(), half())
        yield cluster
    gc.collect()  # what was left open is not to be found during somebody else's test


@pytest.fixture(scope="module")
def answers(kafka: Secured, tmp_path_factory: pytest.TempPathFactory) -> Answers:
    return asyncio.run(asked(kafka, tmp_path_factory.mktemp("home")))


@pytest.mark.parametrize("user", [*NAMES, NOBODY.name])
def test_everybody_may_do_what_is_declared_and_nothing_else(user: str, answers: Answers) -> None:
    principal = everybody().get(user, NOBODY)
    declared = {
        (operation.value, kind.value, name)
        for kind, names in ASKED.items()
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


async def test_a_replaced_certificate_is_who_we_are_from_the_next_connection_on(
    kafka: Secured, tmp_path: Path
) -> None:
    given = Settings(
        home=tmp_path,
        bootstrap_servers=kafka.mutual,
        kafka_security_protocol="SSL",
        kafka_ssl_ca_file=kafka.authority.file,
        kafka_ssl_certificate_file=kafka.authority.issue("before", "client"),
    )
    async with cluster.bare_client(given) as client:
        await client.force_metadata_update()
        assert await known_as(client, kafka, "CN=before")
        kafka.authority.issue("after", "client")
        assert not await known_as(client, kafka, "CN=after")  # the connection is still the old one

        for connection in list(client._conns.values()):
            connection.close()  # as a broker does that restarts, or has been idle for long
        assert await known_as(client, kafka, "CN=after")


async def known_as(client: AIOKafkaClient, kafka: Secured, name: str) -> bool:
    """Ask for a topic, and say whether that was asked by `name`."""
    topic = f"{PREFIX}requests"
    for _ in range(3):  # a client whose connection has just been closed may say so once
        with suppress(KafkaError):
            await client.send(
                client.get_random_node(), MetadataRequest([topic], allow_auto_topic_creation=False)
            )
            break
    return any(each[0] == name and each[-1] == topic for each in kafka.decisions())


async def test_a_token_that_is_signed_for_us_is_who_we_are(
    kafka: Secured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # This broker takes an unsigned token at its word; one that checks AWS's is not to be had.
    def sign(region: str) -> tuple[str, int]:
        assert region == "eu-central-1"
        ends = int(time.time()) + 900
        parts = ({"alg": "none"}, {"sub": "reader", "iat": ends - 900, "exp": ends})
        encoded = (base64.urlsafe_b64encode(json.dumps(part).encode()) for part in parts)
        return ".".join(each.decode().rstrip("=") for each in encoded) + ".", ends * 1000

    monkeypatch.setattr(MSKAuthTokenProvider, "generate_auth_token", sign)
    monkeypatch.setattr("shared.connection._tokens", MskTokens)  # none that an earlier test got
    told = {"kafka_sasl_mechanism": "AWS_MSK_IAM", "kafka_aws_region": "eu-central-1"}
    async with probing(kafka.settings("reader", tmp_path, **told)) as probe:
        asked = await probe.topics([f"{PREFIX}results", f"{PREFIX}requests"])
    assert {name for (operation, _, name), passes in asked.items() if passes} == {
        f"{PREFIX}results"
    }


@pytest.mark.parametrize("wrong", ["password", "authority"])
async def test_who_is_not_let_in_is_told_what_to_look_at(
    kafka: Secured, tmp_path: Path, wrong: str
) -> None:
    other = Authority(tmp_path)
    changed: dict[str, dict[str, object]] = {
        "password": {"kafka_sasl_password": "not it"},
        "authority": {"kafka_ssl_ca_file": other.file},
    }
    given = kafka.settings("reader", tmp_path, **changed[wrong])
    with pytest.raises(RefusedError, match=r"over SASL_SSL.*KAFKA_SSL_CA_FILE.* knows reader"):
        async with cluster.admin(given):
            pass


@pytest.mark.usefixtures("answers")  # they have the topics created
async def test_a_service_that_may_not_see_its_topics_stops_and_says_what_it_needs(
    kafka: Secured, tmp_path: Path
) -> None:
    told = {"home": tmp_path, "topic_prefix": PREFIX, **kafka.login(NOBODY.name)}
    service = build(ValidatorSettings.model_validate(told), releases=Known())
    with pytest.raises(FatalError, match=r"m\.answers\.approved, .*`glideslope access kafka`"):
        await Engine(service).run()


@pytest.mark.usefixtures("answers")
async def test_who_may_not_commit_for_a_partition_is_told_what_it_needs(
    kafka: Secured, tmp_path: Path
) -> None:
    given = kafka.settings(HALF, tmp_path)
    drafted = TopicPartition(f"{PREFIX}answers.drafted", 0)
    async with cluster.admin(given) as admin:
        owner = KafkaTransactions(drafted, group=f"{PREFIX}validator", settings=given, admin=admin)
        with pytest.raises(FatalError, match=r"take .* over.*`glideslope access kafka`"):
            await owner.start()
        await owner.close()


class Known:
    """Releases, of which none is asked for."""

    async def get(self, release: str) -> Release:
        raise UnknownReleaseError(release)


@pytest.mark.usefixtures("answers")
async def test_a_command_that_may_not_see_a_topic_says_so(kafka: Secured, tmp_path: Path) -> None:
    given = kafka.settings("asker", tmp_path, topic_prefix=PREFIX)
    with pytest.raises(TopicsMissingError, match="or get the right to see them"):
        async with cluster.reader(given, topics.DEAD_LETTERS):
            pass

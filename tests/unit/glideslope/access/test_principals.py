import importlib
import typing
from functools import cache

import pytest

from glideslope.access import Kind, Operation, Principal, principals
from glideslope.access.principals import NAMES, UnknownRoleError, chosen
from glideslope.status import CONSUMED
from shared import topics
from shared.delivery import Service
from shared.delivery.engine import Engine
from shared.settings import Settings

SETTINGS = Settings(topic_prefix="p.")
SERVICES = tuple(topics.RETRIES)


@cache  # and not while tests are collected, which each worker does
def everybody() -> dict[str, Principal]:
    return {each.name: each for each in principals(SETTINGS)}


def named(principal: Principal, kind: Kind, operation: Operation) -> set[str]:
    return {r.name for r in principal.rights if (r.kind, r.operation) == (kind, operation)}


def who_writes(topic: topics.Topic) -> set[str]:
    return {
        name
        for name, each in everybody().items()
        if each.may(Operation.WRITE, Kind.TOPIC, SETTINGS.topic(topic))
    }


def built(name: str) -> Service:
    build = importlib.import_module(f"services.{name}.app").build
    kind: type[Settings] = typing.get_type_hints(build)["settings"]
    service: Service = build(kind.model_construct(topic_prefix="p."))
    return service


def test_everybody_is_there_under_one_name() -> None:
    assert tuple(sorted(everybody())) == tuple(sorted(NAMES))
    assert {name for name, each in everybody().items() if each.is_service} == set(SERVICES)


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_may_read_and_write_just_what_it_subscribes_to_and_publishes(name: str) -> None:
    service = built(name)
    engine = Engine(service)
    besides = {f"p.{topic.name}" for topic in service.reads}

    assert named(everybody()[name], Kind.TOPIC, Operation.READ) == (
        engine._handlers.topics | {engine._retry_topic} | besides
    )
    assert named(everybody()[name], Kind.TOPIC, Operation.WRITE) == engine._written


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_may_read_all_that_its_groups_are_known_to_consume(name: str) -> None:
    for group, consumed in CONSUMED.items():
        if group.partition(".")[0] == name:
            assert everybody()[name].may(Operation.READ, Kind.GROUP, f"p.{group}")
            for topic in consumed:
                assert everybody()[name].may(Operation.READ, Kind.TOPIC, f"p.{topic.name}")


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_commits_under_its_own_name_alone(name: str) -> None:
    own = everybody()[name]
    for other in SERVICES:
        writer = f"p.{other}-p.requests-0"
        assert own.may(Operation.WRITE, Kind.TRANSACTIONAL_ID, writer) is (other == name)
        assert own.may(Operation.READ, Kind.GROUP, f"p.{other}") is (other == name)


def test_nobody_but_audit_writes_results() -> None:
    assert who_writes(topics.RESULTS) == {"audit"}


def test_nobody_but_operators_says_what_operators_did() -> None:
    assert who_writes(topics.OPERATIONS) == {"operator", "redriver", "releaser"}
    assert who_writes(topics.ROUTING) == {"releaser"}
    assert who_writes(topics.RELEASES) == {"installer", "releaser"}


def test_a_foreign_system_that_asks_writes_requests_and_reads_results_and_no_more() -> None:
    asker = everybody()["asker"]
    assert named(asker, Kind.TOPIC, Operation.WRITE) == {"p.requests"}
    assert named(asker, Kind.TOPIC, Operation.READ) == {"p.results"}
    assert named(asker, Kind.GROUP, Operation.READ) == {"p.asker"}
    assert not asker.may(Operation.DESCRIBE, Kind.TOPIC, "p.dead.letters")


def test_an_auditor_and_a_reader_write_nothing() -> None:
    for name in ("auditor", "reader"):
        assert {right.operation for right in everybody()[name].rights} <= {
            Operation.READ,
            Operation.DESCRIBE,
            Operation.DESCRIBE_CONFIGS,
        }


def test_the_installer_alone_creates_topics() -> None:
    for name, each in everybody().items():
        may = {
            topic.name
            for topic in topics.ALL
            if f"p.{topic.name}" in named(each, Kind.TOPIC, Operation.CREATE)
        }
        assert may == ({topic.name for topic in topics.ALL} if name == "installer" else set())


def test_no_right_is_on_names_outside_the_deployment_s() -> None:
    assert all(
        right.name.startswith("p.") and right.name != "p."
        for each in everybody().values()
        for right in each.rights
    )


def test_several_systems_can_have_one_role() -> None:
    first, second, other = chosen(SETTINGS, ["asker=crm", "asker=erp", "ingest"], "acme-")
    assert (first.name, second.name, other.name) == ("crm", "erp", "acme-ingest")
    assert first.rights == second.rights == everybody()["asker"].rights


def test_a_role_that_is_none_is_named_with_those_there_are() -> None:
    with pytest.raises(UnknownRoleError, match=r"'askr'.* asker,"):
        chosen(SETTINGS, ["askr"], "")

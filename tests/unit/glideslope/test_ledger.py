import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from glideslope.ledger import Ledger
from glideslope.reconciliation import Reconciliation
from shared import topics
from shared.delivery import Record
from shared.settings import Settings
from shared.topics import Topic

SETTINGS = Settings(topic_prefix="p.")
DAY = timedelta(days=1)
DAY_MS = 24 * 3600 * 1000


def record(topic: Topic, data: Any, *, id: str = "1", key: bytes | None = b"k") -> Record:  # noqa: A002 - the attribute's name
    headers = {"specversion": "1.0", "id": id, "source": "/desk", "type": topic.event_type}
    return Record(
        topic=f"p.{topic.name}",
        partition=0,
        offset=0,
        timestamp=DAY_MS * 100,
        key=key,
        value=json.dumps(data).encode(),
        headers=tuple((f"ce_{name}", text.encode()) for name, text in headers.items()),
    )


def request(name: str = "1", **more: Any) -> Record:
    return record(topics.REQUESTS, {"question": "?"}, id=name, **more)


def end(topic: Topic, name: str = "1", **more: Any) -> Record:
    return record(
        topic, {"request_id": name, "request_source": "/desk"}, id=f"{topic.name} {name}", **more
    )


def dead(failed: Record, service: str) -> Record:
    said = {
        "source-topic": failed.topic,
        "source-partition": str(failed.partition),
        "source-offset": str(failed.offset),
        "service": service,
        "reason-code": "RuntimeError",
        "reason": "boom",
    }
    added = tuple((f"glideslope-{name}", text.encode()) for name, text in said.items())
    return replace(failed, topic="p.dead.letters", headers=failed.headers + added)


def reconciled(*records: Record, trimmed: tuple[int, ...] = ()) -> Reconciliation:
    ledger = Ledger(SETTINGS, DAY, trimmed=trimmed)
    by_name = {SETTINGS.topic(topic): topic for topic in topics.ALL}
    for each in records:
        ledger.add(by_name[each.topic], each)
    return ledger.reconcile()


def test_every_kind_of_end_is_found_under_its_request() -> None:
    review = record(
        topics.FALLBACK_REVIEW, {"request": {"request_id": "4", "request_source": "/desk"}}
    )
    equation = reconciled(
        *(request(name) for name in "1234567"),
        request("1"),
        replace(request("8"), value=None, offset=9),
        end(topics.RESULTS, "1"),
        end(topics.REQUESTS_DUPLICATED, "1"),
        end(topics.REQUESTS_REJECTED, "2"),
        dead(request("3"), "ingest"),
        review,
        dead(
            record(
                topics.ANSWERS_DRAFTED,
                {"request": json.loads(review.value or b"")["request"] | {"request_id": "5"}},
            ),
            "validator",
        ),
        dead(replace(request("8"), value=None, offset=9), "ingest"),
    )

    assert equation.adds_up, equation.faults
    assert (equation.requests, equation.results, equation.rejected) == (9, 1, 1)
    assert (equation.duplicates, equation.dead_letters) == (1, 3)
    assert (equation.waiting_for_person, equation.being_worked_on) == (1, 2)


def test_a_decided_review_no_longer_waits_for_a_person() -> None:
    about = {"request": {"request_id": "1", "request_source": "/desk"}}
    equation = reconciled(
        request(),
        record(topics.FALLBACK_REVIEW, about),
        record(topics.REVIEWS_DECIDED, {"item": about}),
    )

    assert (equation.waiting_for_person, equation.being_worked_on) == (0, 1)


def test_a_letter_of_a_service_behind_ingest_does_not_end_a_request_that_goes_on() -> None:
    equation = reconciled(request(), dead(request(), "audit"), end(topics.RESULTS))

    assert equation.adds_up
    assert (equation.results, equation.dead_letters) == (1, 0)


@pytest.mark.parametrize(
    ("later", "adds_up"), [(DAY_MS - 1, False), (DAY_MS, True)], ids=["in window", "after window"]
)
def test_a_second_result_is_right_only_after_the_duplicate_window(
    later: int, adds_up: bool
) -> None:
    again = replace(request(), timestamp=request().timestamp + later)

    equation = reconciled(request(), again, end(topics.RESULTS), end(topics.RESULTS))

    assert equation.adds_up is adds_up


@pytest.mark.parametrize("key", [b"other", b"", None])
def test_the_same_id_under_another_key_is_another_request(key: bytes | None) -> None:
    equation = reconciled(
        request(), request(key=key), end(topics.RESULTS), end(topics.RESULTS, key=key)
    )

    assert equation.adds_up


def test_without_a_key_the_same_id_in_another_partition_is_another_request() -> None:
    records = [request(key=None), end(topics.RESULTS, key=None)]

    assert reconciled(*records, *(replace(each, partition=1) for each in records)).adds_up
    assert not reconciled(*records, *records).adds_up


def test_an_end_whose_request_is_no_longer_kept_is_no_fault() -> None:
    old = replace(end(topics.RESULTS, "old"), timestamp=request().timestamp - 1)

    kept = reconciled(request(), old)
    trimmed = reconciled(request(), old, trimmed=(0,))
    all_trimmed = reconciled(old, trimmed=(0,))

    assert not kept.adds_up
    assert (trimmed.adds_up, trimmed.expired, trimmed.results) == (True, 1, 0)
    assert (all_trimmed.adds_up, all_trimmed.expired) == (True, 1)


def test_an_end_newer_than_the_oldest_request_kept_needs_its_request() -> None:
    orphan = replace(end(topics.RESULTS, "orphan"), timestamp=request().timestamp + 1)

    assert not reconciled(request(), orphan, trimmed=(0,)).adds_up


def test_a_result_that_cannot_be_read_is_a_fault_with_its_position() -> None:
    equation = reconciled(replace(end(topics.RESULTS), value=b"{"))

    assert [fault.what for fault in equation.faults] == ["record p.results-0-0 cannot be read"]


def test_dead_letters_of_documents_are_no_business_of_requests() -> None:
    document = record(topics.DOCUMENTS_ACCEPTED, {"document_id": "d"})

    equation = reconciled(dead(document, "inference"))

    assert equation.adds_up
    assert equation.dead_letters == 0


def test_a_redriven_dead_letter_is_no_end_until_the_record_fails_again() -> None:
    draft = record(
        topics.ANSWERS_DRAFTED, {"request": {"request_id": "1", "request_source": "/desk"}}
    )
    first = replace(dead(draft, "validator"), offset=7)
    redriven = record(
        topics.OPERATIONS,
        {
            "operator": "ann",
            "action": "dlq.redrive",
            "topic": "dead.letters",
            "offsets": [{"first": 7, "last": 7}],
        },
    )

    def where(*records: Record) -> tuple[int, int]:
        equation = reconciled(request(), *records)
        assert equation.adds_up
        return equation.dead_letters, equation.being_worked_on

    assert where(first) == (1, 0)
    assert where(redriven, first) == (0, 1)
    assert where(first, redriven, replace(first, offset=9)) == (1, 0)

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from glideslope.ledger import Ledger
from glideslope.reconciliation import Reconciliation
from shared import topics
from shared.delivery import Record
from shared.delivery.retries import Retry
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


def accepted(name: str = "1", **more: Any) -> Record:
    return end(topics.REQUESTS_ACCEPTED, name, **more)


def retried(failed: Record, topic: Topic) -> Record:
    retry = Retry(failed, attempts=3)
    retry.wait(60, cause="RuntimeError")
    waiting = retry.output(SETTINGS.topic(topic))
    return replace(
        failed, topic=waiting.topic, offset=99, value=waiting.value, headers=waiting.headers
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


def reconciled(*records: Record, pending: Sequence[Record] = (), **more: Any) -> Reconciliation:
    """Reconcile records, of which the `pending` ones are still to be worked on."""
    ledger = Ledger(SETTINGS, DAY, **more)
    by_name = {SETTINGS.topic(topic): topic for topic in topics.ALL}
    for each in records:
        ledger.add(by_name[each.topic], each)
    for each in pending:
        ledger.add_pending(by_name[each.topic], each)
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
        pending=[request("6"), accepted("7")],
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
        pending=[record(topics.REVIEWS_DECIDED, {"item": about})],
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
    trimmed = reconciled(request(), old, pending=[request()], trimmed=(0,))
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
        equation = reconciled(request(), *records, pending=[draft])
        assert equation.adds_up
        return equation.dead_letters, equation.being_worked_on

    assert where(first) == (1, 0)
    assert where(redriven, first) == (0, 1)
    assert where(first, redriven, replace(first, offset=9)) == (1, 0)


CHECKED = {"request": {"request_id": "1", "request_source": "/desk"}}


@pytest.mark.parametrize(
    "pending",
    [
        request(),
        accepted(),
        record(topics.ANSWERS_DRAFTED, CHECKED),
        record(topics.FALLBACK_REGENERATE, CHECKED),
        record(topics.ANSWERS_APPROVED, CHECKED),
        record(topics.FALLBACK_REFUSAL, CHECKED),
        record(topics.REVIEWS_DECIDED, {"item": CHECKED}),
        retried(request(), topics.INGEST_RETRY),
        retried(accepted(), topics.INFERENCE_RETRY),
        retried(record(topics.ANSWERS_DRAFTED, CHECKED), topics.VALIDATOR_RETRY),
        retried(record(topics.ANSWERS_APPROVED, CHECKED), topics.AUDIT_RETRY),
    ],
    ids=lambda pending: pending.topic,
)
def test_a_request_is_in_flight_while_a_service_has_a_record_of_it_and_lost_after(
    pending: Record,
) -> None:
    before = reconciled(request(), pending=[pending])
    after = reconciled(request())

    assert (before.adds_up, before.in_flight, before.lost) == (True, 1, 0)
    assert (after.adds_up, after.in_flight, after.lost) == (False, 0, 1)


@pytest.mark.parametrize(
    "other",
    [accepted("2"), accepted(key=b"other"), retried(accepted("2"), topics.INFERENCE_RETRY)],
    ids=["id", "key", "retry"],
)
def test_another_request_on_its_way_does_not_hide_a_lost_one(other: Record) -> None:
    assert reconciled(request(), pending=[other]).lost == 1


def test_a_record_of_a_retry_topic_that_is_no_retry_is_nothing_to_wait_for() -> None:
    foreign = replace(request(), topic="p.ingest.retry")

    assert reconciled(request(), pending=[foreign]).lost == 1


def test_an_unreadable_record_is_lost_once_ingest_has_passed_it() -> None:
    junk = replace(request(), value=b"{", offset=9)

    assert reconciled(junk, pending=[junk]).adds_up
    assert reconciled(junk, pending=[retried(junk, topics.INGEST_RETRY)]).adds_up
    assert reconciled(junk).lost == 1


def test_a_redriven_dead_letter_is_on_its_way_before_its_record_is_to_be_seen() -> None:
    letter = replace(dead(record(topics.ANSWERS_DRAFTED, CHECKED), "validator"), offset=7)
    redriven = record(
        topics.OPERATIONS,
        {
            "operator": "ann",
            "action": "dlq.redrive",
            "topic": "dead.letters",
            "offsets": [{"first": 7, "last": 7}],
        },
    )

    assert reconciled(request(), letter, redriven, pending=[redriven]).in_flight == 1
    assert reconciled(request(), letter, redriven).lost == 1


def test_where_a_transaction_is_open_nothing_is_called_lost() -> None:
    assert reconciled(request(), unsettled={0}).in_flight == 1
    assert reconciled(request(), unsettled={1}).lost == 1
    junk = replace(request(), value=b"{")
    assert reconciled(junk, unsettled={0}).in_flight == 1


def test_a_request_whose_end_may_have_expired_before_it_is_not_called_lost() -> None:
    newer = replace(end(topics.RESULTS, "2"), timestamp=request().timestamp + 1)
    both = (request(), replace(request("2"), timestamp=newer.timestamp), newer)

    assert reconciled(*both, trimmed_ends=[(topics.RESULTS, 0)]).lost == 0
    assert reconciled(*both, trimmed_ends=[(topics.RESULTS, 1)]).lost == 1
    assert reconciled(request(), trimmed_ends=[(topics.RESULTS, 0)]).lost == 0
    same = replace(newer, timestamp=request().timestamp)
    assert reconciled(request(), request("2"), same, trimmed_ends=[(topics.RESULTS, 0)]).lost == 1


def test_what_becomes_of_a_copy_in_shadow_is_nothing_that_becomes_of_its_request() -> None:
    copy = record(topics.SHADOWS_DRAFTED, CHECKED)

    alone = reconciled(request(), accepted(), dead(copy, "validator"), pending=[accepted()])
    assert (alone.in_flight, alone.dead_letters, alone.adds_up) == (1, 0, True)
    waiting = retried(copy, topics.VALIDATOR_RETRY)
    assert reconciled(request(), pending=[waiting]).lost == 1

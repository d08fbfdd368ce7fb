"""`review` on real Kafka: one decision an item, where the item is."""

import asyncio
import getpass
import json
from collections.abc import Callable

import pytest

from glideslope import cluster
from glideslope.review import AlreadyDecidedError, Item, OvertakenError, decide, load
from glideslope.terminal import Exit
from shared import topics
from shared.cloudevents import derived_id, read
from shared.delivery import Record
from shared.events import AnswerChecked, ReviewDecided
from shared.settings import Settings
from tests.integration.glideslope.conftest import Run, Service

pytestmark = pytest.mark.kafka

Checked = Callable[..., AnswerChecked]


async def decisions(settings: Settings) -> list[tuple[Record, ReviewDecided]]:
    async with cluster.reader(settings, topics.REVIEWS_DECIDED) as reader:
        return [
            (record, ReviewDecided.model_validate_json(record.value or b""))
            async for _, record in reader.to_end()
        ]


async def test_a_decision_goes_where_its_item_is(
    settings: Settings, service: Service, checked: Checked
) -> None:
    # a partition that the key's hash would not give: the item's own counts
    await service.put(
        topics.FALLBACK_REVIEW, checked(), id="item", source="/v", key=b"talk", partition=1
    )
    await service.put(topics.FALLBACK_REVIEW, checked("2"), key=b"talk", partition=0)

    for name in ("1", "2"):
        await decide(name, None, lambda item: item.approve("ann"), settings)

    published = sorted(await decisions(settings), key=lambda each: each[0].partition)
    assert [(record.partition, record.key) for record, _ in published] == [
        (0, b"talk"),
        (1, b"talk"),
    ]
    event = read(published[1][0].value, published[1][0].headers)
    assert event.id == derived_id("/v", "item", "reviews.decided")
    assert event.type == topics.REVIEWS_DECIDED.event_type
    assert published[1][1].item == checked()


async def test_two_people_at_once_make_one_decision(
    settings: Settings, service: Service, checked: Checked
) -> None:
    await service.put(topics.FALLBACK_REVIEW, checked())
    both = asyncio.Barrier(2)

    async def person(name: str) -> object:
        waiting = asyncio.create_task(both.wait())

        def judge(item: Item) -> ReviewDecided:
            return item.reject(name, "no")

        await waiting
        return await decide("1", None, judge, settings)

    ended = await asyncio.gather(person("ann"), person("bob"), return_exceptions=True)

    published = await decisions(settings)
    made = [each for each in ended if isinstance(each, ReviewDecided)]
    refused = [each for each in ended if isinstance(each, AlreadyDecidedError | OvertakenError)]
    assert len(made) + len(refused) == 2, ended
    assert [decision for _, decision in published] == made
    assert len(made) <= 1


async def test_a_decision_made_while_one_was_thinking_is_not_overruled(
    settings: Settings, service: Service, checked: Checked
) -> None:
    await service.put(topics.FALLBACK_REVIEW, checked())

    def think_while_bob_decides(item: Item) -> ReviewDecided:
        bob = decide("1", None, lambda other: other.reject("bob", "no"), settings)
        asyncio.run_coroutine_threadsafe(bob, loop).result(20)
        return item.approve("ann")

    loop = asyncio.get_running_loop()
    with pytest.raises(AlreadyDecidedError, match="rejected by bob"):
        await asyncio.to_thread(asyncio.run, decide("1", None, think_while_bob_decides, settings))

    assert [decision.reviewer for _, decision in await decisions(settings)] == ["bob"]


async def test_a_record_that_cannot_be_read_does_not_hide_the_others(
    settings: Settings, service: Service, checked: Checked, glideslope: Run
) -> None:
    _, offset = await service.put(topics.FALLBACK_REVIEW, b"{}", id="junk")
    await service.put(topics.FALLBACK_REVIEW, checked())

    waiting = await load(settings)
    ended = await glideslope("review", "list", "--json")

    assert [name.id for name in waiting.pending] == ["1"]
    assert waiting.unreadable == (f"{settings.topic(topics.FALLBACK_REVIEW)}-0-{offset}",)
    assert [item["request_id"] for item in json.loads(ended.out)] == ["1"]
    assert "cannot be read" in ended.err


async def test_the_command_lists_shows_and_approves(
    settings: Settings, service: Service, checked: Checked, glideslope: Run
) -> None:
    await service.put(topics.FALLBACK_REVIEW, checked())

    listed = await glideslope("review", "list")
    shown = await glideslope("review", "show", "1")
    shown_as_json = await glideslope("review", "show", "1", "--json")
    approved = await glideslope("review", "approve", "1", "--json")
    again = await glideslope("review", "reject", "1", "--reason", "no", "--reviewer", "bob")
    after = await glideslope("review", "list", "--json")

    assert "How much was it?" in listed.out
    assert "“12 million” — report, p. 1" in shown.out
    assert AnswerChecked.model_validate_json(shown_as_json.out).reason == checked().reason
    assert ReviewDecided.model_validate_json(approved.out).reviewer == getpass.getuser()
    assert again.code == Exit.FAILED
    assert f"was approved by {getpass.getuser()} at " in again.err
    assert json.loads(after.out) == []
    assert len(await decisions(settings)) == 1


async def test_the_command_edits_with_a_text_or_an_editor(
    settings: Settings, service: Service, checked: Checked, glideslope: Run
) -> None:
    for name in ("1", "2", "3"):
        await service.put(topics.FALLBACK_REVIEW, checked(name), id=name)

    by_text = await glideslope("review", "edit", "1", "--answer", "About 12 million.")
    by_editor = await glideslope("review", "edit", "2", "--editor", EDITOR="sed -i s/12/13/")
    unsaved = await glideslope("review", "edit", "3", "--editor", EDITOR="true")

    assert (by_text.code, by_editor.code) == (Exit.OK, Exit.OK), by_text.err + by_editor.err
    texts = {
        decision.item.request.request_id: decision.answer and decision.answer.text
        for _, decision in await decisions(settings)
    }
    assert texts == {"1": "About 12 million.", "2": "It was 13 million."}
    assert unsaved.code == Exit.FAILED
    assert "nothing was saved" in unsaved.err


async def test_the_command_asks_which_of_two_sources_is_meant(
    settings: Settings, service: Service, checked: Checked, glideslope: Run
) -> None:
    await service.put(topics.FALLBACK_REVIEW, checked(source="/one"))
    await service.put(topics.FALLBACK_REVIEW, checked(source="/two"))

    unclear = await glideslope("review", "reject", "1", "--reason", "no")
    clear = await glideslope("review", "reject", "1", "--reason", "no", "--source", "/two")

    assert unclear.code == Exit.FAILED
    assert "--source, one of /one, /two" in unclear.err
    assert clear.code == Exit.OK, clear.err
    [(_, decision)] = await decisions(settings)
    assert (decision.item.request.request_source, decision.reason) == ("/two", "no")

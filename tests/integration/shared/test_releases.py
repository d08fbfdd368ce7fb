"""The release catalogue on a real broker."""

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import UnknownTopicOrPartitionError
from structlog.testing import capture_logs

from shared import topics as pipeline
from shared.cloudevents import Event
from shared.events import ReleaseRegistered
from shared.release import BUILT_IN, Release, UnknownReleaseError
from shared.releases import ReleaseCatalogue
from shared.settings import Settings

pytestmark = [pytest.mark.kafka, pytest.mark.usefixtures("topics")]

OTHER = BUILT_IN.model_copy(update={"name": "other"})
THIRD = BUILT_IN.model_copy(update={"name": "third"})


async def register(
    producer: AIOKafkaProducer, settings: Settings, manifest: Release, *, name: str | None = None
) -> None:
    name = name or manifest.content_hash()
    event = Event(
        id=name,
        type=pipeline.RELEASES.event_type,
        source="/test",
        data=ReleaseRegistered(release=name, manifest=manifest).model_dump_json().encode(),
    )
    await producer.send_and_wait(
        settings.topic(pipeline.RELEASES),
        event.data,
        key=name.encode(),
        headers=[(k, v) for k, v in event.headers() if v is not None],
    )


async def test_the_built_in_release_is_always_known(settings: Settings) -> None:
    async with ReleaseCatalogue(settings) as catalogue:
        assert await catalogue.get(BUILT_IN.content_hash()) == BUILT_IN


async def test_releases_from_before_and_after_the_start_are_found(
    settings: Settings, producer: AIOKafkaProducer
) -> None:
    await register(producer, settings, OTHER)
    async with ReleaseCatalogue(settings) as catalogue:
        assert await catalogue.get(OTHER.content_hash()) == OTHER

        await register(producer, settings, THIRD)
        assert await catalogue.get(THIRD.content_hash()) == THIRD


async def test_an_unknown_release_is_refused_and_found_once_it_is_registered(
    settings: Settings, producer: AIOKafkaProducer
) -> None:
    async with ReleaseCatalogue(settings) as catalogue:
        with pytest.raises(UnknownReleaseError, match=OTHER.content_hash()):
            await catalogue.get(OTHER.content_hash())
        await register(producer, settings, OTHER)

        assert await catalogue.get(OTHER.content_hash()) == OTHER


async def test_a_manifest_under_a_name_that_is_not_its_hash_is_never_served(
    settings: Settings, producer: AIOKafkaProducer
) -> None:
    with capture_logs() as logs:
        await register(producer, settings, OTHER, name=THIRD.content_hash())
        async with ReleaseCatalogue(settings) as catalogue:
            with pytest.raises(UnknownReleaseError):
                await catalogue.get(THIRD.content_hash())

    assert [(log["event"], log["release"]) for log in logs] == [
        ("release_misnamed", THIRD.content_hash())
    ]


async def test_a_record_that_is_no_release_is_logged_with_its_position_and_stops_nothing(
    settings: Settings, producer: AIOKafkaProducer
) -> None:
    topic = settings.topic(pipeline.RELEASES)
    sent = await producer.send_and_wait(topic, b"not an event", key=b"k", partition=1)
    tombstone = await producer.send_and_wait(topic, None, key=b"k", partition=1)
    await register(producer, settings, OTHER)
    with capture_logs() as logs:
        async with ReleaseCatalogue(settings) as catalogue:
            assert await catalogue.get(OTHER.content_hash()) == OTHER

    assert [log["position"] for log in logs if log["event"] == "release_unreadable"] == [
        f"{topic}-1-{sent.offset}",
        f"{topic}-1-{tombstone.offset}",
    ]


async def test_a_release_whose_registration_was_rolled_back_is_unknown(settings: Settings) -> None:
    async with AIOKafkaProducer(
        bootstrap_servers=settings.bootstrap_servers,
        transactional_id=f"{settings.topic_prefix}rolled-back",
    ) as producer:
        await producer.begin_transaction()
        await register(producer, settings, OTHER)
        await producer.abort_transaction()
        await producer.begin_transaction()
        await register(producer, settings, THIRD)
        await producer.commit_transaction()

    async with ReleaseCatalogue(settings) as catalogue:
        assert await catalogue.get(THIRD.content_hash()) == THIRD
        with pytest.raises(UnknownReleaseError):
            await catalogue.get(OTHER.content_hash())


async def test_without_the_topic_the_error_says_how_to_create_it(bootstrap: str) -> None:
    nowhere = Settings(bootstrap_servers=bootstrap, topic_prefix="never-created.")
    with pytest.raises(UnknownTopicOrPartitionError, match="glideslope topics create"):
        async with ReleaseCatalogue(nowhere):
            pass

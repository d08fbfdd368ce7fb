"""The whole pipeline on this machine: Kafka, its topics, and every service as a process."""

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final, Self

from pydantic import SecretStr

from glideslope.child import ServiceDiedError, last_lines
from glideslope.cluster import UnreachableError
from glideslope.kafka import Cluster, LocalKafkaError, local_kafka
from glideslope.releases.registry import register
from glideslope.supervisor import SERVICES, Report, StackEvent, Supervisor, to_nobody
from glideslope.topics import TopicState, create_topics
from shared.settings import Settings

KAFKA: Final = "kafka"
"""The broker's name where the services have theirs."""

_READY_SECONDS: Final = 90.0
"""Time for the services to be ready; 3 on a laptop."""


class Stack:
    """Kafka, topics and services, as one async context: entered when all is ready, left drained.

    Kafka is local unless `KAFKA_BOOTSTRAP_SERVERS` is set. Of the services those named are started.
    Every setting reaches them through their environment, with `environment` added. With `emulate`
    requests are answered by emulated models (see `glideslope.emulator`). Logs are in `logs` under
    the home folder.
    Entering raises `LocalKafkaError`, `ClusterError`, `ServiceDiedError` or `NotReadyError`, and
    leaves nothing running. `kill` and `start` are for tests; nothing restarts by itself.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        environment: Mapping[str, str] | None = None,
        services: Iterable[str] = SERVICES,
        emulate: bool = False,
        report: Report = to_nobody,
    ) -> None:
        self.settings = settings
        """Once entered, with the address of the cluster."""
        self.logs = settings.home.absolute() / "logs"
        self._environment = dict(environment or {})
        self._started = {name: SERVICES[name] for name in services}
        self._emulate = emulate
        self._report = report
        self._supervisor: Supervisor | None = None
        self._exit = AsyncExitStack()
        self._is_begun = False

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as starting:
            starting.callback(self._say_that_it_stopped)
            self._cluster = await starting.enter_async_context(_kafka(self.settings, self._report))
            self._is_begun = True
            self.settings = self.settings.model_copy(
                update={"bootstrap_servers": self._cluster.bootstrap_servers}
            )
            self._report(StackEvent(event="kafka", bootstrap_servers=self.bootstrap_servers))
            topics = await _create_topics(self.settings, self._cluster)
            self._report(StackEvent(event="topics", topics=len(topics)))
            if self._emulate:
                await starting.enter_async_context(self._emulator())
            self._supervisor = Supervisor(
                self._started,
                logs=self.logs,
                environment={**settings_environment(self.settings), **self._environment},
                grace_seconds=self.settings.grace_seconds,
                ready_seconds=_READY_SECONDS,
                report=self._report,
            )
            await starting.enter_async_context(self._supervisor)
            self._exit = starting.pop_all()
        if "review" in self._started:
            self._report(StackEvent(event="review", note=self.reviewers_page))
        self._report(
            StackEvent(
                event="ready",
                bootstrap_servers=self.bootstrap_servers,
                home=str(self.settings.home.absolute()),
            )
        )
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self._exit.aclose()

    def _say_that_it_stopped(self) -> None:
        if self._is_begun:  # else another stack that runs here might be taken for the one
            self._report(StackEvent(event="stopped"))

    @property
    def bootstrap_servers(self) -> str:
        """Where Kafka is."""
        return self.settings.bootstrap_servers

    @property
    def reviewers_page(self) -> str:
        """Where reviewers sign in: a link that works once, where it is by one."""
        folder = self.settings.home.absolute() / "review"
        link = folder / "link"
        return (link if link.exists() else folder / "url").read_text()

    @property
    def drained(self) -> bool:
        """Whether, once left, every service had ended in time and in order."""
        return self._supervisor is None or self._supervisor.drained

    async def start(self, service: str) -> None:
        """Start a service that was killed, and wait until it is ready."""
        await self._services.start(service)

    async def kill(self, service: str, signum: signal.Signals = signal.SIGKILL) -> int:
        """Send a service a signal, wait for its end, return its exit code."""
        return await self._services.kill(service, signum)

    def kill_all(self) -> None:
        """End every service at once, without draining."""
        if self._supervisor is not None:
            self._supervisor.kill_all()

    async def died(self) -> ServiceDiedError:
        """Wait until a service, or the broker, ends unasked; return what there is to say."""
        ways = {asyncio.create_task(self._services.died())}
        if self._cluster.started is not None:
            ways.add(asyncio.create_task(self._broker_died()))
        try:
            ended, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
        return ended.pop().result()

    @property
    def _services(self) -> Supervisor:
        if self._supervisor is None:
            raise RuntimeError("the stack has not been entered: use it as `async with Stack(…)`")
        return self._supervisor

    @asynccontextmanager
    async def _emulator(self) -> AsyncIterator[None]:
        """Serve the emulator of models, register a release that uses it, and let ingest pin it."""
        # imported here: who does not ask for it does not wait for it
        from glideslope.emulator import release, server  # noqa: PLC0415 - see above

        await register(release.EMULATED, self.settings)
        async with server.serving() as url:
            self._environment = {**release.environment(url), **self._environment}
            self._report(StackEvent(event="emulator", note=url))
            yield

    async def _broker_died(self) -> ServiceDiedError:
        broker = self._cluster.broker
        code = await asyncio.to_thread(broker.wait)
        death = ServiceDiedError(KAFKA, code, broker.log, last_lines(broker.log))
        self._report(StackEvent.of_death(death))
        return death


async def _create_topics(settings: Settings, cluster: Cluster) -> list[TopicState]:
    try:
        return await create_topics(settings)
    except UnreachableError as error:
        if cluster.started is not None:
            raise
        unset = "a broker is started here"
        raise UnreachableError(settings.bootstrap_servers, unset) from error


def settings_environment(settings: Settings) -> dict[str, str]:
    """Return the environment from which a service reads the same shared settings, secrets too."""
    shared = settings.model_dump(mode="json", include=set(Settings.model_fields), exclude_none=True)
    environment = {
        Settings.variable(name): value if isinstance(value, str) else json.dumps(value)
        for name, value in shared.items()
    }
    secrets = {
        Settings.variable(name): value.get_secret_value()
        for name in shared
        if isinstance(value := getattr(settings, name), SecretStr)
    }
    return {**environment, **secrets, "GLIDESLOPE_HOME": str(settings.home.absolute())}


@asynccontextmanager
async def _kafka(settings: Settings, report: Report) -> AsyncIterator[Cluster]:
    """Enter and leave `local_kafka` in a thread, for it blocks while the broker starts."""
    loop = asyncio.get_running_loop()

    def show(line: str) -> None:
        loop.call_soon_threadsafe(report, StackEvent(event="progress", note=line))

    given = {"KAFKA_BOOTSTRAP_SERVERS": settings.bootstrap_servers}
    context = local_kafka(
        settings.home,
        progress=show,
        environment={**os.environ, **(given if _is_given(settings) else {})},
    )
    entering = asyncio.create_task(asyncio.to_thread(context.__enter__))
    try:
        cluster = await asyncio.shield(entering)
    except asyncio.CancelledError:
        # a thread cannot be cancelled: let it come up, so that it can be stopped in order
        with contextlib.suppress(LocalKafkaError):
            await entering
            await asyncio.to_thread(context.__exit__, None, None, None)
        raise
    try:
        yield cluster
    finally:
        await asyncio.to_thread(context.__exit__, None, None, None)


def _is_given(settings: Settings) -> bool:
    return "bootstrap_servers" in settings.model_fields_set

"""Which ways to a local broker are tried, in which order."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from glideslope.kafka import archive, container
from glideslope.kafka.errors import LocalKafkaError
from glideslope.kafka.runtime import Progress, Runtime


@dataclass(frozen=True, slots=True)
class Way:
    """A way to a broker. `prepare` raises `WayClosedError` where it is closed."""

    name: str
    prepare: Callable[[Mapping[str, str], Progress], Runtime]


_CONTAINER: Final = Way("A container", container.prepare)
_JVM: Final = Way("The JVM", archive.prepare)
_WAYS: Final = {"auto": (_CONTAINER, _JVM), "container": (_CONTAINER,), "jvm": (_JVM,)}


def openings(environment: Mapping[str, str]) -> tuple[Way, ...]:
    """Return the ways that `GLIDESLOPE_KAFKA` allows, the preferred one first."""
    wanted = environment.get("GLIDESLOPE_KAFKA", "auto")
    if wanted not in _WAYS:
        allowed = ", ".join(_WAYS)
        raise LocalKafkaError(f"GLIDESLOPE_KAFKA={wanted} is none of: {allowed}. Set one of them")
    return _WAYS[wanted]

"""Logs: one JSON object a line on standard error, with ids and without content.

What a question, a passage or an answer says stays out of the logs unless `log_content` is set:
fields that hold such text are given by their length, and an exception by its type and frames,
because messages quote what they complain about.

A library that says the same again and again (a Kafka client without its broker: 200 lines a second)
is heard a few times in ten seconds; what was left out is counted on its next line, as `left_out`.
"""

import logging
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, Final, TextIO

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

from shared.settings import Settings

CONTENT_FIELDS: Final = frozenset(
    {"answer", "comment", "data", "passages", "question", "quote", "quotes", "text", "value"}
)
"""Names of log fields that hold what people wrote or documents say."""

_SAME_LINES: Final = 5
_SAME_SECONDS: Final = 10.0

_Context = Callable[[], Mapping[str, str | int]]


def configure(
    service: str,
    settings: Settings,
    *,
    context: _Context = dict,
    stream: TextIO | None = None,
) -> None:
    """Log as `service`, structlog's records and the standard library's alike.

    `context` gives the fields that say what is being worked on. Other libraries are heard from
    WARNING up, Glideslope from `settings.log_level`. Calling it again replaces the settings.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _with(service, context),
    ]
    last: list[Processor] = [
        _exceptions(content=settings.log_content),
        *([] if settings.log_content else [_without_content]),
        structlog.processors.JSONRenderer(default=str, ensure_ascii=False),
    ]
    stream = stream or sys.stderr
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(settings.log_level),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
    )
    _handle_standard_library(shared, last, stream)


def _handle_standard_library(
    shared: list[Processor], last: list[Processor], stream: TextIO
) -> None:
    handler = _Handler(stream)
    handler.addFilter(Repetitions())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, _left_out, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    for earlier in [h for h in root.handlers if isinstance(h, _Handler)]:
        root.removeHandler(earlier)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)


class _Handler(logging.StreamHandler[TextIO]):
    """Ours, so that a second `configure` finds it."""


class Repetitions(logging.Filter):
    """Lets a line through `lines` times in `seconds`, however often a library says it.

    Lines are the same that have logger and text in common, before anything is filled in.
    """

    def __init__(
        self,
        *,
        lines: int = _SAME_LINES,
        seconds: float = _SAME_SECONDS,
        clock: Callable[[], float] | None = None,
    ) -> None:
        super().__init__()
        self._lines = lines
        self._seconds = seconds
        self._clock = clock or time.monotonic
        self._lock = threading.Lock()
        self._said: dict[tuple[str, str], tuple[float, int]] = {}  # since when, how often

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to log it; if so, `record.left_out` says how many were not since the last."""
        text = str(record.msg)
        same = record.name, record.getMessage() if text == "%s" else text
        now = self._clock()
        with self._lock:
            since, times = self._said.get(same, (now, 0))
            if now - since < self._seconds:
                self._said[same] = since, times + 1
                return times < self._lines
            self._said = {s: said for s, said in self._said.items() if self._is_kept(said, now)}
            self._said[same] = now, 1
        record.left_out = max(0, times - self._lines)
        return True

    def _is_kept(self, said: tuple[float, int], now: float) -> bool:
        """Whether it still counts: in its time, or with lines left out that are to be told."""
        return now - said[0] < self._seconds or said[1] > self._lines


def _left_out(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    if left_out := getattr(event.get("_record"), "left_out", 0):
        event["left_out"] = left_out
    return event


def _with(service: str, context: _Context) -> Processor:
    def add(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        # the line's own fields win: they are what its author meant
        return {"service": service, **context(), **event}

    return add


def _exceptions(*, content: bool) -> Processor:
    def render(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        error = _exception(event.pop("exc_info", None))
        if error is not None:
            event["exception"] = [_link(link, content=content) for link in _chain(error)]
        return event

    return render


def _exception(exc_info: Any) -> BaseException | None:
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple):
        return _exception(exc_info[1])
    return sys.exc_info()[1] if exc_info else None


def _chain(error: BaseException) -> list[BaseException]:
    """Return an exception and what it came from, the latest first."""
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain:
        chain.append(link)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return chain


def _link(error: BaseException, *, content: bool) -> dict[str, Any]:
    frames = [
        f"{frame.filename}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    message = {"message": str(error)} if content else {}
    return {"type": type(error).__qualname__, **message, "frames": frames}


def _without_content(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return _redacted(event)


def _redacted(fields: Mapping[str, Any]) -> MutableMapping[str, Any]:
    return {
        name: _length(value)
        if name in CONTENT_FIELDS
        else _redacted(value)
        if isinstance(value, Mapping)
        else value
        for name, value in fields.items()
    }


def _length(value: Any) -> str:
    return f"<{len(value)} long>" if hasattr(value, "__len__") else "<not shown>"

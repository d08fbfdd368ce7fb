"""The way of each sample question over the topics, and whether it ended as it must."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from glideslope.identity import origin, request_of
from glideslope.samples.questions import End, SampleQuestion
from shared import topics
from shared.delivery import Record
from shared.events import AnswerChecked, RequestRejected, Result
from shared.topics import Topic

SOURCE: Final = "/glideslope/demo"
"""The CloudEvents source of the sample questions."""

ENDS: Final = (
    topics.RESULTS,
    topics.REQUESTS_REJECTED,
    topics.REQUESTS_DUPLICATED,
    topics.DEAD_LETTERS,
)
"""Where a request ends. Each sample question must be found on one of them, once."""

WAY: Final = (
    topics.REQUESTS_ACCEPTED,
    topics.ANSWERS_DRAFTED,
    topics.FALLBACK_REGENERATE,
    topics.ANSWERS_APPROVED,
    topics.FALLBACK_REVIEW,
    topics.FALLBACK_REFUSAL,
    topics.REVIEWS_DECIDED,
    *ENDS,
)
"""The topics on which a question is seen."""


@dataclass
class Journey:
    """One sample question: the topics it was seen on, and its ends, of which there must be one.

    `partition` is the number that it has on every topic.
    """

    sample: SampleQuestion
    partition: int
    seen: list[Topic] = field(default_factory=list)
    ends: list[End] = field(default_factory=list)
    result: Result | None = None
    reason: str | None = None

    @property
    def is_over(self) -> bool:
        """Whether it has ended, or waits for a decision that nobody has prepared."""
        stranded = topics.FALLBACK_REVIEW in self.seen and self.sample.decision is None
        return bool(self.ends) or stranded

    @property
    def complaint(self) -> str | None:
        """Say how the journey differs from what the sample promises; None when it does not."""
        sample = self.sample
        if not self.ends:
            last = f"was last seen on {self.seen[-1].name}" if self.seen else "was never seen"
            return f"has not ended: it {last}" + (f": {self.reason}" if self.reason else "")
        if len(self.ends) > 1:
            return f"ended {len(self.ends)} times: {', '.join(self.ends)}"
        if self.ends[0] != sample.end:
            return f"ended as {self.ends[0]}, not as {sample.end}: {self.reason or self.says}"
        if sample.says is not None and sample.says not in self.says:
            return f"should say {sample.says!r}, but says {self.says!r}"
        if missing := [topic.name for topic in sample.passes if topic not in self.seen]:
            return f"was never on {', '.join(missing)}"
        return None

    @property
    def says(self) -> str:
        """The text of the answer, empty without one."""
        answer = self.result.answer if self.result is not None else None
        return answer.text if answer is not None else ""

    def note(self, topic: Topic, record: Record) -> None:
        """Note that the question was seen on a topic."""
        self.seen.append(topic)
        if topic is topics.RESULTS:
            self.result = Result.model_validate_json(record.value or b"")
            self.reason = self.result.reason
            self.ends.append(self.result.outcome)
        elif topic is topics.REQUESTS_REJECTED:
            self.reason = RequestRejected.model_validate_json(record.value or b"").message
            self.ends.append("rejected")
        elif topic is topics.REQUESTS_DUPLICATED:
            self.ends.append("duplicated")
        elif topic is topics.FALLBACK_REVIEW:
            self.reason = AnswerChecked.model_validate_json(record.value or b"").reason
        elif topic is topics.DEAD_LETTERS:
            self.reason = origin(record).reason
            self.ends.append("dead letter")


class Journeys:
    """All sample questions of one demo.

    `names` maps the topics' names on the cluster to the topics. `sent` says at which partition
    and offset of `requests` each question stands: what cannot be read is known by that alone.
    """

    def __init__(
        self,
        sent: Iterable[tuple[SampleQuestion, tuple[int, int]]],
        names: Mapping[str, Topic],
    ) -> None:
        self._names = names
        self._by_position: dict[tuple[int, int], Journey] = {}
        self._first: dict[str, Journey] = {}
        self._again: dict[str, Journey] = {}
        for sample, position in sent:
            journey = Journey(sample, position[0])
            self._by_position[position] = journey
            if self._first.setdefault(sample.id, journey) is not journey:
                self._again[sample.id] = journey

    @property
    def all(self) -> tuple[Journey, ...]:
        """The journeys, in the order in which the questions were sent."""
        return tuple(self._by_position.values())

    def observe(self, topic: Topic, record: Record) -> Journey | None:
        """Note a record that was read from `topic`; return whose journey it belongs to, if any."""
        journey = self._whose(topic, record)
        if journey is not None:
            journey.note(topic, record)
        return journey

    def _whose(self, topic: Topic, record: Record) -> Journey | None:
        if topic is topics.DEAD_LETTERS:
            came = origin(record)
            if self._names[came.topic] is topics.REQUESTS:
                return self._by_position.get((came.partition, came.offset))
            topic = self._names[came.topic]
        request = request_of(topic, record)
        if request is None or request.source != SOURCE:
            return None
        of_topic = self._again if topic is topics.REQUESTS_DUPLICATED else self._first
        return of_topic.get(request.id)

import shlex
from collections import Counter
from functools import cache
from itertools import pairwise

from glideslope.access import Principal, principals
from glideslope.access.acls import commands
from shared.settings import Settings

KINDS = {"--topic": "Topic", "--group": "Group", "--transactional-id": "TransactionalId"}


@cache
def everybody() -> tuple[Principal, ...]:
    return principals(Settings(topic_prefix="p."))


def test_the_commands_grant_each_right_once_and_no_other() -> None:
    granted: Counter[tuple[str, ...]] = Counter()
    for command in commands(everybody(), "kafka:9092"):
        words = shlex.split(command)
        who = words[words.index("--allow-principal") + 1]
        operation = words[words.index("--operation") + 1]
        pattern = "prefixed" if "prefixed" in words else "literal"
        for option, name in pairwise(words):
            if option in KINDS:
                granted[who, KINDS[option], name, operation, pattern] += 1

    assert granted == Counter(
        (
            f"User:{each.name}",
            right.kind.value,
            right.name,
            right.operation.value,
            "prefixed" if right.is_prefix else "literal",
        )
        for each in everybody()
        for right in each.rights
    )


def test_the_commands_log_on_as_they_are_told() -> None:
    command = next(commands(everybody(), "kafka:9092", "admin properties"))
    start = ["kafka-acls.sh", "--bootstrap-server", "kafka:9092", "--command-config"]
    assert shlex.split(command)[:5] == [*start, "admin properties"]

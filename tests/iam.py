"""Whether IAM would let a request through: a strict evaluator, for tests that try what must fail.

Source: the IAM user guide, "Policy evaluation logic" and "IAM JSON policy elements: Condition
operators". What is not in it raises, so no policy passes for what was not understood. A request's
context is all of it: a key that is not there is absent, as IAM has it.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

Document = Mapping[str, Any]
_KNOWN: Final = frozenset(
    {"Sid", "Effect", "Action", "Resource", "NotResource", "Condition", "Principal"}
)


@dataclass(frozen=True)
class Request:
    """One call of an AWS API, with every key of its context."""

    action: str
    resource: str
    context: Mapping[str, str | list[str]] = field(default_factory=dict)


def allowed(request: Request, *identity: Document, resource: Iterable[Document] = ()) -> bool:
    """Whether policies of a role allow a request that no policy denies.

    `resource` are policies of what is asked for (a bucket's, a key's). In one account either may
    allow; here those of resources only ever deny, or leave it to IAM.
    """
    theirs = [each for document in identity for each in _statements(document)]
    its = [each for document in resource for each in _statements(document)]
    assert all(each["Principal"] == "*" for each in its if each["Effect"] == "Deny")
    if any(_matches(each, request) for each in (*theirs, *its) if each["Effect"] == "Deny"):
        return False
    return any(_matches(each, request) for each in theirs if each["Effect"] == "Allow")


def _statements(document: Document) -> list[Mapping[str, Any]]:
    assert document["Version"] == "2012-10-17"
    for each in document["Statement"]:
        assert set(each) <= _KNOWN, f"not understood: {set(each) - _KNOWN}"
        assert each["Effect"] in {"Allow", "Deny"}
        assert ("Resource" in each) != ("NotResource" in each)
    return list(document["Statement"])


def _matches(statement: Mapping[str, Any], request: Request) -> bool:
    actions = [action.lower() for action in _listed(statement["Action"])]
    if not any(_like(action, request.action.lower()) for action in actions):
        return False
    if "Resource" in statement:
        if not any(_like(each, request.resource) for each in _listed(statement["Resource"])):
            return False
    elif any(_like(each, request.resource) for each in _listed(statement["NotResource"])):
        return False
    return all(
        _holds(operator, key, _listed(wanted), request.context)
        for operator, keys in statement.get("Condition", {}).items()
        for key, wanted in keys.items()
    )


def _holds(operator: str, key: str, wanted: list[str], context: Mapping[str, Any]) -> bool:
    had = {name.lower(): _listed(value) for name, value in context.items()}.get(key.lower())
    if operator == "Null":
        return (had is None) == (wanted == ["true"])
    for_all, _, name = operator.rpartition(":")
    assert for_all in {"", "ForAllValues"}, f"not understood: {operator}"
    if_exists = name.endswith("IfExists")
    name = name.removesuffix("IfExists")
    negated = "Not" in name
    compare = _OPERATORS[name.replace("Not", "")]
    if had is None:
        return if_exists or negated or for_all == "ForAllValues"
    if for_all:
        return all(any(compare(one, value) for one in wanted) for value in had)
    assert len(had) == 1, f"{key} has several values, and {operator} is for one"
    return any(compare(one, had[0]) for one in wanted) != negated


def _like(pattern: str, value: str) -> bool:
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, value, re.DOTALL) is not None


def _listed(value: Any) -> list[str]:
    return list(value) if isinstance(value, list) else [value]


_OPERATORS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "StringEquals": lambda wanted, had: wanted == had,
    "StringLike": _like,
    "ArnEquals": _like,
    "ArnLike": _like,
    "Bool": lambda wanted, had: wanted == had,
    "NumericLessThan": lambda wanted, had: float(had) < float(wanted),
    "NumericGreaterThan": lambda wanted, had: float(had) > float(wanted),
}

"""The evaluator of the policy tests, held against what the IAM user guide says."""

from typing import Any

import pytest

from tests.iam import Request, allowed

GET = Request("s3:GetObject", "arn:aws:s3:::logs/audit/0/checkpoint")


def policy(**changes: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", **changes}
    return {"Version": "2012-10-17", "Statement": [statement]}


def test_nothing_is_allowed_without_a_statement_that_does() -> None:
    assert allowed(GET, policy())
    assert not allowed(GET, policy(Action="s3:PutObject"))
    assert not allowed(GET, policy(Resource="arn:aws:s3:::other/*"))


def test_a_denial_counts_whatever_allows() -> None:
    assert not allowed(GET, policy(), policy(Effect="Deny"))
    assert not allowed(GET, policy(), resource=[policy(Effect="Deny", Principal="*")])


@pytest.mark.parametrize(
    ("condition", "with_it", "without_it"),
    [
        ({"StringEquals": {"a:b": "x"}}, True, False),
        ({"StringNotEquals": {"a:b": "x"}}, False, True),
        ({"StringNotEquals": {"a:b": "y"}}, True, True),
        ({"StringLike": {"a:b": "*"}}, True, False),
        ({"StringLikeIfExists": {"a:b": "y*"}}, False, True),
        ({"Null": {"a:b": "true"}}, False, True),
        ({"Null": {"a:b": "false"}}, True, False),
        ({"ForAllValues:StringEquals": {"a:b": ["x", "z"]}}, True, True),
        ({"ForAllValues:StringEquals": {"a:b": ["z"]}}, False, True),
    ],
)
def test_a_key_that_is_absent_is_no_empty_one(
    condition: dict[str, Any], *, with_it: bool, without_it: bool
) -> None:
    having = Request(GET.action, GET.resource, {"A:B": "x"})
    assert allowed(having, policy(Condition=condition)) is with_it
    assert allowed(GET, policy(Condition=condition)) is without_it


def test_what_is_not_understood_is_no_answer() -> None:
    with pytest.raises(KeyError):
        allowed(
            Request(GET.action, GET.resource, {"a:b": "x"}),
            policy(Condition={"DateLessThan": {"a:b": "x"}}),
        )
    with pytest.raises(AssertionError, match="NotAction"):
        allowed(GET, policy(NotAction="*"))

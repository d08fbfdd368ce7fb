"""Rights on Kafka in the words of MSK."""

from glideslope.access.aws.estate import TEMPLATE
from glideslope.access.aws.kafka import statements
from glideslope.access.rights import Kind, Operation, Right


def said(*rights: Right) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    estate = TEMPLATE.model_copy(
        update={
            "partition": "aws",
            "region": "r",
            "account": "1",
            "kafka_cluster": "c",
            "kafka_cluster_uuid": "u",
        }
    )
    return {each.sid: (each.actions, each.resources) for each in statements(rights, estate)}


def test_who_reads_connects_and_writes_nothing() -> None:
    assert said(Right(Kind.TOPIC, "results", Operation.READ)) == {
        "KafkaConnect": (("kafka-cluster:Connect",), ("arn:aws:kafka:r:1:cluster/c/u",)),
        "KafkaTopicRead": (
            ("kafka-cluster:DescribeTopic", "kafka-cluster:ReadData"),
            ("arn:aws:kafka:r:1:topic/c/u/results",),
        ),
    }


def test_who_writes_may_do_so_idempotently() -> None:
    found = said(Right(Kind.TRANSACTIONAL_ID, "audit-", Operation.WRITE, is_prefix=True))
    assert found["KafkaConnect"][0] == (
        "kafka-cluster:Connect",
        "kafka-cluster:WriteDataIdempotently",
    )
    assert found["KafkaTransactionalIdWrite"] == (
        ("kafka-cluster:AlterTransactionalId", "kafka-cluster:DescribeTransactionalId"),
        ("arn:aws:kafka:r:1:transactional-id/c/u/audit-*",),
    )


def test_what_may_be_done_with_the_same_topics_is_one_statement() -> None:
    both = [
        Right(Kind.TOPIC, name, operation)
        for name in ("a", "b")
        for operation in (Operation.READ, Operation.DESCRIBE_CONFIGS)
    ]
    found = said(*both, Right(Kind.TOPIC, "a", Operation.WRITE))
    assert set(found) == {"KafkaConnect", "KafkaTopicDescribeConfigsRead", "KafkaTopicWrite"}


def test_a_group_that_is_looked_at_is_not_joined() -> None:
    found = said(Right(Kind.GROUP, "audit", Operation.DESCRIBE, is_prefix=True))
    assert found["KafkaGroupDescribe"] == (
        ("kafka-cluster:DescribeGroup",),
        ("arn:aws:kafka:r:1:group/c/u/audit*",),
    )

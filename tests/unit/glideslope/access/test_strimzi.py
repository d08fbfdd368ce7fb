import re

from glideslope.access import Principal, principals
from glideslope.access.strimzi import kafka_topics, kafka_users
from shared import topics
from shared.settings import Settings

SETTINGS = Settings(topic_prefix="p.", partitions=6)


def test_there_is_a_topic_for_each_of_the_pipeline_s() -> None:
    found = list(kafka_topics(SETTINGS, "main", 3))

    assert [each["spec"]["topicName"] for each in found] == [f"p.{t.name}" for t in topics.ALL]
    for each in found:
        assert each["apiVersion"] == "kafka.strimzi.io/v1"
        assert each["metadata"]["labels"] == {"strimzi.io/cluster": "main"}
        assert (each["spec"]["partitions"], each["spec"]["replicas"]) == (6, 3)
        assert each["spec"]["config"]["min.insync.replicas"] == "2"


def test_a_user_has_each_of_its_rights_and_no_other() -> None:
    everybody = principals(SETTINGS)
    for each, user in zip(everybody, kafka_users(everybody, "main", "tls"), strict=True):
        granted = {
            (
                acl["resource"]["type"].lower(),
                acl["resource"]["name"],
                operation,
                acl["resource"]["patternType"] == "prefix",
            )
            for acl in user["spec"]["authorization"]["acls"]
            for operation in acl["operations"]
        }
        assert granted == {
            (right.kind.value.lower(), right.name, right.operation.value, right.is_prefix)
            for right in each.rights
        }
        assert user["spec"]["authentication"] == {"type": "tls"}


def test_kubernetes_takes_the_names() -> None:
    odd = Settings(topic_prefix="Team_A.")
    user = Principal("Acme_ingest", "", ())
    names = [each["metadata"]["name"] for each in kafka_topics(odd, "main", 1)]
    names += [each["metadata"]["name"] for each in kafka_users([user], "main", "tls")]
    assert all(re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", name) for name in names)
    assert len(set(names)) == len(names)

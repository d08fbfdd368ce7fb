from confluent_kafka.admin import AdminClient


def test_a_foreign_client_reaches_the_broker(bootstrap: str) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    assert len(admin.list_topics(timeout=10).brokers) == 1

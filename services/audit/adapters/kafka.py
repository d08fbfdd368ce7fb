"""What Kafka says of the cluster, and of what was logged of it."""

from aiokafka.admin import AIOKafkaAdminClient

from shared.connection import connection
from shared.settings import Settings


async def cluster_id(settings: Settings) -> str:
    """Return the id that the cluster has given itself.

    Raises aiokafka's `KafkaConnectionError` where no broker answers, `LookupError` where the
    cluster has no id (Kafka before 0.10.1).
    """
    admin = AIOKafkaAdminClient(**connection(settings))
    await admin.start()
    try:
        cluster = (await admin.describe_cluster()).get("cluster_id")
    finally:
        await admin.close()
    if not cluster:
        raise LookupError(
            f"the Kafka cluster at {settings.bootstrap_servers} has no id: use Kafka 4"
        )
    return str(cluster)


async def was_logged(settings: Settings, group: str, partition: int) -> bool:
    """Say whether `group` has passed any record of a partition number, on whichever topic.

    Raises aiokafka's `KafkaError`.
    """
    admin = AIOKafkaAdminClient(**connection(settings))
    await admin.start()
    try:
        committed = await admin.list_consumer_group_offsets(group)
    finally:
        await admin.close()
    return any(
        source.partition == partition and offset.offset > 0 for source, offset in committed.items()
    )

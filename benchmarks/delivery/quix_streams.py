"""Contender: Quix Streams, exactly once. Arguments: SERVERS IN OUT COMMIT_SECONDS.

It has an environment of its own, because it needs other versions of what Glideslope needs.
"""

import sys
import time

from quixstreams import Application

from benchmarks.delivery.model import Submitted, seconds_of, wrapped


def relay(value: bytes) -> bytes:
    """Do what every contender does with a record."""
    submitted = Submitted.model_validate_json(value)
    if seconds := seconds_of(submitted.question):
        time.sleep(seconds)
    return wrapped(submitted).model_dump_json().encode()


def main(servers: str, source: str, target: str, commit_seconds: str) -> None:
    """Relay until killed, a transaction every `commit_seconds`."""
    app = Application(
        broker_address=servers,
        consumer_group=f"{source}.quix",
        auto_offset_reset="earliest",
        processing_guarantee="exactly-once",
        commit_interval=float(commit_seconds),
        loglevel="ERROR",
    )
    frame = app.dataframe(app.topic(source, value_deserializer="bytes"))
    frame.apply(relay).to_topic(app.topic(target, value_serializer="bytes"))
    app.run()


if __name__ == "__main__":
    main(*sys.argv[1:5])

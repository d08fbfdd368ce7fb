"""JSON Schema (2020-12) of each event's data, from the models."""

import json
from typing import Any, Final

from shared import topics
from shared.topics import Topic

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def schema(topic: Topic) -> dict[str, Any]:
    """Return the schema of the data that a topic carries.

    What has a default is not required: a reader must do without it, since events that were
    written before the field existed stay in the topic.
    """
    if topic.data is None:
        raise ValueError(f"{topic.name} carries records as they came, which have no schema")
    return {"$schema": DIALECT, **topic.data.model_json_schema(mode="validation")}


def pages() -> dict[str, str]:
    """Return the text of each schema file, by event type."""
    return {
        topic.event_type: json.dumps(schema(topic), indent=2, ensure_ascii=False) + "\n"
        for topic in topics.ALL
        if topic.data is not None
    }

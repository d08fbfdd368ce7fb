"""One AsyncAPI 3 document for all services, from what each declares with FastStream.

FastStream says who takes what from which topic. It names channels after handlers, one for each
service; here a channel is a topic, and a message is the event that it carries.
"""

import json
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any, Final

from glideslope.declarations import Declaration
from glideslope.docs import examples
from shared import topics
from shared.topics import Topic

ASYNCAPI_VERSION: Final = "3.0.0"
_BINDING_VERSION: Final = "0.5.0"
_MODEL_REFERENCE: Final = "#/components/schemas/{model}"


def page(services: Sequence[Declaration]) -> str:
    """Return the document as JSON."""
    return json.dumps(document(services), indent=2, ensure_ascii=False) + "\n"


def document(services: Sequence[Declaration]) -> dict[str, Any]:
    """Return the document: channels are topics, operations are named `service.action.topic`."""
    schemas: dict[str, Any] = {"Attributes": attributes()}
    for topic in topics.ALL:
        if topic.data is not None:
            model = topic.data.model_json_schema(ref_template=_MODEL_REFERENCE)
            schemas |= model.pop("$defs", {})
            schemas[topic.data.__name__] = model
    return {
        "asyncapi": ASYNCAPI_VERSION,
        "info": {
            "title": "Glideslope",
            "version": version("glideslope"),
            "description": "Questions on Kafka come back as checked, audited answers. Each "
            "record is a CloudEvents 1.0 event, in binary or in structured mode; the record key "
            "is the conversation (or document), and keeps its partition number on every topic.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "local": {
                "host": "localhost:9092",
                "protocol": "kafka",
                "description": "A cluster on this machine; KAFKA_BOOTSTRAP_SERVERS names another.",
            }
        },
        "channels": {topic.name: _channel(topic) for topic in topics.ALL},
        "operations": {
            f"{service.name}.{action}.{topic.name}": _operation(service, action, topic)
            for service in services
            for action, served in (("receive", service.receives), ("send", service.sends))
            for topic in served
        },
        "components": {
            "messages": {topic.event_type: _message(topic) for topic in topics.ALL},
            "schemas": schemas,
        },
    }


def attributes() -> dict[str, Any]:
    """Return the schema of the record headers in binary mode: the CloudEvents attributes."""
    text = {"type": "string", "minLength": 1}
    return {
        "type": "object",
        "description": "CloudEvents attributes in binary mode. Other headers are carried on.",
        "required": ["ce_specversion", "ce_id", "ce_type", "ce_source"],
        "properties": {
            "ce_specversion": {"const": "1.0"},
            "ce_id": {**text, "description": "With the source: what the event is known by."},
            "ce_type": {**text, "description": "What kind of event it is; one for each topic."},
            "ce_source": {**text, "description": "Who sent it, as a URI or path."},
            "ce_time": {**text, "format": "date-time"},
            "ce_subject": {**text, "description": "The person whose data it is, for erasure."},
            "ce_tenant": {**text, "description": "The tenant; not set, the default one."},
            "content-type": {"type": "string", "examples": ["application/json"]},
            "traceparent": {"type": "string", "description": "W3C trace context."},
        },
    }


def _channel(topic: Topic) -> dict[str, Any]:
    configuration: dict[str, Any] = {
        "cleanup.policy": [topic.cleanup],
        "retention.ms": int(topic.retention.total_seconds() * 1000) if topic.retention else -1,
        "max.message.bytes": topic.max_bytes,
    }
    return {
        "address": topic.name,
        "messages": {topic.event_type: {"$ref": f"#/components/messages/{topic.event_type}"}},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "topicConfiguration": configuration,
                "bindingVersion": _BINDING_VERSION,
            }
        },
    }


def _message(topic: Topic) -> dict[str, Any]:
    message: dict[str, Any] = {"name": topic.event_type}
    if topic.data is None:
        return message | {
            "summary": "The record as it came: key, headers and value untouched, and "
            "`glideslope-…` headers that say what happened."
        }
    return message | {
        "summary": (topic.data.__doc__ or "").partition("\n\n")[0].replace("\n    ", " "),
        "contentType": "application/json",
        "headers": {"$ref": "#/components/schemas/Attributes"},
        "payload": {"$ref": _MODEL_REFERENCE.format(model=topic.data.__name__)},
        "examples": [
            {"headers": examples.headers(topic), "payload": examples.data(topic)},
        ],
    }


def _operation(service: Declaration, action: str, topic: Topic) -> dict[str, Any]:
    channel = f"#/channels/{topic.name}"
    return {
        "action": action,
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{topic.event_type}"}],
        "tags": [{"name": service.name, "description": service.about}],
    }

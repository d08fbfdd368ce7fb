"""The generated file of the Helm chart: the pipeline's topics and rights, and what services read.

The chart puts the topic prefix before names, and says how many copies of a record there are.
"""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from glideslope.access.principals import principals
from glideslope.access.strimzi import kafka_topics, kafka_users
from glideslope.declarations import Declaration, found
from shared import topics
from shared.settings import Settings

_HEAD: Final = "# Generated from the services' declarations and settings: run `make docs`\n"
_BY_COPIES: Final = "min.insync.replicas"
"""The one thing in a topic's configuration that depends on how many copies there are."""

_ONE_LINE: Final = 1000


def page(services: Sequence[Declaration]) -> str:
    """Return the file."""
    bare = Settings.model_construct()
    content = {
        "topics": {
            each["spec"]["topicName"]: _line(_without(each["spec"]["config"], _BY_COPIES))
            for each in kafka_topics(bare, cluster="", replicas=1)
        },
        "largest": max(topic.max_bytes for topic in topics.ALL),
        "users": {
            each["metadata"]["name"]: [_line(acl) for acl in each["spec"]["authorization"]["acls"]]
            for each in kafka_users(principals(bare), cluster="", authentication="scram-sha-512")
        },
        "settings": _variables(Settings, secret=False),
        "services": {each.name: _service(each) for each in services},
    }
    yaml = YAML()
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = _ONE_LINE
    text = io.StringIO()
    yaml.dump(content, text)
    return f"{_HEAD}{text.getvalue()}"


def write(path: Path) -> list[Path]:
    """Write the file if it differs; return what was written."""
    text = page(found())
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return []
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return [path]


def _line(content: dict[str, Any]) -> CommentedMap:
    """Return what is written in one line."""
    line = CommentedMap(content)
    line.fa.set_flow_style()
    return line


def _service(service: Declaration) -> dict[str, Any]:
    return {
        "scales": _scales(service),
        "settings": _variables(service.settings, secret=False),
        "secrets": _variables(service.settings, secret=True),
    }


def _scales(service: Declaration) -> list[str]:
    """Return the topics whose lag is work that somebody waits for; none: the whole group's lag."""
    if set(service.receives) == set(topics.ALL):
        return []
    return [topic.name for topic in service.receives if topic not in topics.SHADOWS]


def _variables(settings: type[Settings], *, secret: bool) -> list[str]:
    return sorted(
        settings.variable(name)
        for name, field in settings.model_fields.items()
        if _is_secret(field) is secret
    )


def _is_secret(field: FieldInfo) -> bool:
    return field.annotation is SecretStr or SecretStr in get_args(field.annotation)


def _without(configuration: dict[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in configuration.items() if key != name}

"""The settings that every part shares: how Kafka is reached and its topics are cut, who we are."""

import os
from pathlib import Path
from typing import Final, Literal

from pydantic import AliasChoices, DirectoryPath, Field
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)

from shared.connection_settings import ConnectionSettings
from shared.topics import Topic

_HEARTBEAT_SECONDS: Final = 0.5
_SECRETS: Final = "GLIDESLOPE_SECRETS_FOLDER"


class Settings(ConnectionSettings):
    """Read from the environment: `GLIDESLOPE_…`, and a few under their usual names.

    What is not there may be a file in the folder of secrets, named as the variable would be. No
    error says what a setting holds: it may be a secret.
    """

    model_config = SettingsConfigDict(
        env_prefix="GLIDESLOPE_", frozen=True, populate_by_name=True, hide_input_in_errors=True
    )

    secrets_folder: DirectoryPath | None = Field(
        default=None,
        description="Folder with a file for each setting that is a secret, or any other, named as "
        "its variable in either case; the environment comes first.",
    )
    home: Path = Field(
        default=Path(".glideslope"), description="Folder of all local state: logs, data, audit."
    )
    deployment: str = Field(
        default="glideslope",
        pattern=r"^[A-Za-z0-9._-]+$",
        description="Name of this deployment; the origin of its audit logs starts with it.",
    )
    topic_prefix: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9._-]*$",
        description="Put before every topic, consumer group and transactional id.",
    )
    partitions: int = Field(
        default=4, ge=1, description="Partitions of each topic; the same for all of them."
    )
    replication_factor: int | None = Field(
        default=None,
        ge=1,
        description="Copies of each partition of a topic that is created. Not set: three, or one "
        "on each broker where there are fewer.",
    )
    default_tenant: str = Field(
        default="default", min_length=1, description="Tenant of an event that names none."
    )
    max_in_flight: int = Field(
        default=32,
        ge=1,
        description="Records that one process handles at once; for audit "
        "`GLIDESLOPE_AUDIT_IN_FLIGHT` says it.",
    )
    shadow_in_flight: int = Field(
        default=4,
        ge=1,
        description="Copies for a release in shadow that one process handles at once, besides.",
    )
    shadow_max_age_seconds: float = Field(
        default=600.0,
        gt=0,
        description="Age of a request at which its copy for a release in shadow is dropped and "
        "counted, seconds: a shadow that cannot keep up runs on a part.",
    )
    max_bytes_in_flight: int = Field(
        default=64 * 1024 * 1024,
        ge=1024 * 1024,
        description="Bytes of records, taken and not yet committed, above which one process asks "
        "for no more of a partition that holds its share.",
    )
    grace_seconds: float = Field(
        default=20.0, gt=0, description="Time to finish what is in flight when stopping, seconds."
    )
    session_timeout_seconds: float = Field(
        default=10.0,
        ge=6,
        description="Silence after which the group takes a process for dead, seconds.",
    )
    instance: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9._-]+$",
        description="Name of this process among those of its service, the same after a restart. "
        "Set, it is a static member: a restart within the session timeout moves no partition.",
    )
    attempts: int = Field(
        default=3,
        ge=1,
        description="Tries of a record in a row, before it waits for its next round.",
    )
    retry_delays_seconds: tuple[float, ...] = Field(
        default=(5.0, 30.0),
        description="Waits before each further round of tries, seconds; after the last round a "
        "record becomes a dead letter. JSON list.",
    )
    breaker_failures: int = Field(
        default=3,
        ge=1,
        description="Failures of a dependency in a row after which its records are held back.",
    )
    breaker_recovery_seconds: float = Field(
        default=5.0, gt=0, description="Time before a dependency that was down is probed, seconds."
    )
    poison_run: int = Field(
        default=100, ge=1, description="Dead letters in a row that stop a service."
    )
    poison_share: float = Field(
        default=0.8,
        gt=0,
        le=1,
        description="Share of dead letters among the last records above which a service stops.",
    )
    poison_window: int = Field(
        default=500, ge=1, description="How many of the last records that share is taken of."
    )
    log_level: str = Field(
        default="INFO",
        pattern=r"^(DEBUG|INFO|WARNING|ERROR|CRITICAL)$",
        description="Least severe level that is logged.",
    )
    log_content: bool = Field(
        default=False,
        description="Let texts of questions, passages and answers, and messages of errors, "
        "into the logs.",
    )
    traces_exporter: Literal["otlp", "console", "none"] | None = Field(
        default=None,
        validation_alias=AliasChoices("OTEL_TRACES_EXPORTER"),
        description="Where traces go: `otlp`, `console` (standard error) or `none`. "
        "Not set: `otlp` if there is an endpoint.",
    )
    metrics_exporter: Literal["otlp", "prometheus", "none"] | None = Field(
        default=None,
        validation_alias=AliasChoices("OTEL_METRICS_EXPORTER"),
        description="Where metrics go besides `/metrics`, which always has them: `otlp`, or "
        "nowhere (`prometheus`, `none`). Not set: `otlp` if there is an endpoint.",
    )
    otlp_endpoint: str | None = Field(
        default=None,
        validation_alias=AliasChoices("OTEL_EXPORTER_OTLP_ENDPOINT"),
        description="OpenTelemetry collector (OTLP over HTTP) that gets traces and metrics.",
    )
    health_host: str = Field(
        default="127.0.0.1",
        description="Address on which `/livez`, `/readyz` and `/metrics` are served; in the "
        "images `0.0.0.0`.",
    )
    health_port: int = Field(
        default=0,
        ge=0,
        le=65535,
        description="Port of the same; 0: any free one, which the log names, so that several "
        "services run on one machine. In the images 8080.",
    )
    stall_seconds: float = Field(
        default=300.0,
        gt=0,
        description="Time that a partition with lag may stand still before its service counts as "
        "not ready, seconds. Positions of records without outputs stand still for up to 5.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take the folder of secrets from the environment; that it is none is told later."""
        del dotenv_settings, file_secret_settings
        folder = os.environ.get(_SECRETS, "")
        if not Path(folder).is_dir() or not folder:
            return init_settings, env_settings
        return init_settings, env_settings, SecretsSettingsSource(settings_cls, folder)

    @classmethod
    def variable(cls, name: str) -> str:
        """Return the environment variable that a field is read from."""
        alias = cls.model_fields[name].validation_alias
        if isinstance(alias, AliasChoices):
            return str(alias.choices[0])
        if isinstance(alias, str):
            return alias
        return f"{cls.model_config['env_prefix']}{name}".upper()

    @property
    def heartbeat_seconds(self) -> float:
        """How often a consumer says that it lives, which is when it hears of a rebalance.

        Until the last member has heard, the partitions of one that left are nobody's.
        """
        return min(_HEARTBEAT_SECONDS, self.session_timeout_seconds / 5)

    def topic(self, topic: Topic) -> str:
        """Return the topic's name on this cluster."""
        return f"{self.topic_prefix}{topic.name}"

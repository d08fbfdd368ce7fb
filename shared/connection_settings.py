"""The settings of a connection to Kafka: where it is, how it is encrypted, and who we are."""

from pathlib import Path
from typing import Literal, Self

from pydantic import AliasChoices, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings


class ConnectionSettings(BaseSettings):
    """Read from the environment under the names that are usual for them."""

    bootstrap_servers: str = Field(
        default="localhost:9092",
        validation_alias=AliasChoices("KAFKA_BOOTSTRAP_SERVERS"),
        description="Kafka brokers, `host:port` separated by commas.",
    )
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT",
        validation_alias=AliasChoices("KAFKA_SECURITY_PROTOCOL"),
        description="How Kafka is spoken to: `SSL` encrypts, `SASL_SSL` also says who we are, see "
        "[rights](rights.md).",
    )
    kafka_sasl_mechanism: Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN", "AWS_MSK_IAM"] = Field(
        default="SCRAM-SHA-512",
        validation_alias=AliasChoices("KAFKA_SASL_MECHANISM"),
        description="How we prove who we are, with `SASL_…`. `PLAIN` over `SASL_SSL` alone.",
    )
    kafka_sasl_username: str | None = Field(
        default=None,
        validation_alias=AliasChoices("KAFKA_SASL_USERNAME"),
        description="Who we are, for SCRAM and `PLAIN`.",
    )
    kafka_sasl_password: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("KAFKA_SASL_PASSWORD"),
        description="Password that goes with it.",
    )
    kafka_ssl_ca_file: Path | None = Field(
        default=None,
        validation_alias=AliasChoices("KAFKA_SSL_CA_FILE"),
        description="Certificates, in PEM, that brokers' are signed with. Not set: those that this "
        "machine trusts.",
    )
    kafka_ssl_certificate_file: Path | None = Field(
        default=None,
        validation_alias=AliasChoices("KAFKA_SSL_CERTIFICATE_FILE"),
        description="Our own certificate and its chain, in PEM, for brokers that ask for one.",
    )
    kafka_ssl_key_file: Path | None = Field(
        default=None,
        validation_alias=AliasChoices("KAFKA_SSL_KEY_FILE"),
        description="Its private key, in PEM. Not set: in the same file.",
    )
    kafka_ssl_key_password: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("KAFKA_SSL_KEY_PASSWORD"),
        description="Password of that key, if it has one.",
    )
    kafka_aws_region: str | None = Field(
        default=None,
        validation_alias=AliasChoices("KAFKA_AWS_REGION", "AWS_REGION", "AWS_DEFAULT_REGION"),
        description="AWS region of the cluster, for `AWS_MSK_IAM`. Not set: `AWS_REGION`, then "
        "`AWS_DEFAULT_REGION`.",
    )

    @model_validator(mode="after")
    def _must_say_how_kafka_is_reached(self) -> Self:
        """Refuse what would be left out of account: it was meant to protect something."""
        protocol = self.kafka_security_protocol
        if protocol != "PLAINTEXT" and "bootstrap_servers" not in self.model_fields_set:
            raise ValueError(
                f"KAFKA_SECURITY_PROTOCOL={protocol} also needs KAFKA_BOOTSTRAP_SERVERS: the local "
                "broker is reached without"
            )
        files = (self.kafka_ssl_ca_file, self.kafka_ssl_certificate_file, self.kafka_ssl_key_file)
        if not protocol.endswith("SSL") and any(files):
            raise ValueError(
                f"KAFKA_SSL_… is of no use with KAFKA_SECURITY_PROTOCOL={protocol}: make it SSL or "
                "SASL_SSL"
            )
        if self.kafka_ssl_key_file and not self.kafka_ssl_certificate_file:
            raise ValueError("KAFKA_SSL_KEY_FILE also needs KAFKA_SSL_CERTIFICATE_FILE")
        self._must_say_who_we_are()
        return self

    def _must_say_who_we_are(self) -> None:
        protocol, mechanism = self.kafka_security_protocol, self.kafka_sasl_mechanism
        if not protocol.startswith("SASL"):
            if self.kafka_sasl_username or self.kafka_sasl_password:
                raise ValueError(
                    "KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD are of no use with "
                    f"KAFKA_SECURITY_PROTOCOL={protocol}: make it SASL_SSL"
                )
        elif mechanism in {"PLAIN", "AWS_MSK_IAM"} and protocol != "SASL_SSL":
            raise ValueError(
                f"KAFKA_SASL_MECHANISM={mechanism} would show everybody on the way who we are: "
                "KAFKA_SECURITY_PROTOCOL must be SASL_SSL"
            )
        elif mechanism == "AWS_MSK_IAM":
            if not self.kafka_aws_region:
                raise ValueError("KAFKA_SASL_MECHANISM=AWS_MSK_IAM also needs KAFKA_AWS_REGION")
        elif not (self.kafka_sasl_username and self.kafka_sasl_password):
            raise ValueError(
                f"KAFKA_SECURITY_PROTOCOL={protocol} also needs KAFKA_SASL_USERNAME and "
                "KAFKA_SASL_PASSWORD"
            )

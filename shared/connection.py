"""How each of our clients reaches Kafka: the address, the encryption, and who we are."""

from functools import lru_cache
from typing import Any

from shared.certificates import Certificates, Files
from shared.msk import MskTokens
from shared.settings import Settings

_MSK = "AWS_MSK_IAM"


def connection(settings: Settings) -> dict[str, Any]:
    """Return the arguments that all of aiokafka's clients take for it.

    Clients of one process share certificates and tokens. Raises `CertificatesError`,
    `SignerMissingError`.
    """
    protocol = settings.kafka_security_protocol
    options: dict[str, Any] = {
        "bootstrap_servers": settings.bootstrap_servers,
        "security_protocol": protocol,
    }
    if protocol.endswith("SSL"):
        options["ssl_context"] = _certificates(_files(settings))
    if protocol.startswith("SASL"):
        options |= _identity(settings)
    return options


def _identity(settings: Settings) -> dict[str, Any]:
    if settings.kafka_sasl_mechanism == _MSK:
        return {
            "sasl_mechanism": "OAUTHBEARER",
            "sasl_oauth_token_provider": _tokens(settings.kafka_aws_region or ""),
        }
    password = settings.kafka_sasl_password
    return {
        "sasl_mechanism": settings.kafka_sasl_mechanism,
        "sasl_plain_username": settings.kafka_sasl_username,
        "sasl_plain_password": password.get_secret_value() if password else None,
    }


def _files(settings: Settings) -> Files:
    password = settings.kafka_ssl_key_password
    return Files(
        settings.kafka_ssl_ca_file,
        settings.kafka_ssl_certificate_file,
        settings.kafka_ssl_key_file,
        password.get_secret_value() if password else None,
    )


_certificates = lru_cache(Certificates)
_tokens = lru_cache(MskTokens)

"""A master key that never leaves AWS KMS.

Each secret has a data key of its own from `GenerateDataKey`, and KMS alone opens that again: every
use of a person's key is a line in CloudTrail, and a policy can stop all of them at once. Erasing a
person does not wait for KMS, whose own deletion takes a week or more: the person's wrapped key is
overwritten in the key store at once, and the master key stays.

    bytes 0-1    length of what follows, big-endian
    …            the data key as KMS encrypted it
    12 bytes     nonce
    …            AES-256-GCM of the secret under the data key, the name as associated data

The encryption context is `{"glideslope": <name>}`; a name is a random id or a number, and tells
nothing of a person.
"""

import os
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.audit.adapters.master import NONCE_BYTES, WrongMasterError
from services.audit.tlog.keystore import KeysUnavailableError

_LENGTH: Final = 2
_CONTEXT: Final = "glideslope"
_WRONG: Final = frozenset({"InvalidCiphertextException", "IncorrectKeyException"})


class KmsError(KeysUnavailableError):
    """KMS does not answer, or does not let this process use the key."""


class KmsMaster:
    """A `Master` in KMS. What another KMS key wrapped opens as well, where a policy lets it."""

    def __init__(self, key_id: str, *, endpoint_url: str | None = None) -> None:
        self._key_id = key_id
        self._client: Any = boto3.client(
            "kms",
            endpoint_url=endpoint_url,
            config=Config(retries={"mode": "standard", "max_attempts": 5}),
        )

    def wrap(self, secret: bytes, name: str) -> bytes:
        """See `Master`."""
        try:
            made = self._client.generate_data_key(
                KeyId=self._key_id, KeySpec="AES_256", EncryptionContext={_CONTEXT: name}
            )
        except (BotoCoreError, ClientError) as error:
            raise self._failed(error) from error
        wrapped: bytes = made["CiphertextBlob"]
        nonce = os.urandom(NONCE_BYTES)
        sealed = AESGCM(made["Plaintext"]).encrypt(nonce, secret, name.encode())
        return len(wrapped).to_bytes(_LENGTH, "big") + wrapped + nonce + sealed

    def unwrap(self, sealed: bytes, name: str) -> bytes:
        """See `Master`."""
        end = _LENGTH + int.from_bytes(sealed[:_LENGTH], "big")
        wrapped, nonce = sealed[_LENGTH:end], sealed[end : end + NONCE_BYTES]
        try:
            key = self._client.decrypt(CiphertextBlob=wrapped, EncryptionContext={_CONTEXT: name})
            return AESGCM(key["Plaintext"]).decrypt(
                nonce, sealed[end + NONCE_BYTES :], name.encode()
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in _WRONG:
                raise WrongMasterError(name) from error
            raise self._failed(error) from error
        except BotoCoreError as error:
            raise self._failed(error) from error
        except (InvalidTag, ValueError) as error:
            raise WrongMasterError(name) from error

    def _failed(self, error: Exception) -> KmsError:
        return KmsError(
            f"the KMS key {self._key_id} cannot be used: {error}. Nothing was changed. This "
            "process needs kms:GenerateDataKey and kms:Decrypt on it, and the network to KMS"
        )

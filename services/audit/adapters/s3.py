"""A log's objects in an S3 bucket, under a prefix, kept from change by Object Lock."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import boto3
import stamina
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from services.audit.tlog.paths import CHECKPOINT
from services.audit.tlog.storage import ConflictError, StorageError, Stored

_PARALLEL: Final = 32
_CONNECT_SECONDS: Final = 5
_READ_SECONDS: Final = 20
_TAKEN: Final = frozenset({"PreconditionFailed", "412"})
_BUSY: Final = frozenset({"ConditionalRequestConflict", "OperationAborted", "409"})
"""Another request for the same object is under way: nothing is known, and S3 asks to try again."""
_MISSING: Final = frozenset({"NoSuchKey", "404"})


class BusyError(StorageError):
    """Another request for the same object is under way."""


class S3Storage:
    """A `Storage`. Objects are created with `If-None-Match: *`; the checkpoint with `If-Match`.

    With `retention_days` every object but the checkpoint is locked in compliance mode that long,
    in a bucket that has Object Lock. With `kms_key_id` the bucket encrypts under that key.
    A request that S3 may have carried out before it failed is repeated by botocore, and then found
    done; `replace` looks at what stands there before it calls that a conflict.
    """

    is_durable: Final = True

    def __init__(
        self,
        bucket: str,
        prefix: str = "",
        *,
        endpoint_url: str | None = None,
        retention_days: int | None = None,
        kms_key_id: str | None = None,
    ) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix else ""
        self._retention_days = retention_days
        self._encryption = (
            {}
            if kms_key_id is None
            else {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key_id}
        )
        self._client: Any = boto3.client(
            "s3",
            endpoint_url=endpoint_url,
            config=Config(
                connect_timeout=_CONNECT_SECONDS,
                read_timeout=_READ_SECONDS,
                retries={"mode": "standard", "max_attempts": 5},
                max_pool_connections=_PARALLEL,
            ),
        )
        self._pool = ThreadPoolExecutor(_PARALLEL, thread_name_prefix="s3")

    def create(self, *stages: Mapping[str, bytes], repair: bool = False) -> None:  # noqa: ARG002 - the port has it
        """See `Storage`. S3 holds whole objects only, so there is nothing to repair."""
        for stage in stages:
            list(self._pool.map(self._create, stage.keys(), stage.values()))

    def replace(self, path: str, data: bytes, version: str | None) -> str:
        """See `Storage`."""
        condition = {"IfNoneMatch": "*"} if version is None else {"IfMatch": version}
        try:
            return self._put(path, data, condition)
        except ConflictError:
            current = self.get(path)
            if current is None or current.data != data:
                raise
            return current.version  # it was this very request, carried out before it failed

    def sync(self) -> None:
        """See `Storage`. What S3 has confirmed is durable."""

    def get(self, path: str) -> Stored | None:
        """See `Storage`."""
        try:
            found = self._client.get_object(Bucket=self._bucket, Key=self._prefix + path)
            return Stored(found["Body"].read(), found["ETag"])
        except ClientError as error:
            if error.response["Error"]["Code"] in _MISSING:
                return None
            raise self._failed(path, error) from error
        except (BotoCoreError, OSError) as error:
            raise self._failed(path, error) from error

    def list(self, prefix: str) -> Iterator[str]:
        """See `Storage`."""
        try:
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._prefix + prefix
            )
            for page in pages:
                for found in page.get("Contents", ()):
                    yield str(found["Key"]).removeprefix(self._prefix)
        except (BotoCoreError, ClientError) as error:
            raise self._failed(prefix, error) from error

    def prune(self, prefix: str) -> None:
        """See `Storage`. Nothing is deleted: a lock, and a verifier, would object."""

    def close(self) -> None:
        """See `Storage`."""
        self._pool.shutdown()
        self._client.close()

    def _create(self, path: str, data: bytes) -> None:
        try:
            self._put(path, data, {"IfNoneMatch": "*"})
        except ConflictError:
            current = self.get(path)
            if current is None or current.data != data:
                raise

    def _put(self, path: str, data: bytes, condition: Mapping[str, str]) -> str:
        options: dict[str, Any] = {**condition, **self._encryption}
        if self._retention_days is not None and path != CHECKPOINT:
            options["ObjectLockMode"] = "COMPLIANCE"
            options["ObjectLockRetainUntilDate"] = datetime.now(UTC) + timedelta(
                days=self._retention_days
            )
        for attempt in stamina.retry_context(on=BusyError, attempts=5, wait_max=1.0):
            with attempt:
                return self._put_once(path, data, options)
        raise AssertionError("stamina ends with a result or an error")

    def _put_once(self, path: str, data: bytes, options: Mapping[str, Any]) -> str:
        place = f"s3://{self._bucket}/{self._prefix}{path}"
        try:
            put = self._client.put_object(
                Bucket=self._bucket, Key=self._prefix + path, Body=data, **options
            )
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _TAKEN:
                raise ConflictError(place) from error
            if code in _BUSY:
                raise BusyError(f"{place}: {error}") from error
            raise self._failed(path, error) from error
        except BotoCoreError as error:
            raise self._failed(path, error) from error
        return str(put["ETag"])

    def _failed(self, path: str, error: Exception) -> StorageError:
        return StorageError(f"s3://{self._bucket}/{self._prefix}{path}: {error}")

"""A log's objects in an S3 bucket, and what S3 alone tells: versions, delete markers, locks.

Object Lock keeps a version from being deleted or changed. It does not keep anybody from putting a
new version over it, or a delete marker: readers then see those. So of an object that is written
once the *first* version is read, which is what was logged, and whatever came after it is a finding.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from glideslope.audit.findings import Finding, Problem
from glideslope.audit.locks import Lock, unlocked
from glideslope.audit.objects import COSIGNATURES, MissingObjectError, UnreadableObjectError
from services.audit.tlog.paths import CHECKPOINT

_PARALLEL: Final = 32
_MISSING: Final = frozenset({"NoSuchKey", "NoSuchVersion", "404"})
_NO_LOCK: Final = frozenset({"ObjectLockConfigurationNotFoundError", "NotImplemented"})
_DAYS_OF_A_YEAR: Final = 365


class BucketError(UnreadableObjectError):
    """The bucket cannot be listed; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an object; `size` is None of a delete marker."""

    id: str
    at: datetime
    size: int | None


@dataclass(slots=True)
class History:
    """The versions of one object and its delete markers, oldest first."""

    versions: list[Version] = field(default_factory=list)
    markers: list[Version] = field(default_factory=list)


class BucketObjects:
    """A log below `s3://<bucket>/<prefix>`.

    With `retention_days`, or where the bucket has a retention of its own, each object that was
    read must be locked in compliance mode that long. Reads 32 objects at a time.
    """

    def __init__(
        self,
        bucket: str,
        prefix: str,
        *,
        endpoint_url: str | None = None,
        retention_days: int | None = None,
    ) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._retention_days = retention_days
        self._endpoint_url = endpoint_url
        self._histories: dict[str, History] | None = None
        self._locks: dict[str, Lock] = {}
        self._connect()

    def _connect(self) -> None:
        self._client = client(self._endpoint_url)
        self._pool = ThreadPoolExecutor(_PARALLEL, thread_name_prefix="s3")
        self._fetched: dict[str, Future[bytes]] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Return what another process needs: it has connections of its own, and lists nothing."""
        state = self.__dict__.copy()
        for ours in ("_client", "_pool", "_fetched"):
            del state[ours]
        return {**state, "_locks": {}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Go on from there in another process."""
        self.__dict__.update(state)
        self._connect()

    @property
    def place(self) -> str:
        """The address of the log."""
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    def read(self, name: str) -> bytes:
        """Return an object's bytes. Raises `MissingObjectError`, `UnreadableObjectError`.

        Once `names` was asked, it is the first version of an object, and the newest `checkpoint`.
        """
        fetched = self._fetched.pop(name, None)
        return self._read(name) if fetched is None else fetched.result()

    def names(self) -> Iterator[str]:
        """Yield the name of each object, also of those that a delete marker hides."""
        self._histories = self._listed()
        for name in self._histories:
            if not _is_replaced(name):
                yield name

    def unfinished(self) -> AbstractSet[str]:
        """Return nothing: the journal is on the writer's disk."""
        return frozenset()

    def cosignatures(self) -> Iterator[str]:
        """Yield what witnesses left."""
        listed = self._listed(COSIGNATURES) if self._histories is None else self._histories
        yield from (name for name in listed if name.startswith(f"{COSIGNATURES}/"))

    def ahead(self, names: Iterable[str]) -> None:
        """Fetch these objects meanwhile."""
        for name in names:
            if name not in self._fetched:
                self._fetched[name] = self._pool.submit(self._read, name)

    def versions(self, name: str) -> Iterator[tuple[str, bytes]]:
        """Yield the versions of an object but the newest, oldest first."""
        older = (self._histories or {}).get(name, History()).versions[:-1]
        for start in range(0, len(older), _PARALLEL):
            some = older[start : start + _PARALLEL]
            read = self._pool.map(lambda version: self._get(name, version.id), some)
            for version, raw in zip(some, read, strict=True):
                yield f"{name}?versionId={version.id}", raw

    def noted(self) -> Mapping[str, Lock]:
        """Return how the objects were locked that were read since this was asked last."""
        noted, self._locks = self._locks, {}
        return noted

    def note(self, noted: Mapping[str, Lock]) -> None:
        """Take in how objects were locked."""
        self._locks.update(noted)

    def findings(self) -> Iterator[Finding]:
        """Say which objects have further versions or delete markers, and which are not locked."""
        for name, history in sorted((self._histories or {}).items()):
            for marker in history.markers:
                yield Finding(
                    Problem.DELETED,
                    name,
                    f"a delete marker of {marker.at:%Y-%m-%d %H:%M:%S}Z was put over it (version "
                    f"{marker.id}): readers do not find it. Remove the marker",
                )
            if _is_replaced(name):
                continue
            for version in history.versions[1:]:
                yield Finding(
                    Problem.OVERWRITTEN,
                    name,
                    f"a version of {version.at:%Y-%m-%d %H:%M:%S}Z was put over it (version "
                    f"{version.id}): readers get that one. What was logged is version "
                    f"{history.versions[0].id}, and was checked",
                )
        yield from self._unlocked()

    def remarks(self) -> Iterator[str]:
        """Say where nothing keeps objects from being deleted, and nobody asked for it."""
        if self._retention()[0] is None:
            yield (
                f"The bucket {self._bucket} keeps objects for no set time: whoever may delete "
                "there can delete the log. Set GLIDESLOPE_AUDIT_S3_RETENTION_DAYS, and Object Lock."
            )

    def close(self) -> None:
        """Let go of the connections."""
        self._pool.shutdown(cancel_futures=True)
        self._client.close()

    # ── reading ───────────────────────────────────────────────────────────────────────────────

    def _read(self, name: str) -> bytes:
        history = (self._histories or {}).get(name)
        if history is None:
            return self._get(name, None)
        if not history.versions:
            raise MissingObjectError(name)
        if _is_replaced(name):
            # may have been replaced since; one that was deleted is still there
            return self._get(name, history.versions[-1].id if history.markers else None)
        return self._get(name, history.versions[0].id)

    def _get(self, name: str, version: str | None) -> bytes:
        which = {} if version is None else {"VersionId": version}
        try:
            found = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name, **which)
            raw: bytes = found["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] in _MISSING:
                raise MissingObjectError(name) from error
            raise UnreadableObjectError(f"{name}: {error}") from error
        except (BotoCoreError, OSError) as error:
            raise UnreadableObjectError(f"{name}: {error}") from error
        self._locks[name] = Lock(
            found.get("ObjectLockMode"),
            found.get("ObjectLockRetainUntilDate"),
            found["LastModified"],
        )
        return raw

    def _listed(self, below: str = "") -> dict[str, History]:
        histories: defaultdict[str, History] = defaultdict(History)
        for page in pages(self._client, self._bucket, self._prefix + below):
            for kind in ("Versions", "DeleteMarkers"):
                for said in page.get(kind, ()):
                    history = histories[said["Key"].removeprefix(self._prefix)]
                    version = Version(said["VersionId"], said["LastModified"], said.get("Size"))
                    (history.versions if "Size" in said else history.markers).append(version)
        for history in histories.values():  # S3 lists the newest first
            history.versions.reverse()
            history.markers.reverse()
        return dict(histories)

    # ── locks ─────────────────────────────────────────────────────────────────────────────────

    def _unlocked(self) -> Iterator[Finding]:
        days, enabled = self._retention()
        if days is None:
            return
        if not enabled:
            what = f"the bucket has no Object Lock, and objects are to be kept for {days} days"
            yield Finding(Problem.UNLOCKED, self.place, what)
            return
        kept = {name: lock for name, lock in self._locks.items() if not _is_replaced(name)}
        yield from unlocked(kept, days)

    def _retention(self) -> tuple[int | None, bool]:
        """Return for how many days objects are to be kept, and whether the bucket can."""
        try:
            found = self._client.get_object_lock_configuration(Bucket=self._bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] in _NO_LOCK:
                return self._retention_days, False
            raise _unreadable(self._bucket, error) from error
        except BotoCoreError as error:
            raise _unreadable(self._bucket, error) from error
        said = found.get("ObjectLockConfiguration", {})
        rule = said.get("Rule", {}).get("DefaultRetention", {})
        days = rule.get("Days") or rule.get("Years", 0) * _DAYS_OF_A_YEAR or None
        return self._retention_days or days, said.get("ObjectLockEnabled") == "Enabled"


def _is_replaced(name: str) -> bool:
    """Whether an object is not written once, but replaced by a newer one."""
    return name == CHECKPOINT or name.startswith(f"{COSIGNATURES}/")


def client(endpoint_url: str | None) -> Any:
    """Return a client of S3."""
    return boto3.client(
        "s3",
        endpoint_url=endpoint_url,
        config=Config(
            retries={"mode": "standard", "max_attempts": 5}, max_pool_connections=_PARALLEL
        ),
    )


def top_names(s3: Any, bucket: str, prefix: str) -> set[str]:
    """Return the names right below a prefix, which ends with a slash: of objects, and `name/`.

    Raises `BucketError`.
    """
    found: set[str] = set()
    for page in pages(s3, bucket, prefix, Delimiter="/"):
        for kind, key in (
            ("Versions", "Key"),
            ("DeleteMarkers", "Key"),
            ("CommonPrefixes", "Prefix"),
        ):
            found |= {said[key].removeprefix(prefix) for said in page.get(kind, ())}
    return found


def pages(s3: Any, bucket: str, prefix: str, **options: str) -> Iterator[dict[str, Any]]:
    """Yield the pages of a listing of all versions. Raises `BucketError`."""
    try:
        yield from s3.get_paginator("list_object_versions").paginate(
            Bucket=bucket, Prefix=prefix, **options
        )
    except (BotoCoreError, ClientError) as error:
        raise _unreadable(bucket, error) from error


def _unreadable(bucket: str, error: Exception) -> BucketError:
    return BucketError(
        f"the bucket {bucket} cannot be checked: {error}. An auditor needs to be let to "
        "s3:ListBucket, s3:ListBucketVersions, s3:GetObject, s3:GetObjectVersion, "
        "s3:GetObjectRetention and s3:GetBucketObjectLockConfiguration"
    )

"""Where logs lie: in a folder, in a bucket, on the web. Found by what an auditor types.

A place can be sent to another process; opening it there gives the log's objects.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from glideslope.audit import bucket
from glideslope.audit.bucket import BucketObjects
from glideslope.audit.objects import PUBLISHED, FolderObjects, Objects
from glideslope.audit.web import WebObjects
from services.audit.settings import AuditSettings
from services.audit.tlog.paths import CHECKPOINT

_SIGNS: Final = tuple(name for name in PUBLISHED if name != "keys")
"""The folders that make a folder one of a log."""


class NoLogError(Exception):
    """There is no log at this place; its message says what is there instead."""


class Place(Protocol):
    """One log. `str` of it is what an auditor would type."""

    @property
    def name(self) -> str:
        """Its last part, which is the number of the partition."""

    def open(self, *, published: bool = False) -> Objects:
        """Return its objects, to be closed; with `published` as others see them.

        Else what a writer on this machine has acknowledged, and not put in its place yet, is there.
        """

    def leave(self, name: str, data: bytes) -> None:
        """Put what a witness cosigned beside the log, in the place of what it left before.

        Raises `NotLeftError`.
        """


class NotLeftError(Exception):
    """Nothing can be put beside the log; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A log in a folder."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    @property
    def name(self) -> str:
        """See `Place`."""
        return self.path.name

    def open(self, *, published: bool = False) -> Objects:
        """See `Place`."""
        return FolderObjects(self.path, published=published)

    def leave(self, name: str, data: bytes) -> None:
        """See `Place`."""
        target = self.path / name
        new = target.with_name(f".{target.name}.new")
        try:
            target.parent.mkdir(exist_ok=True)
            new.write_bytes(data)
            new.replace(target)
        except OSError as error:
            raise NotLeftError(f"{target} cannot be written: {error}") from error


@dataclass(frozen=True, slots=True)
class Bucket:
    """A log in an S3 bucket, below a prefix."""

    bucket: str
    prefix: str
    endpoint_url: str | None = None
    retention_days: int | None = None

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"

    @property
    def name(self) -> str:
        """See `Place`."""
        return self.prefix.rpartition("/")[2] or self.bucket

    def open(self, *, published: bool = False) -> Objects:  # noqa: ARG002 - the port has it
        """See `Place`."""
        return BucketObjects(
            self.bucket,
            self.prefix,
            endpoint_url=self.endpoint_url,
            retention_days=self.retention_days,
        )

    def leave(self, name: str, data: bytes) -> None:
        """See `Place`."""
        s3 = bucket.client(self.endpoint_url)
        try:
            s3.put_object(Bucket=self.bucket, Key=f"{self.prefix}/{name}".lstrip("/"), Body=data)
        except (BotoCoreError, ClientError) as error:
            raise NotLeftError(f"{self}/{name} cannot be written: {error}") from error
        finally:
            s3.close()


@dataclass(frozen=True, slots=True)
class Web:
    """A log as `audit serve`, or any tlog-tiles server, serves it."""

    url: str

    def __str__(self) -> str:
        return self.url

    @property
    def name(self) -> str:
        """See `Place`."""
        return self.url.rpartition("/")[2]

    def open(self, *, published: bool = False) -> Objects:  # noqa: ARG002 - the port has it
        """See `Place`."""
        return WebObjects(self.url)

    def leave(self, name: str, data: bytes) -> None:  # noqa: ARG002 - the port has it
        """See `Place`."""
        raise NotLeftError(
            f"a web server takes nothing: bring {name} to where the log {self.url} lies"
        )


def default_place(settings: AuditSettings) -> str:
    """Return where the settings let audit write its logs."""
    if settings.audit_s3_bucket is not None:
        return f"s3://{settings.audit_s3_bucket}/{settings.audit_s3_prefix}"
    return str(settings.home / "audit")


def find_logs(given: str | None, settings: AuditSettings) -> Sequence[Place]:
    """Return the logs at a place: it is one, or holds several. Raises `NoLogError`, `BucketError`.

    `given` is a folder or `s3://bucket/prefix`; without it, where the settings say.
    """
    place = default_place(settings) if given is None else given
    if place.startswith("s3://"):
        return _in_bucket(place, settings)
    if "://" in place:
        raise NoLogError(
            f"{place} cannot be checked: give a folder or s3://bucket/prefix. A server of tiles "
            "has neither the records nor a list of what is there; `audit witness` follows one"
        )
    return _in_folder(Path(place))


def find_followed(given: str, settings: AuditSettings) -> Sequence[Place]:
    """Return the logs that a witness follows: `find_logs`, or a web address of one log."""
    if urlsplit(given).scheme in {"http", "https"}:
        return [Web(given.rstrip("/"))]
    return find_logs(given, settings)


def _in_bucket(place: str, settings: AuditSettings) -> Sequence[Place]:
    name, _, prefix = place.removeprefix("s3://").partition("/")
    prefix = prefix.strip("/")
    endpoint = settings.audit_s3_endpoint
    s3 = bucket.client(endpoint)
    try:
        below = f"{prefix}/" if prefix else ""
        top = bucket.top_names(s3, name, below)
        found = [prefix] if _is_log(top) else []
        for each in sorted(top - {CHECKPOINT}, key=_in_order):
            if (
                not found
                and each.endswith("/")
                and _is_log(bucket.top_names(s3, name, below + each))
            ):
                found.append((below + each).rstrip("/"))
    finally:
        s3.close()
    if not found:
        raise NoLogError(f"{place} holds no log: no checkpoint, no tiles. Name s3://bucket/prefix")
    days = settings.audit_s3_retention_days
    return [Bucket(name, each, endpoint, days) for each in found]


def _in_folder(folder: Path) -> Sequence[Place]:
    if _is_folder_of_log(folder):
        return [Folder(folder)]
    if not folder.is_dir():
        raise NoLogError(
            f"there is no folder {folder}: name the folder of a log, or the one that holds the "
            "logs (GLIDESLOPE_HOME/audit)"
        )
    logs = sorted(
        (each for each in folder.iterdir() if _is_folder_of_log(each)),
        key=lambda each: _in_order(each.name),
    )
    if logs:
        return [Folder(each) for each in logs]
    lines = next((folder.glob("**/*.jsonl")), None)
    if lines is not None:
        raise NoLogError(
            f"{folder} holds no transparency log: {lines} is of an older format, which has no "
            "proofs. Nothing can be said of it here"
        )
    raise NoLogError(
        f"{folder} holds no log: no checkpoint, no tiles. Where audit has logged nothing yet, "
        "there is nothing to check"
    )


def _is_folder_of_log(folder: Path) -> bool:
    return (folder / CHECKPOINT).is_file() or any((folder / name).is_dir() for name in _SIGNS)


def _is_log(names: set[str]) -> bool:
    return CHECKPOINT in names or any(f"{name}/" in names for name in _SIGNS)


def _in_order(name: str) -> tuple[bool, str]:
    """Sort numbers as numbers, and before other names."""
    number = name.rstrip("/")
    return not number.isdecimal(), number.zfill(20)

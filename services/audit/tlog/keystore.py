"""The keys of a deployment: one for each person, one for each tenant, and those that sign logs.

KeyStoreError
├── HeldError              the person is under a legal hold, so nothing of theirs is erased
├── UnknownSubjectError    no record of that person was ever encrypted, or all are erased
├── MasterKeyError         the key that protects the others is missing or another one
└── KeysUnavailableError   what protects the keys does not answer, or refuses: it may not later
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from services.audit.tlog.blob import Key
from services.audit.tlog.note import SignerKey
from shared.delivery.errors import FatalError


class KeyStoreError(FatalError):
    """A key cannot be had, so nothing can be logged."""


class HeldError(KeyStoreError):
    """The person is under a legal hold."""


class UnknownSubjectError(KeyStoreError):
    """No key of that person is here."""


class MasterKeyError(KeyStoreError):
    """The master key is missing, or not the one that the keys are encrypted under."""


class KeysUnavailableError(KeyStoreError):
    """What protects the keys does not answer, or does not let them be used. Nothing was changed."""


class Owner(NamedTuple):
    """Whose a record is: a person of a tenant, or with subject None the tenant itself."""

    tenant: str
    subject: str | None


@dataclass(frozen=True, slots=True)
class KeyEvent:
    """Something that happened to keys, which every log records (see `leaf.KEY_EVENTS`).

    Numbered from 0 without gaps; `at` in ms since 1970. `detail` is what a reader of the tenant
    may know of it: reason, who did it. `event_id` is what anybody may.
    """

    number: int
    type: str
    at: int
    tenant: str
    subject_key: str | None
    detail: Mapping[str, str]
    event_id: str | None = None


class KeyReader(Protocol):
    """What a reader of logs needs."""

    def key(self, key_id: str) -> Key | None:
        """Return the key with this id, None where there is none (any more)."""


class KeyStore(KeyReader, Protocol):
    """What a writer of logs needs, and whoever erases. Every method may block.

    Raises `KeyStoreError`.
    """

    @property
    def id(self) -> str:
        """The key store's own id, random."""

    def wrapping(self, owners: Iterable[Owner]) -> Mapping[Owner, Key]:
        """Return the key of each owner, durably made where there was none."""

    def events(self, since: int) -> Sequence[KeyEvent]:
        """Return what happened, from the event number `since` on."""

    def signers(self, origin: str) -> Sequence[SignerKey]:
        """Return the log's signing keys, oldest first; the last one signs. Makes the first."""

    def rotate_signer(self, origin: str) -> SignerKey:
        """Make a new signing key for a log; the log begins to use it when it is opened next."""

    def erase(self, owner: Owner, reason: str) -> str:
        """Destroy a person's key and return its id. Raises `HeldError`, `UnknownSubjectError`.

        A refusal because of a hold is an event too.
        """

    def hold(self, owner: Owner, reason: str) -> None:
        """Refuse to erase a person until `release`, whether they have a key yet or not."""

    def release(self, owner: Owner, reason: str) -> None:
        """End a legal hold. Raises `UnknownSubjectError` where there is none."""

    def close(self) -> None:
        """Let go of what is open."""

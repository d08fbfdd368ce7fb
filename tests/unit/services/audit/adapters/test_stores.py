import ctypes
import errno
import os
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from services.audit.adapters import folder as folder_module
from services.audit.adapters import stores
from services.audit.adapters.folder import FolderStorage
from services.audit.adapters.journal import Journal
from services.audit.adapters.keys import LocalKeys
from services.audit.adapters.lookup import NAME, SqliteDerived
from services.audit.adapters.stores import open_store
from services.audit.entry import Entry, Position, RequestKey, Stream
from services.audit.log import (
    DamagedError,
    LockedError,
    LogError,
    OtherOriginError,
    OtherWriterError,
    UnavailableError,
)
from services.audit.tlog import merkle
from services.audit.tlog.keystore import Owner
from services.audit.tlog.leaf import KEY_EVENTS, SHREDDED, SIGNING_KEY_ROTATED, Leaf
from services.audit.tlog.note import Checkpoint, Note, VerifierKey
from services.audit.tlog.paths import bundles, first_of_pack, split_bundle, tiles
from services.audit.tlog.reading import leaves
from services.audit.tlog.store import TransparencyStore

ORIGIN = "test/0"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "home" / "audit" / "0"


class Log:
    """One log, opened as often as it is called: as after the death of the process before."""

    def __init__(self, folder: Path, keys: LocalKeys) -> None:
        self.folder = folder
        self.keys = keys
        self._store: TransparencyStore | None = None

    def __call__(self) -> TransparencyStore:
        self.close()
        self._store = open_store(self.folder, ORIGIN, self.keys)
        return self._store

    def close(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None

    def contents(self) -> list[Entry]:
        raw_entries(self.folder)
        indexed = list(stores.read(self.folder, self.keys))
        assert [index for index, _ in indexed] == list(range(len(indexed)))
        return [entry for _, entry in indexed]


@pytest.fixture
def opened(folder: Path, keys: LocalKeys) -> Iterator[Log]:
    log = Log(folder, keys)
    yield log
    log.close()


def numbered(count: int, first: int = 0) -> list[Entry]:
    return [
        Entry(Position("c", "requests", 0, i, i), b"k", (), f"entry {i}".encode())
        for i in range(first, first + count)
    ]


def raw_entries(folder: Path) -> list[bytes]:
    """Read every bundle of the log, and check all that a verifier checks of its form."""
    note = Note.parse((folder / "checkpoint").read_bytes())
    vkey = (folder / "keys/000").read_text().split("\n")[2]
    note.verify([VerifierKey.parse(vkey)])
    checkpoint = Checkpoint.parse(note.text)
    entries = [
        entry
        for tile in bundles(checkpoint.size)
        for entry in split_bundle((folder / tile.path).read_bytes())
    ]
    hashes = [merkle.leaf_hash(entry) for entry in entries]
    assert len(entries) == checkpoint.size
    assert merkle.root(hashes) == checkpoint.root
    for tile in tiles(checkpoint.size):
        width = 1 << (8 * (tile.level or 0))
        first = tile.index * 256 * width
        expected = [
            merkle.root(hashes[first + i * width : first + (i + 1) * width])
            for i in range(tile.width)
        ]
        assert (folder / tile.path).read_bytes() == b"".join(expected)
    packs = {
        first_of_pack(path.relative_to(folder).as_posix()): path.read_bytes()
        for path in (folder / "blobs").rglob("*")
        if path.is_file()
    }
    at: Counter[int] = Counter()
    newest: dict[Stream, int] = {}
    for leaf in map(Leaf.decode, entries):
        blob = leaf.blob
        assert blob.at == at[blob.pack]
        at[blob.pack] += blob.bytes
        assert sha256(packs[blob.pack][blob.at :][: blob.bytes]).hexdigest() == blob.sha256
        assert leaf.previous == newest.get(leaf.position[:3])
        newest[leaf.position[:3]] = leaf.position.offset
    assert at == {first: len(pack) for first, pack in packs.items()}
    return entries


# ── what is there, and stays there ────────────────────────────────────────────────────────────


def test_what_was_appended_is_read_back(opened: Log, entries: list[Entry]) -> None:
    store = opened()
    store.append(entries[:2])
    store.append(entries[2:])

    assert opened.contents() == entries


def test_a_folder_without_a_log_reads_as_empty(folder: Path, keys: LocalKeys) -> None:
    assert list(stores.read(folder, keys)) == []


@pytest.mark.parametrize("batch", [1, 7, 255, 256, 257, 700])
def test_a_log_is_right_whatever_its_batches_and_however_often_it_is_opened(
    opened: Log, folder: Path, batch: int
) -> None:
    count = 1030 if batch > 1 else 260
    store = opened()
    for first in range(0, count, batch):
        store = opened() if first % 5 == 0 else store
        store.append(numbered(min(batch, count - first), first))

    assert opened.contents() == numbered(count)
    opened.close()
    assert [*(folder / "tile/0").glob("000.p")] == []


def test_a_reopened_log_gives_the_same_receipts_and_ends(opened: Log, entries: list[Entry]) -> None:
    deciding = [replace(e, decides=RequestKey("/crm", "r-1")) for e in entries]
    store = opened()
    first = store.append(deciding[:2]) + store.append(deciding[2:])

    assert opened().append(deciding) == first


def test_derived_state_is_made_again_from_the_log_whatever_happened_to_it(
    opened: Log, folder: Path, entries: list[Entry]
) -> None:
    deciding = [replace(e, decides=RequestKey("/crm", "r-1")) for e in entries]
    first = opened().append(deciding)
    opened.close()
    (folder / "local" / NAME).write_bytes(b"garbage")

    assert opened().append(deciding) == first


def test_nothing_of_a_record_can_be_read_without_its_key(opened: Log, folder: Path) -> None:
    secret = b"a very private question"
    headers = (("x", b"my secret header"),)
    entry = Entry(Position("c", "requests", 0, 0, 0), b"secret key", headers, secret)
    opened().append([entry])
    opened.close()

    searched = b"".join(p.read_bytes() for p in folder.rglob("*") if p.is_file())
    for needle in (secret, b"my secret header", b"secret key"):
        assert needle not in searched
        assert sha256(needle).digest() not in searched
        assert sha256(needle).hexdigest().encode() not in searched


def test_only_its_owner_may_read_a_log(opened: Log, folder: Path, entries: list[Entry]) -> None:
    opened().append(entries)

    assert all(path.stat().st_mode & 0o077 == 0 for path in [folder, *folder.rglob("*")])


def test_a_log_may_be_read_while_it_is_written(opened: Log, folder: Path, keys: LocalKeys) -> None:
    store = opened()
    store.append(numbered(200))
    reading = stores.read(folder, keys)
    start = [next(reading) for _ in range(10)]
    store.append(numbered(200, 200))

    assert [entry for _, entry in [*start, *reading]] == numbered(200)


# ── keys ──────────────────────────────────────────────────────────────────────────────────────


def of_person(offset: int, subject: str) -> Entry:
    headers = tuple(
        (name, value.encode())
        for name, value in {
            "ce_specversion": "1.0",
            "ce_id": f"e-{offset}",
            "ce_source": "/crm",
            "ce_type": "t",
            "ce_tenant": "acme",
            "ce_subject": subject,
            "ce_release": "r",
        }.items()
    )
    return Entry(Position("c", "requests", 0, offset, 0), None, headers, b'{"a":1}')


def test_an_erased_person_is_gone_and_everybody_else_is_not(
    opened: Log, folder: Path, keys: LocalKeys
) -> None:
    store = opened()
    store.append([of_person(0, "ann"), of_person(1, "bob"), of_person(2, "ann")])

    erased = keys.erase(Owner("acme", "ann"), "asked for it")
    store.append([])
    store.append([of_person(3, "ann")])

    found = dict(stores.read(folder, keys))
    assert found == {1: of_person(1, "bob"), 4: of_person(3, "ann")}
    logged = [Leaf.decode(raw) for raw in raw_entries(folder)]
    assert [leaf.type for leaf in logged] == ["t", "t", "t", SHREDDED, "t"]
    assert logged[3].subject_key == logged[0].subject_key == erased
    assert logged[4].subject_key != erased
    assert (logged[0].event_id, logged[0].tenant, logged[0].release) == ("e-0", "acme", "r")


def test_what_happened_to_keys_is_logged_once_however_often_the_log_is_opened(
    opened: Log, folder: Path, keys: LocalKeys
) -> None:
    opened().append([of_person(0, "ann")])
    keys.erase(Owner("acme", "ann"), "asked for it")
    for _ in range(3):
        opened().append([])

    positions = [Leaf.decode(raw).position for raw in raw_entries(folder)]
    assert [p.offset for p in positions if p.topic == KEY_EVENTS] == [0]


def test_a_log_goes_on_under_a_new_signing_key_that_the_old_one_vouches_for(
    opened: Log, folder: Path, keys: LocalKeys
) -> None:
    opened().append(numbered(3))
    (old,) = keys.signers(ORIGIN)
    new = keys.rotate_signer(ORIGIN)
    opened().append(numbered(3, 3))

    Note.parse((folder / "checkpoint").read_bytes()).verify([new.verifier()])
    vouched = Note.parse((folder / "keys/001").read_bytes())
    vouched.verify([old.verifier()])
    assert vouched.text.split("\n")[2] == str(new.verifier())
    rotated = [leaf for _, leaf in leaves(FolderStorage(folder).get, 7)][3]
    assert (rotated.type, rotated.event_id) == (SIGNING_KEY_ROTATED, str(new.verifier()))


# ── a crash while writing ─────────────────────────────────────────────────────────────────────


CALLS = ["open", "write", "pwrite", "link", "fsync", "fdatasync", "replace", "syncfs", "sqlite"]


class Faults:
    """Lets every call of one kind fail from the nth on, after doing it or instead of that."""

    def __init__(self, call: str, nth: int, error: Exception, *, applied: bool) -> None:
        self.left = nth
        self._call = call
        self._error = error
        self._applied = applied

    def __call__(self, real: Callable[..., object]) -> Callable[..., object]:
        def faulty(*args: object, **kwargs: object) -> object:
            self.left -= 1
            if self.left >= 0:
                return real(*args, **kwargs)
            if self._applied and self.left == -1:
                real(*args, **kwargs)
            raise self._error

        return faulty

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        if self._call == "syncfs" and folder_module._SYNCFS is not None:
            monkeypatch.setattr(folder_module, "_SYNCFS", self(folder_module._SYNCFS))
        elif self._call == "replace":
            monkeypatch.setattr(Path, "replace", self(Path.replace))
        elif self._call == "sqlite":
            monkeypatch.setattr(SqliteDerived, "write", self(SqliteDerived.write))
        else:
            monkeypatch.setattr(os, self._call, self(getattr(os, self._call)))


@pytest.fixture
def settles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each append do all that is done when the journal is full."""
    monkeypatch.setattr(Journal, "is_full", True)


@pytest.mark.usefixtures("settles")
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("applied", [False, True], ids=["before", "after"])
def test_a_crash_at_any_call_of_an_append_loses_and_doubles_nothing(
    opened: Log,
    monkeypatch: pytest.MonkeyPatch,
    call: str,
    *,
    applied: bool,
) -> None:
    done = 254  # the next batch fills a tile
    opened().append(numbered(done))
    failed = 0
    for nth in range(60):
        store = opened()
        faults = Faults(call, nth, OSError(errno.EIO, "injected"), applied=applied)
        with monkeypatch.context() as patched:
            faults.install(patched)
            try:
                store.append(numbered(4, done))
            except UnavailableError:
                failed += 1
        store = opened()
        raw_entries(opened.folder)
        again = store.append(numbered(4, done))
        assert [a.receipt.index for a in again] == list(range(done, done + 4))
        done += 4
        if faults.left >= 0:
            break
    else:
        raise AssertionError("more calls than were tried")

    assert failed
    assert opened.contents() == numbered(done)


def test_a_journal_torn_at_any_byte_is_no_batch(opened: Log, folder: Path) -> None:
    opened().append(numbered(2))
    opened.close()
    journal = folder / "local/journal"
    data = journal.read_bytes()
    for at in range(0, 3000, 97):
        journal.write_bytes(data[:at].ljust(len(data), b"\0"))
        opened().close()
    opened().append(numbered(2, 2))

    assert opened.contents() == numbered(4)


# ── damage ────────────────────────────────────────────────────────────────────────────────────


def change_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("path", "change", "said"),
    [
        ("tile/0/001.p/44", change_byte, "belong together"),
        ("tile/0/001.p/44", Path.unlink, "missing"),
        ("tile/1/000.p/1", change_byte, "another root"),
        ("tile/entries/001.p/44", change_byte, "belong together"),
        ("checkpoint", Path.unlink, "entries and no checkpoint"),
        ("checkpoint", change_byte, "not one that this deployment"),
    ],
)
def test_a_log_whose_right_edge_was_changed_is_not_continued(
    opened: Log,
    folder: Path,
    path: str,
    change: Callable[[Path], None],
    said: str,
) -> None:
    opened().append(numbered(3))
    opened().append(numbered(297, 3))
    opened.close()
    change(folder / path)

    with pytest.raises(DamagedError, match=said) as raised:
        opened()
    assert "the audit log test/0 " in str(raised.value)
    assert "from a copy" in str(raised.value)


def test_a_log_without_journal_that_was_rolled_back_is_not_continued(
    opened: Log, folder: Path
) -> None:
    opened().append(numbered(3))
    old = (folder / "checkpoint").read_bytes()
    opened().append(numbered(3, 3))
    opened.close()
    (folder / "checkpoint").write_bytes(old)
    (folder / "local/journal").unlink()

    with pytest.raises(DamagedError, match="once held"):
        opened()


def test_a_log_that_was_rolled_back_beneath_its_journal_is_not_continued(
    opened: Log, folder: Path, tmp_path: Path, keys: LocalKeys
) -> None:
    opened().append(numbered(3))
    opened.close()
    old = (folder / "checkpoint").read_bytes()
    opened().append(numbered(3, 3))
    opened.close()
    store = opened()
    store.append(numbered(3, 6))
    died = shutil.copytree(folder, tmp_path / "died")
    (died / "checkpoint").write_bytes(old)

    with pytest.raises(DamagedError, match="once had"):
        open_store(died, ORIGIN, keys)


# ── what the journal alone has ────────────────────────────────────────────────────────────────


def test_what_was_acknowledged_is_read_before_it_is_published_and_after_a_crash(
    folder: Path, tmp_path: Path, keys: LocalKeys
) -> None:
    store = open_store(folder, ORIGIN, keys, publish_seconds=3600)
    for first in range(0, 600, 100):
        store.append(numbered(100, first))
    assert not (folder / "checkpoint").exists()
    died = shutil.copytree(folder, tmp_path / "died")
    store.tend()
    store.close()

    assert [entry for _, entry in stores.read(died, keys)] == numbered(600)
    open_store(died, ORIGIN, keys).close()
    for path in ("checkpoint", "tile/0/002.p/88", "tile/entries/002.p/88", "blobs/000"):
        assert (died / path).read_bytes() == (folder / path).read_bytes()


def test_what_a_power_cut_took_is_made_again_byte_for_byte(
    folder: Path, tmp_path: Path, keys: LocalKeys
) -> None:
    store = open_store(folder, ORIGIN, keys)
    store.append(numbered(200))
    store.close()
    store = open_store(folder, ORIGIN, keys)
    for first in range(200, 600, 40):
        store.append(numbered(40, first))
    lost = shutil.copytree(folder, tmp_path / "lost")
    settled = {"blobs/000", "tile/0/000.p/200", "tile/entries/000.p/200", "keys/000"}
    for path in lost.rglob("*"):
        name = path.relative_to(lost).as_posix()
        if path.is_file() and not name.startswith("local") and name not in settled:
            path.write_bytes(b"") if name != "checkpoint" else None
    store.close()

    open_store(lost, ORIGIN, keys).close()

    def objects(log: Path) -> dict[str, bytes]:
        files = (path for path in log.rglob("*") if path.is_file() and "local" not in path.parts)
        return {path.relative_to(log).as_posix(): path.read_bytes() for path in files}

    assert objects(lost) == objects(folder)


def test_the_log_of_another_deployment_is_refused(
    opened: Log, folder: Path, keys: LocalKeys, entries: list[Entry]
) -> None:
    opened().append(entries)
    opened.close()

    with pytest.raises(OtherOriginError, match=r"log of test/0, not of other/0.*DEPLOYMENT"):
        open_store(folder, "other/0", keys)
    open_store(folder, ORIGIN, keys).close()


# ── one writer ────────────────────────────────────────────────────────────────────────────────


def test_a_second_writer_on_the_machine_is_refused_and_told_who_writes(
    opened: Log, folder: Path, keys: LocalKeys, entries: list[Entry]
) -> None:
    store = opened()

    with pytest.raises(LockedError, match=rf"process {os.getpid()} writes the audit log"):
        open_store(folder, ORIGIN, keys)

    store.append(entries)
    assert opened.contents() == entries


def test_of_two_writers_without_a_common_lock_one_loses_and_says_so(
    folder: Path, tmp_path: Path, keys: LocalKeys
) -> None:
    one = open_store(tmp_path / "one", ORIGIN, keys, storage=FolderStorage(folder))
    other = open_store(tmp_path / "other", ORIGIN, keys, storage=FolderStorage(folder))
    one.append(numbered(3))

    with pytest.raises(OtherWriterError, match="another process wrote the audit log"):
        other.append(numbered(5, 3))

    one.append(numbered(2, 3))
    one.close()
    other.close()
    assert [e for _, e in stores.read(folder, keys)] == numbered(5)


# ── a disk that fails ─────────────────────────────────────────────────────────────────────────


def test_a_failed_log_takes_no_more_and_says_what_to_do(
    opened: Log,
    entries: list[Entry],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = opened()
    store.append(entries[:1])
    with monkeypatch.context() as patched:
        Faults("open", 0, OSError(errno.ENOSPC, "No space left"), applied=False).install(patched)
        with pytest.raises(UnavailableError, match=r"No record is lost: mend the storage"):
            store.append(entries[1:])
    with pytest.raises(UnavailableError, match="No space left"):
        store.append(entries[:1])

    assert [a.receipt.index for a in opened().append(entries)] == [0, 1, 2, 3, 4]


def test_without_syncfs_every_file_and_its_folder_is_synced(
    opened: Log, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: set[int] = set()
    fsync = os.fsync

    def noted(file: int) -> None:
        synced.add(os.fstat(file).st_ino)
        fsync(file)

    monkeypatch.setattr(folder_module, "_SYNCFS", None)
    monkeypatch.setattr(os, "fsync", noted)
    opened().append(numbered(3))
    opened.close()

    log = [p for p in folder.rglob("*") if "local" not in p.parts]
    assert {path.stat().st_ino for path in log} <= synced


@pytest.mark.usefixtures("settles")
def test_a_failed_syncfs_is_an_error(opened: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    store = opened()

    def fails(_: int) -> int:
        ctypes.set_errno(errno.EIO)
        return -1

    monkeypatch.setattr(folder_module, "_SYNCFS", fails)
    with pytest.raises(UnavailableError, match="Input/output error"):
        store.append(numbered(1))


def test_a_folder_that_cannot_be_made_is_an_error_of_the_log(
    tmp_path: Path, keys: LocalKeys
) -> None:
    (tmp_path / "audit").write_text("a file where the folder belongs")

    with pytest.raises(LogError, match="could not be opened"):
        open_store(tmp_path / "audit" / "0", ORIGIN, keys)


def test_derived_state_that_cannot_be_read_is_an_error_of_the_log(
    folder: Path, keys: LocalKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(SqliteDerived, "size", fails)
    with pytest.raises(LogError, match="could not be opened"):
        open_store(folder, ORIGIN, keys)

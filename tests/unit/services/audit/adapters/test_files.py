import errno
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from services.audit.adapters.derived import NAME
from services.audit.adapters.files import FileStore
from services.audit.adapters.lines import Line, encode
from services.audit.adapters.segments import read, segments
from services.audit.entry import Entry, RequestKey
from services.audit.log import (
    DamagedError,
    LockedError,
    LogError,
    OtherOriginError,
    WriteFailedError,
)

ORIGIN = "test/0"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "home" / "audit" / "0"


def written(folder: Path, *batches: list[Entry], segment_bytes: int = 1 << 20) -> None:
    """Make a log of these batches and close it."""
    store = FileStore(folder, ORIGIN, segment_bytes=segment_bytes)
    for batch in batches:
        store.append(batch)
    store.close()


def contents(folder: Path) -> list[Entry]:
    indexed = list(read(folder))
    assert [index for index, _ in indexed] == list(range(len(indexed)))
    return [entry for _, entry in indexed]


# ── what is there, and stays there ────────────────────────────────────────────────────────────


def test_what_was_appended_is_read_back(folder: Path, entries: list[Entry]) -> None:
    written(folder, entries[:2], entries[2:])

    assert contents(folder) == entries


def test_a_folder_without_a_log_reads_as_empty(folder: Path) -> None:
    assert contents(folder) == []


def test_a_reopened_log_goes_on_where_it_was(folder: Path, entries: list[Entry]) -> None:
    written(folder, entries[:2])

    written(folder, entries[2:4])
    written(folder, entries[4:])

    assert contents(folder) == entries


@pytest.mark.parametrize("forget", [False, True], ids=["with derived state", "without"])
def test_a_reopened_log_gives_the_same_receipts_and_ends(
    folder: Path, entries: list[Entry], forget: bool
) -> None:
    entries = [replace(entry, decides=RequestKey("/crm", "r-1")) for entry in entries]
    store = FileStore(folder, ORIGIN)
    appended = store.append(entries[:2]) + store.append(entries[2:])
    store.close()
    if forget:
        (folder / NAME).unlink()

    store = FileStore(folder, ORIGIN)

    assert [store.append([entry])[0] for entry in entries] == appended
    store.close()


def test_derived_state_that_is_garbage_is_made_again(folder: Path, entries: list[Entry]) -> None:
    written(folder, entries[:2])
    (folder / NAME).write_bytes(b"this is no database" * 1000)

    written(folder, entries)

    assert contents(folder) == entries


def test_a_full_segment_is_followed_by_a_new_one(folder: Path, entries: list[Entry]) -> None:
    written(folder, *([entry] for entry in entries), segment_bytes=1)

    assert [int(path.stem) for path in segments(folder)] == [0, 1, 2, 3, 4]
    assert contents(folder) == entries


def test_only_its_owner_may_read_a_log(folder: Path, entries: list[Entry]) -> None:
    written(folder, entries)

    assert folder.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in segments(folder))


def test_an_entry_is_durable_and_its_file_can_be_found_before_it_has_a_receipt(
    folder: Path, entries: list[Entry], monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: dict[int, int] = {}
    fsync = os.fsync

    def noted(file: int) -> None:
        found = os.fstat(file)
        synced[found.st_ino] = found.st_size
        fsync(file)

    monkeypatch.setattr(os, "fsync", noted)
    store = FileStore(folder, ORIGIN)
    store.append(entries)

    segment = segments(folder)[0].stat()
    assert synced[segment.st_ino] == segment.st_size
    assert {f.stat().st_ino for f in (folder, folder.parent, folder.parent.parent)} <= set(synced)
    store.close()


# ── a crash while writing ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("segment_bytes", "forget"),
    [(1, False), (1 << 20, True)],
    ids=["own segment", "same segment, without derived state"],
)
def test_a_batch_torn_at_any_byte_is_cut_off_and_appended_anew(
    tmp_path: Path, entries: list[Entry], segment_bytes: int, forget: bool
) -> None:
    before, whole = tmp_path / "before", tmp_path / "whole"
    written(before, entries[:3], segment_bytes=segment_bytes)
    written(whole, entries[:3], entries[3:], segment_bytes=segment_bytes)
    newest = segments(whole)[-1]
    start = 0 if segment_bytes == 1 else segments(before)[0].stat().st_size

    for cut in range(start, newest.stat().st_size):
        torn = tmp_path / "torn"
        shutil.copytree(before, torn)
        (torn / newest.name).write_bytes(newest.read_bytes()[:cut])
        if forget:
            (torn / NAME).unlink()

        assert contents(torn) == entries[:3]
        written(torn, entries[3:], segment_bytes=segment_bytes)

        assert contents(torn) == entries
        assert (torn / newest.name).read_bytes() == newest.read_bytes()
        shutil.rmtree(torn)


def test_nothing_of_a_torn_batch_is_left_behind_a_shorter_one(
    folder: Path, entries: list[Entry]
) -> None:
    written(folder, entries[:2])
    with segments(folder)[0].open("ab") as segment:
        segment.write(b"x" * 100_000)

    written(folder, entries[2:])

    assert b"x" * 100 not in segments(folder)[0].read_bytes()
    assert contents(folder) == entries


def test_a_batch_that_was_written_but_never_entered_in_derived_state_is_kept(
    tmp_path: Path, entries: list[Entry]
) -> None:
    written(tmp_path / "log", entries[:3])
    behind = (tmp_path / "log" / NAME).read_bytes()
    written(tmp_path / "log", entries[3:])
    (tmp_path / "log" / NAME).write_bytes(behind)

    written(tmp_path / "log", entries)

    assert contents(tmp_path / "log") == entries


def test_the_newest_batch_is_made_durable_when_the_log_is_opened(
    folder: Path, entries: list[Entry], monkeypatch: pytest.MonkeyPatch
) -> None:
    written(folder, entries[:2], entries[2:])
    lines = segments(folder)[0].read_bytes().splitlines(keepends=True)
    calls: list[object] = []
    pwrite, fsync = os.pwrite, os.fsync

    def noted_write(file: int, data: bytes, at: int) -> int:
        calls.append((bytes(data), at))
        return pwrite(file, data, at)

    def noted_sync(file: int) -> None:
        calls.append("fsync")
        fsync(file)

    monkeypatch.setattr(os, "pwrite", noted_write)
    monkeypatch.setattr(os, "fsync", noted_sync)
    written(folder)

    rewritten = (b"".join(lines[2:]), len(b"".join(lines[:2])))
    assert "fsync" in calls[calls.index(rewritten) :]
    assert contents(folder) == entries


# ── damage ────────────────────────────────────────────────────────────────────────────────────


def damaged(folder: Path, change: Callable[[bytes], bytes], segment: int = 0) -> None:
    path = segments(folder)[segment]
    path.write_bytes(change(path.read_bytes()))
    (folder / NAME).unlink()


def test_a_changed_line_is_an_error_that_says_where_and_what_to_do(
    folder: Path, entries: list[Entry]
) -> None:
    written(folder, *([entry] for entry in entries))
    first = segments(folder)[0].read_bytes().index(b"\n") + 1
    damaged(folder, lambda raw: raw.replace(b'"offset":1', b'"offset":2'))
    as_found = segments(folder)[0].read_bytes()

    with pytest.raises(DamagedError, match=rf"at byte {first}: .*checksum.*Restore the file"):
        FileStore(folder, ORIGIN)
    with pytest.raises(DamagedError, match=rf"at byte {first}: "):
        list(read(folder))
    assert segments(folder)[0].read_bytes() == as_found


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: lines[1:],
        lambda lines: [lines[0], *lines[2:]],
        lambda lines: [lines[1], lines[0], *lines[2:]],
        lambda lines: [lines[0], lines[0], *lines[1:]],
        lambda lines: [*lines[:3], lines[3][:-5], *lines[4:]],
    ],
    ids=["first line gone", "a line gone", "swapped", "doubled", "shortened"],
)
def test_lines_that_are_not_as_written_are_damage(
    folder: Path, entries: list[Entry], change: Callable[[list[bytes]], list[bytes]]
) -> None:
    written(folder, entries[:3], entries[3:])
    damaged(folder, lambda raw: b"".join(change(raw.splitlines(keepends=True))))

    with pytest.raises(DamagedError):
        FileStore(folder, ORIGIN)


def test_a_batch_that_says_two_sizes_is_damage(folder: Path, entries: list[Entry]) -> None:
    folder.mkdir(parents=True)
    lines = [Line(ORIGIN, 0, 3, entries[0]), Line(ORIGIN, 1, 2, entries[1])]
    (folder / f"{0:020d}.jsonl").write_bytes(b"".join(map(encode, lines)))

    with pytest.raises(DamagedError, match="end of the batch before it is missing"):
        list(read(folder))


def test_a_missing_segment_is_damage(folder: Path, entries: list[Entry]) -> None:
    written(folder, *([entry] for entry in entries), segment_bytes=1)
    segments(folder)[2].unlink()

    with pytest.raises(DamagedError, match="entries 2 to 2 before it are missing"):
        list(read(folder))


def test_only_the_last_segment_may_end_in_the_middle_of_a_line(
    folder: Path, entries: list[Entry]
) -> None:
    written(folder, *([entry] for entry in entries), segment_bytes=1)
    damaged(folder, lambda raw: raw[:-1], segment=2)

    with pytest.raises(DamagedError, match="end of this segment is missing"):
        FileStore(folder, ORIGIN)


def test_a_log_that_lost_acknowledged_entries_is_not_continued(
    folder: Path, entries: list[Entry]
) -> None:
    written(folder, entries[:2], entries[2:])
    path = segments(folder)[0]
    shortened = path.read_bytes()[:-1]
    path.write_bytes(shortened)

    with pytest.raises(DamagedError, match="ends before entry 2, which it once held"):
        FileStore(folder, ORIGIN)
    assert path.read_bytes() == shortened


def test_the_log_of_another_deployment_is_refused(folder: Path, entries: list[Entry]) -> None:
    written(folder, entries)

    with pytest.raises(OtherOriginError, match=r"that of test/0, not of other/0.*DEPLOYMENT"):
        FileStore(folder, "other/0")


# ── one writer ────────────────────────────────────────────────────────────────────────────────


def test_a_second_writer_is_refused_and_told_who_writes(folder: Path, entries: list[Entry]) -> None:
    store = FileStore(folder, ORIGIN)

    with pytest.raises(LockedError, match=rf"process {os.getpid()} writes the audit log"):
        FileStore(folder, ORIGIN)

    store.append(entries)
    store.close()
    written(folder, entries)
    assert contents(folder) == entries


def test_a_log_that_could_not_be_opened_is_not_locked(folder: Path, entries: list[Entry]) -> None:
    written(folder, entries)
    with pytest.raises(OtherOriginError):
        FileStore(folder, "other/0")

    written(folder, entries)


def test_a_log_may_be_read_while_it_is_written(folder: Path, entries: list[Entry]) -> None:
    store = FileStore(folder, ORIGIN)
    store.append(entries[:2])

    assert contents(folder) == entries[:2]
    store.close()


# ── a disk that fails ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("call", ["pwrite", "fsync", "open"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_disk_that_fails_once_ends_the_log_and_a_restart_mends_it(
    folder: Path,
    entries: list[Entry],
    monkeypatch: pytest.MonkeyPatch,
    call: str,
    number: int,
) -> None:
    store = FileStore(folder, ORIGIN, segment_bytes=1)
    store.append(entries[:2])

    def fails(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as faults:
        faults.setattr(os, call, fails)
        with pytest.raises(WriteFailedError, match=r"No record is lost: mend the disk"):
            store.append(entries[2:4])
    with pytest.raises(WriteFailedError):
        store.append(entries[2:4])
    with pytest.raises(WriteFailedError):
        store.append(entries[:1])
    store.close()

    written(folder, entries)
    assert contents(folder) == entries


def test_a_disk_that_is_full_in_the_middle_of_a_batch_leaves_nothing_of_it(
    folder: Path, entries: list[Entry], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FileStore(folder, ORIGIN)
    store.append(entries[:2])
    pwrite = os.pwrite
    room = [100]

    def until_full(file: int, data: bytes, at: int) -> int:
        if not room[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        taken = pwrite(file, data[: room[0]], at)
        room[0] -= taken
        return taken

    with monkeypatch.context() as faults:
        faults.setattr(os, "pwrite", until_full)
        with pytest.raises(WriteFailedError, match="No space left"):
            store.append(entries[2:])
    store.close()

    assert contents(folder) == entries[:2]
    written(folder, entries[4:], entries[2:4])
    assert contents(folder) == [*entries[:2], entries[4], *entries[2:4]]


def test_a_disk_that_takes_a_few_bytes_at_a_time_gets_them_all(
    folder: Path, entries: list[Entry], monkeypatch: pytest.MonkeyPatch
) -> None:
    pwrite = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda file, data, at: pwrite(file, data[:7], at))

    written(folder, entries)

    assert contents(folder) == entries


def test_a_folder_that_cannot_be_made_is_an_error_of_the_log(tmp_path: Path) -> None:
    (tmp_path / "audit").write_text("a file where the folder belongs")

    with pytest.raises(LogError, match="could not be opened"):
        FileStore(tmp_path / "audit" / "0", ORIGIN)

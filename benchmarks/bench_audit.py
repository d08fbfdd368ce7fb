"""How fast the audit log takes entries for good: against a plain file, and as it grows."""

import json
import os
import shutil
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

from services.audit.adapters.keys import LocalKeys
from services.audit.adapters.stores import open_store
from services.audit.entry import Entry, Position
from services.audit.tlog.store import TransparencyStore

BATCHES: Final = (1, 32, 128)
BATCH: Final = 128  # four topics busy on one partition, 32 handlers in flight on each
SECONDS: Final = 5.0
RECORD_BYTES: Final = 1_000
PEOPLE: Final = 1_000
SMALL: Final = 1_000
LARGE: Final = int(os.environ.get("BENCH_AUDIT_ENTRIES", "100000"))
SAMPLES: Final = 40


def records(first: int, count: int) -> list[Entry]:
    """Return records as the pipeline has them, of a thousand people, a kilobyte each."""
    return [
        Entry(
            Position("8Qv1zOUZTUq3Sg8mKQJ5Lw", "requests.accepted", 0, i, 1_760_000_000_000 + i),
            b"conversation-%d" % (i % PEOPLE),
            (
                ("ce_specversion", b"1.0"),
                ("ce_id", b"0b3f7f2e-3c3e-5c3e-8c3e-%012d" % i),
                ("ce_type", b"glideslope.request.accepted.v1"),
                ("ce_source", b"/glideslope/ingest"),
                ("ce_subject", b"person-%d" % (i % PEOPLE)),
                ("ce_tenant", b"default"),
                ("content-type", b"application/json"),
            ),
            json.dumps({"question": os.urandom(RECORD_BYTES // 2 - 10).hex()}).encode(),
        )
        for i in range(first, first + count)
    ]


@contextmanager
def folder() -> Iterator[Path]:
    """Give a folder on the disk of the current folder, as a log would have."""
    path = Path(mkdtemp(prefix="bench-audit-", dir=Path.cwd()))
    try:
        yield path
    finally:
        shutil.rmtree(path)


@contextmanager
def log() -> Iterator[tuple[Path, TransparencyStore]]:
    """Give a new log."""
    with (
        folder() as path,
        closing(LocalKeys(path / "keys", bytes(32))) as keys,
        closing(open_store(path / "0", "bench/0", keys)) as store,
    ):
        yield path / "0", store


def log_rate(batch: int) -> float:
    """Return durable entries a second."""
    with log() as (_, store):
        store.append(records(0, PEOPLE))  # everybody's key is there, and every folder
        return rate(batch, store.append, PEOPLE)


def plain_rate(batch: int) -> float:
    """Return what a plain file takes in a second: one write and one fsync for each batch."""
    with folder() as path:
        file = os.open(path / "plain", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

        def append(new: Sequence[Entry]) -> None:
            os.write(file, b"".join(entry.value or b"" for entry in new))
            os.fsync(file)

        try:
            return rate(batch, append, 0)
        finally:
            os.close(file)


def rate(batch: int, append: Callable[[list[Entry]], object], first: int) -> float:
    """Append batches for some seconds; making the records is not counted."""
    spent, count = 0.0, 0
    while spent < SECONDS:
        new = records(first + count, batch)
        began = time.perf_counter()
        append(new)
        spent += time.perf_counter() - began
        count += batch
    return count / spent


def growth() -> tuple[float, float]:
    """Return the median time of an append at a large size over that at a small one; bytes each."""
    with log() as (path, store):
        medians = []
        size = 0
        for target in (SMALL, LARGE):
            while size < target:
                count = min(1024, target - size)
                store.append(records(size, count))
                size += count
            times = []
            for _ in range(SAMPLES):
                new = records(size, BATCH)
                began = time.perf_counter()
                store.append(new)
                times.append(time.perf_counter() - began)
                size += BATCH
            medians.append(statistics.median(times))
        used = sum(each.stat().st_blocks * 512 for each in path.rglob("*") if each.is_file())
        return medians[1] / medians[0], used / size


def main() -> None:
    """Run every part and print what was measured; the last line is JSON."""
    rates = {}
    for batch in BATCHES:
        rates[batch] = (log_rate(batch), plain_rate(batch))
        mine, plain = rates[batch]
        print(f"batches of {batch:4}: {mine:8.0f} entries/s, a plain file {plain:8.0f}, ", end="")
        print(f"{mine / plain:.2f} of it", flush=True)
    grown, each = growth()
    print(f"append at {LARGE} entries: {grown:.2f} of the time at {SMALL}")
    print(f"on disk: {each:.0f} bytes an entry of {RECORD_BYTES} bytes")
    mine, plain = rates[BATCH]
    figures = {
        "entries_per_s": round(mine),
        "of_plain_append": round(mine / plain, 3),
        "verify_entries_per_s": None,
        "bytes_per_entry": round(each),
        "append_growth": round(grown, 3),
        "entries": LARGE,
        "batch": BATCH,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()

"""How fast the audit log takes entries for good: against a plain file, and as it grows."""

import asyncio
import json
import multiprocessing
import os
import shutil
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

from glideslope.audit.findings import Verdict
from glideslope.audit.objects import FolderObjects
from glideslope.audit.spread import spread_over
from glideslope.audit.verification import Verification
from services.audit.adapters.keys import LocalKeys
from services.audit.adapters.stores import open_store
from services.audit.entry import Entry, Position
from services.audit.group import GroupLog
from services.audit.settings import AuditSettings
from services.audit.tlog.store import TransparencyStore

BATCH: Final = 12
"""As the pipeline made them when audit handled 32 records at once: with 3,000 decisions waiting on
two partitions, 518 appends of 11.6 entries each in the mean (the median 7.5). With room for 512
they are larger, 21 at 200 requests/s (docs/load.md); this one stays, so that figures compare."""
LARGEST: Final = AuditSettings.model_fields["audit_in_flight"].default
BATCHES: Final = sorted({1, BATCH, LARGEST, 128})
PUBLISH: Final = AuditSettings.model_fields["audit_publish_seconds"].default
SECONDS: Final = 4.0
RECORD_BYTES: Final = 1_000
PEOPLE: Final = 1_000
SMALL: Final = 1_000
LARGE: Final = int(os.environ.get("BENCH_AUDIT_ENTRIES", "1000000"))
BUILT_AT_ONCE: Final = 1_024
SAMPLES: Final = 300
RATE: Final = 100
LATENCY_SECONDS: Final = 20
CORES: Final = multiprocessing.cpu_count()


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
        closing(open_store(path / "0", "bench/0", keys, publish_seconds=PUBLISH)) as store,
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


def sizes() -> dict[str, float]:
    """Compare a small log with a large one; append to both by turns, so that both meet the same."""
    with ExitStack() as stack:
        (_, small), (path, large) = stack.enter_context(log()), stack.enter_context(log())
        build(small, SMALL)
        resident = memory()
        began = time.perf_counter()
        build(large, LARGE)
        built = LARGE / (time.perf_counter() - began)
        grown = memory() - resident
        times: dict[TransparencyStore, list[float]] = {small: [], large: []}
        for sample in range(SAMPLES):
            for store, first in ((small, SMALL), (large, LARGE)):
                new = records(first + sample * BATCH, BATCH)
                began = time.perf_counter()
                store.append(new)
                times[store].append(time.perf_counter() - began)
        large.close()
        size = LARGE + SAMPLES * BATCH
        used = sum(each.stat().st_blocks * 512 for each in path.rglob("*") if each.is_file())
        began, worked = time.perf_counter(), time.process_time()
        report = Verification(FolderObjects(path), records=False).run()
        verified = size / (time.process_time() - worked)  # a core's own time, whoever else has it
        alone = time.perf_counter() - began
        began = time.perf_counter()
        spread = spread_over(CORES, None, records=False)
        again = Verification(FolderObjects(path), records=False, spread=spread).run()
        together = time.perf_counter() - began
        print(f"verified {size} entries in {alone:.1f} s, on {CORES} cores in {together:.1f} s")
        if again.findings != report.findings:
            raise SystemExit(f"on {CORES} cores it is another report: {again.findings[:3]}")
        if report.verdict is not Verdict.INTACT or report.entries != size:
            raise SystemExit(f"the log is not intact: {report.findings[:3]}")
        return {
            "append_growth_1e6": statistics.median(times[large]) / statistics.median(times[small]),
            "bytes_per_entry": used / size,
            "verify_entries_per_s": verified,
            "verify_on_all_cores": alone / together,
            "memory_growth_mb": grown / 2**20,
            "built_entries_per_s": built,
        }


def build(store: TransparencyStore, size: int) -> None:
    """Append so many records, many at once."""
    for first in range(0, size, BUILT_AT_ONCE):
        store.append(records(first, min(BUILT_AT_ONCE, size - first)))


def memory() -> int:
    """Return the bytes of memory that this process has."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024


def latencies() -> list[float]:
    """Return what the log adds to each of so many results a second, in ms, sorted."""
    with log() as (_, store):
        store.append(records(0, PEOPLE))
        return sorted(asyncio.run(_latencies(store)))


async def _latencies(store: TransparencyStore) -> list[float]:
    group = await GroupLog(lambda: store).open()

    async def timed(entry: Entry) -> float:
        began = time.perf_counter()
        await group.append(entry)
        return (time.perf_counter() - began) * 1000

    entries = records(PEOPLE, RATE * LATENCY_SECONDS)
    started = time.perf_counter()
    appends = []
    for number, entry in enumerate(entries):
        await asyncio.sleep(max(0.0, started + number / RATE - time.perf_counter()))
        appends.append(asyncio.create_task(timed(entry)))
    return await asyncio.gather(*appends)


def main() -> None:
    """Run every part and print what was measured; the last line is JSON."""
    rates = {}
    for batch in BATCHES:
        rates[batch] = mine, plain = log_rate(batch), plain_rate(batch)
        print(f"batches of {batch:4}: {mine:8.0f} entries/s, a plain file {plain:8.0f}, ", end="")
        print(f"{mine / plain:.2f} of it", flush=True)
    print(f"the disk's own fsyncs of 1 KB: {rates[1][1]:.0f}/s")
    waited = latencies()
    p50, p99 = waited[len(waited) // 2], waited[len(waited) * 99 // 100]
    print(f"added to a result at {RATE}/s: p50 {p50:.1f} ms, p99 {p99:.1f} ms", flush=True)
    compared = sizes()
    print(f"append at {LARGE} entries: {compared['append_growth_1e6']:.2f} of the time at {SMALL}")
    print(f"memory: {compared['memory_growth_mb']:.0f} MB more at {LARGE} entries than at {SMALL}")
    print(f"on disk: {compared['bytes_per_entry']:.0f} bytes an entry of {RECORD_BYTES} bytes")
    print(f"verify without records: {compared['verify_entries_per_s']:.0f} entries/s on one core")
    mine, plain = rates[BATCH]
    figures = {
        "entries_per_s": round(mine),
        "of_plain_append": round(mine / plain, 3),
        "verify_entries_per_s": round(compared["verify_entries_per_s"]),
        "verify_on_all_cores": round(compared["verify_on_all_cores"], 2),
        "cores": CORES,
        "bytes_per_entry": round(compared["bytes_per_entry"]),
        "append_growth_1e6": round(compared["append_growth_1e6"], 3),
        "entries": LARGE,
        "batch": BATCH,
        "by_batch": {batch: [round(m), round(p)] for batch, (m, p) in rates.items()},
        "latency_p50_ms": round(p50, 2),
        "latency_p99_ms": round(p99, 2),
        "memory_growth_mb": round(compared["memory_growth_mb"], 1),
        "fsyncs_per_s": round(rates[1][1]),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()

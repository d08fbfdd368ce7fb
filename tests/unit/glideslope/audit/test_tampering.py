"""Any object of a log is flipped, cut, exchanged, taken away, doubled or set back."""

import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from glideslope.audit.findings import Problem, Verdict
from glideslope.audit.memory import Remembered
from glideslope.audit.objects import FolderObjects
from glideslope.audit.verification import Report, Verification
from services.audit.tlog import paths
from services.audit.tlog.note import Checkpoint, Note, SignerKey

ENTRIES = int(os.environ.get("GLIDESLOPE_TEST_TAMPER_ENTRIES", "700"))
"""`make tamper` sets it to 10000, which takes some minutes."""
SIZES = (1, 3, 200, 256, 300, 512, 650, ENTRIES - 44, ENTRIES)
OF_A_KIND = 4
"""How many objects of a kind are tampered with in each way; of blobs there are thousands."""

Change = Callable[[Path, str, random.Random], set[str]]
"""Does something to an object; returns the names that a report may give as the place."""


def flip(log: Path, name: str, rng: random.Random) -> set[str]:
    data = bytearray((log / name).read_bytes())
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    (log / name).write_bytes(data)
    return {name}


def cut(log: Path, name: str, rng: random.Random) -> set[str]:
    data = (log / name).read_bytes()
    (log / name).write_bytes(data[: rng.randrange(len(data))])
    return {name}


def lengthen(log: Path, name: str, rng: random.Random) -> set[str]:
    data = (log / name).read_bytes()
    (log / name).write_bytes(data + rng.randbytes(rng.randrange(1, 40)))
    return {name}


def take_away(log: Path, name: str, rng: random.Random) -> set[str]:
    del rng
    (log / name).unlink()
    kept = name.startswith((paths.CHECKPOINTS, paths.KEYS))
    return {name, f"{name.partition('/')[0]}/"} if kept else {name}


def exchange(log: Path, name: str, rng: random.Random) -> set[str]:
    other = rng.choice([each for each in objects(log, kind(name)) if differ(log, name, each)])
    one, two = (log / name).read_bytes(), (log / other).read_bytes()
    (log / name).write_bytes(two)
    (log / other).write_bytes(one)
    return {name, other}


def double(log: Path, name: str, rng: random.Random) -> set[str]:
    try:
        tile = paths.Tile.of(name)
        copy = paths.Tile(tile.level, tile.index + rng.randrange(90, 1200), tile.width).path
    except paths.BadPathError:
        folder, _, last = name.rpartition("/")
        stem, end = (last[:-1], last[-1])
        copy = f"{folder or 'checkpoints'}/{stem}{'0' if end != '0' else '1'}"
    (log / copy).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(log / name, log / copy)
    return {copy}


def set_back(log: Path, name: str, rng: random.Random) -> set[str]:
    """Put what it was when the log was smaller, or what stands for that size."""
    (log / name).write_bytes((log / rng.choice(earlier(log, name))).read_bytes())
    return {name}


def earlier(log: Path, name: str) -> list[str]:
    if name == paths.CHECKPOINT or name.startswith(paths.CHECKPOINTS):
        own = (log / name).read_bytes().split(b"\n")[1]
        return [each for each in objects(log, "checkpoints") if int(own) > int(each[12:])]
    if not name.startswith("tile/"):
        return []  # written once, and whole
    tile = paths.Tile.of(name)
    narrow = [paths.Tile(tile.level, tile.index, width).path for width in range(1, tile.width)]
    return [each for each in narrow if (log / each).is_file()]


CHANGES = [flip, cut, lengthen, take_away, exchange, double, set_back]


def kind(name: str) -> str:
    return (
        name.rpartition(".p/")[0].rpartition("/")[0] + ".p"
        if ".p/" in name
        else (name.rpartition("/")[0] if name.startswith("tile") else name.partition("/")[0])
    )


def objects(log: Path, of_kind: str) -> list[str]:
    return sorted(name for name in FolderObjects(log).names() if kind(name) == of_kind)


def differ(log: Path, name: str, other: str) -> bool:
    return (log / name).read_bytes() != (log / other).read_bytes()


def check(log: Path, signer: SignerKey, remembered: Remembered | None = None) -> Report:
    memory = {} if remembered is None else {"glideslope/0": remembered}
    return Verification(FolderObjects(log), keys=[signer.verifier()], memory=memory).run()


def memory_of(report: Report) -> Remembered:
    return Remembered(report.size, report.root, report.checkpoints, report.keys)


@pytest.fixture(scope="module")
def rng() -> random.Random:
    seed = random.randrange(2**32)
    print("seed", seed)
    return random.Random(seed)


@pytest.fixture
def untouched(build_log: Callable[..., Path], signer: SignerKey) -> tuple[Path, Remembered]:
    log = build_log(*SIZES)
    report = check(log, signer)
    assert report.verdict is Verdict.INTACT, report.findings
    assert report.entries == ENTRIES
    return log, memory_of(report)


def outgrown(name: str) -> bool:
    """Say whether it is a partial object whose full one is there: C2SP lets a log remove it."""
    if ".p/" not in name:
        return False
    tile = paths.Tile.of(name)
    return tile.index < (ENTRIES >> 8 * (tile.level or 0)) // 256


def restore(log: Path, kept: Path, name: str) -> None:
    if (kept / name).is_file():
        shutil.copy(kept / name, log / name)
    elif (log / name).is_file():
        (log / name).unlink()


def targets(log: Path, rng: random.Random) -> Iterator[str]:
    names = [*FolderObjects(log).names(), paths.CHECKPOINT]
    for each in sorted({kind(name) for name in names}):
        of_kind = [name for name in names if kind(name) == each]
        yield from rng.sample(of_kind, min(OF_A_KIND, len(of_kind)))


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.timeout(900)
def test_every_change_is_found_and_its_place_is_named(
    change: Change, untouched: tuple[Path, Remembered], signer: SignerKey, rng: random.Random
) -> None:
    log, remembered = untouched
    kept = shutil.copytree(log, log.parent / "kept")
    tried = 0
    for name in targets(log, rng):
        if change is take_away and outgrown(name):
            continue
        if change is set_back and not earlier(log, name):
            continue
        if change is exchange and len(objects(log, kind(name))) < 2:
            continue
        places = change(log, name, rng)
        report = check(log, signer, remembered)
        said = f"{change.__name__} {name}: {report.findings}"
        assert report.verdict is not Verdict.INTACT, said
        assert places & {finding.object for finding in report.findings}, said
        tried += 1
        for place in {*places, name}:
            restore(log, kept, place)
    assert tried >= OF_A_KIND
    assert check(log, signer, remembered).verdict is Verdict.INTACT


def test_a_flipped_entry_is_named_with_its_event(
    build_log: Callable[..., Path], signer: SignerKey
) -> None:
    log = build_log(300)
    bundle = log / "tile/entries/000"
    data = bundle.read_bytes()
    bundle.write_bytes(data.replace(b'"offset":20,', b'"offset":21,'))
    [finding] = check(log, signer).findings
    assert (finding.problem, finding.object) == (Problem.ENTRY, "tile/entries/000")
    assert (finding.entry, finding.event) == (10, "event-10")


def test_a_flipped_hash_is_not_taken_for_a_flipped_entry(
    build_log: Callable[..., Path], signer: SignerKey
) -> None:
    log = build_log(300)
    tile = log / "tile/0/001.p/44"
    data = bytearray(tile.read_bytes())
    data[32 * 7] ^= 1
    tile.write_bytes(data)
    [finding] = check(log, signer).findings
    assert (finding.problem, finding.object) == (Problem.TILE, "tile/0/001.p/44")
    assert finding.entry == 256 + 7


def test_entries_rewritten_without_the_signing_key_do_not_lead_to_the_signed_root(
    build_log: Callable[..., Path], signer: SignerKey
) -> None:
    log = build_log(100, 200, 300)
    other = build_log(100, 200, 300, name="other", words="rewritten")
    for folder in ("tile", "blobs"):
        shutil.rmtree(log / folder)
        shutil.copytree(other / folder, log / folder)
    found = check(log, signer).findings
    assert {finding.problem for finding in found} == {Problem.ROOT}
    assert {finding.object for finding in found} >= {"checkpoint", "checkpoints/100"}


def test_a_log_made_anew_with_the_signing_key_is_caught_by_what_was_remembered(
    build_log: Callable[..., Path], signer: SignerKey
) -> None:
    remembered = memory_of(check(build_log(100, 200), signer))
    forged = build_log(100, 200, 300, name="forged", words="rewritten")
    assert check(forged, signer).verdict is Verdict.INTACT  # nothing in it gives it away
    report = check(forged, signer, remembered)
    assert report.verdict is Verdict.TAMPERED
    assert Problem.FORK in {finding.problem for finding in report.findings}


def test_a_log_set_back_as_a_whole_is_caught_by_what_was_remembered(
    build_log: Callable[..., Path], signer: SignerKey
) -> None:
    log = build_log(100)
    earlier = shutil.copytree(log, log.parent / "earlier")
    remembered = memory_of(check(build_log(200, name="later"), signer))
    report = check(earlier, signer, remembered)
    assert [finding.problem for finding in report.findings] == [Problem.ROLLED_BACK]


def test_a_checkpoint_set_back_is_caught_by_the_archived_ones(
    build_log: Callable[..., Path], signer: SignerKey
) -> None:
    log = build_log(100, 200)
    shutil.copy(log / "checkpoints/100", log / "checkpoint")
    [finding] = check(log, signer).findings
    assert (finding.problem, finding.object) == (Problem.ROLLED_BACK, "checkpoint")


def test_a_log_signed_by_another_key_is_not_believed(
    build_log: Callable[..., Path], signer: SignerKey
) -> None:
    del signer
    report = check(build_log(3), SignerKey.generate("glideslope/0"))
    assert report.verdict is Verdict.TAMPERED
    assert "checkpoint" in {finding.object for finding in report.findings}


def test_a_log_that_grew_since_the_last_check_is_intact(
    build_log: Callable[..., Path], signer: SignerKey
) -> None:
    log = build_log(100, 300)
    then = Checkpoint.parse(Note.parse((log / "checkpoints/100").read_bytes()).text)
    remembered = Remembered(100, then.root, 1, (signer.verifier(),))
    assert check(log, signer, remembered).verdict is Verdict.INTACT

"""A log that is checked in slices, here or elsewhere, gets the report that it gets as a whole."""

import dataclasses
import pickle
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest

from glideslope.audit.bundles import Span
from glideslope.audit.objects import FolderObjects, Objects
from glideslope.audit.slices import Part, SliceCheck
from glideslope.audit.spread import spread_over
from glideslope.audit.verification import Report, Verification
from services.audit.tlog.note import SignerKey
from tests.unit.glideslope.audit.test_tampering import CHANGES, kind

T = TypeVar("T")

SIZES = (1, 3, 200, 256, 300, 512, 700, 1024, 1100, 1300)
ROUNDS = 6
WHOLE = 10**6


def check(log: Path, signer: SignerKey, **how: Any) -> Report:
    report = Verification(FolderObjects(log), keys=[signer.verifier()], **how).run()
    return dataclasses.replace(report, seconds=0)


def elsewhere(
    objects: Objects, origin: str, spans: Sequence[Span], here: Callable[[Span], Part]
) -> Iterator[Part]:
    """Check slices with what another process would be sent, and take what it would send."""
    del here
    sent = copy(objects)
    slices = SliceCheck(sent, origin, None, records=True)
    for span in spans:
        yield copy(slices.run(span))
    sent.close()


def copy(thing: T) -> T:
    """Return what another process would get."""
    there: T = pickle.loads(pickle.dumps(thing))  # noqa: S301 - our own
    return there


def tamper(log: Path, times: int, rng: random.Random) -> list[str]:
    """Change some objects in some ways; return what was done."""
    done = []
    for _ in range(times):
        names = sorted(FolderObjects(log).names())
        of_kind = rng.choice(sorted({kind(name) for name in names}))
        name = rng.choice([each for each in names if kind(each) == of_kind])
        change = rng.choice(
            [each for each in CHANGES if each.__name__ not in {"set_back", "exchange"}]
        )
        change(log, name, rng)
        done.append(f"{change.__name__} {name}")
    return done


@pytest.fixture
def log(build_log: Callable[..., Path]) -> Path:
    return build_log(*SIZES)


def test_every_way_to_slice_a_tampered_log_gives_the_same_report(
    log: Path, signer: SignerKey
) -> None:
    seed = random.randrange(2**32)
    rng = random.Random(seed)
    found = 0
    for number in range(ROUNDS):
        tampered = shutil.copytree(log, log.parent / str(number))
        said = f"seed {seed}: {tamper(tampered, rng.choice([0, 1, 3, 9]), rng)}"
        whole = check(tampered, signer, bundles=WHOLE)
        assert check(tampered, signer, bundles=1) == whole, said
        assert check(tampered, signer, bundles=2) == whole, said
        assert check(tampered, signer, bundles=1, spread=elsewhere) == whole, said
        found += len(whole.findings)
        shutil.rmtree(tampered)
    assert found, seed


def test_processes_side_by_side_give_the_report_of_one(log: Path, signer: SignerKey) -> None:
    tamper(log, 9, random.Random(3))
    spread = spread_over(2, None, records=True, worth_it=2)
    report = check(log, signer, bundles=1, spread=spread)
    assert report.findings
    assert report == check(log, signer, bundles=WHOLE)

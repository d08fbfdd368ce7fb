"""Fit services/validator/grounding/model.json on public data, and say how well it does unseen.

    python -m evals.fit FOLDER

The folder holds ragtruth_qa.jsonl, summedits_finance_sales.jsonl, finqa.jsonl and tatqa.jsonl: sets
under MIT and Apache-2.0 only. FinanceBench is for evaluation only and is not fitted on (`--extra`
reports on it). Held-out figures come from a fit without the locked fifth of all groups; what is
shipped is fitted on all of them.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from evals.entities import entities
from evals.measured import Measured, measure
from evals.sets import digest, load
from evals.stages import fit
from evals.strangers import strangers
from evals.tables import tatqa
from evals.unseen import cross, flags, report
from evals.worked import worked
from services.validator.grounding import model as scoring
from services.validator.grounding.model import Linear

OUT: Final = Path(scoring.__file__).with_name("model.json")
_FILES: Final = {
    "ragtruth": ("ragtruth_qa.jsonl", "MIT"),
    "summedits": ("summedits_finance_sales.jsonl", "Apache-2.0"),
    "finqa": ("finqa.jsonl", "MIT"),
    "tatqa": ("tatqa.jsonl", "MIT"),
}
_LEAST: Final = 1e-6
"""What a weight is, at most, that a bound holds at nothing."""


def _provenance(folder: Path, rows: Sequence[Measured]) -> Mapping[str, Any]:
    return {
        "fitted_by": "evals/fit.py",
        "date": datetime.now(UTC).date().isoformat(),
        "sets": {
            name: {
                "file": file,
                "license": license_,
                "sha256": digest(folder / file),
                "rows": sum(row.example.set == name for row in rows),
            }
            for name, (file, license_) in _FILES.items()
        },
    }


def _content(folder: Path, rows: Sequence[Measured]) -> Mapping[str, Any]:
    """Return what the model's file says after a fit on all rows."""
    fitted, flag = fit(rows), flags(rows)
    return {
        "provenance": _provenance(folder, rows),
        "refusal": round(fitted.refusal, 4),
        "kinds": {
            kind.value: {
                "claim": _linear(judge.claim),
                **({} if judge.phrase is None else {"phrase": _linear(judge.phrase)}),
                "answer": _linear(judge.answer),
                "knee": asdict(judge.knee),
                "ceilings": [asdict(each) for each in judge.ceilings],
                "flag": round(flag[kind], 2),
            }
            for kind, judge in fitted.judges.items()
        },
    }


def _linear(linear: Linear) -> Mapping[str, Any]:
    """Return it rounded; weights of nothing are left out."""
    return {
        "intercept": round(linear.intercept, 6),
        "weights": {
            name: round(weight, 6)
            for name, weight in linear.weights.items()
            if abs(weight) > _LEAST
        },
    }


def main() -> None:
    """Fit, report, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else "")
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--extra", type=Path, action="append", default=[], help="a set that nothing is fitted on"
    )
    parser.add_argument(
        "--cross",
        type=int,
        metavar="SPLITS",
        help="only say how well unseen groups do, split so often",
    )
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    examples = [e for n in ("ragtruth", "summedits", "finqa") for e in load(folder / _FILES[n][0])]
    examples += strangers(examples)
    examples += entities(examples)
    examples += tatqa(folder / _FILES["tatqa"][0])
    examples += worked(folder / _FILES["tatqa"][0])
    rows = [measure(example) for example in examples]
    others = [measure(e) for path in arguments.extra for e in load(path) if not e.refuses]
    if arguments.cross:
        for split in range(arguments.cross):
            for line in cross(rows, others, split):
                sys.stdout.write(f"{split} {line}\n")
        return
    unlocked = fit([row for row in rows if not row.example.is_locked])
    sys.stdout.write("fitted without the locked fifth, on that fifth:\n")
    for line in report(unlocked, [row for row in rows if row.example.is_locked]):
        sys.stdout.write(line + "\n")
    if others:
        sys.stdout.write("and on what nothing is fitted on:\n")
        for line in report(unlocked, others):
            sys.stdout.write(line + "\n")
    content = _content(folder, rows)
    arguments.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

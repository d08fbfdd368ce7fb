"""Examples made from the tables of TAT-QA: right answers, and twins with one wrong edit."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from evals.derived import derived_pairs, question_pairs
from evals.lookups import lookup_pairs
from evals.sets import Example

_PAIRS_A_TABLE: Final = 4


def tatqa(path: Path) -> Iterator[Example]:
    """Yield each right answer, then its twin; a few a table."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            pairs = [*lookup_pairs(row), *derived_pairs(row), *question_pairs(row)]
            for number, pair in enumerate(pairs[:: max(1, len(pairs) // _PAIRS_A_TABLE)]):
                base = Example(
                    id=f"tatqa-{pair.group}-{number}",
                    set="tatqa",
                    group=pair.group,
                    question=pair.question,
                    answer=pair.right,
                    passages=pair.passages,
                    supported=True,
                    part=pair.kind,
                )
                yield base
                yield replace(base, answer=pair.wrong, supported=False)

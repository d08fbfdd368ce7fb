"""What a run found, as data, as a table and as one HTML page with charts."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from evals.judging import Judged
from evals.measures import Interval, auroc, bins, calibration_error, f1, interval
from services.validator.grounding.model import model_digest
from services.validator.routing import Route
from shared.release import Release


@dataclass(frozen=True)
class Part:
    """How one set, or all together, was judged."""

    name: str
    rows: int
    groups: int
    supported: float
    auroc: Interval
    ece: Interval
    f1: Interval
    """Of flagging what is unsupported: what the model flags, or what is under `flag_under`."""
    approved: float
    approved_wrong: float | None
    bins: list[Mapping[str, float]]


def summarise(judged: Sequence[Judged], flag_under: float | None) -> list[Part]:
    """Return a part for each set, and for all together where there are several.

    Answers that only refuse, as a person labelled them, are left out: whether a refusal is right
    is another question.
    """
    kept = [row for row in judged if not row.example.refuses]
    names = sorted({row.example.set for row in kept})
    parts = [_part(n, [r for r in kept if r.example.set == n], flag_under) for n in names]
    return parts if len(parts) == 1 else [*parts, _part("together", kept, flag_under)]


def _part(name: str, rows: Sequence[Judged], flag_under: float | None) -> Part:
    said = [row.probability for row in rows]
    truth = [row.example.supported for row in rows]
    groups = [f"{row.example.set} {row.example.group}" for row in rows]
    approved = [row for row in rows if row.route is Route.APPROVED]
    wrong = sum(not row.example.supported for row in approved)
    flagged = [
        row.assessment.is_flagged if flag_under is None else row.probability < flag_under
        for row in rows
    ]

    def flagging(flags: Sequence[float], truths: Sequence[bool]) -> float:
        return f1([bool(flag) for flag in flags], [not t for t in truths])

    return Part(
        name,
        len(rows),
        len(set(groups)),
        sum(truth) / len(truth),
        interval(auroc, said, truth, groups),
        interval(calibration_error, said, truth, groups),
        interval(flagging, flagged, truth, groups),
        len(approved) / len(rows),
        wrong / len(approved) if approved else None,
        [asdict(each) for each in bins(said, truth)],
    )


def as_json(
    parts: Sequence[Part],
    judged: Sequence[Judged],
    release: Release,
    data: Mapping[str, str],
    flag_under: float | None,
) -> Mapping[str, Any]:
    """Return a run as data: its parts, and each answer's probability, for `eval compare`."""
    return {
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "release": release.content_hash(),
        "model": model_digest(),
        "data": data,
        "flag_under": flag_under,
        "parts": [asdict(part) for part in parts],
        "answers": [
            {
                "id": row.example.id,
                "set": row.example.set,
                "group": row.example.group,
                "supported": row.example.supported,
                "probability": round(row.probability, 6),
                "failed": list(row.failed),
                "route": row.route.name.lower(),
            }
            for row in judged
            if not row.example.refuses
        ],
    }


def write_html(run: Mapping[str, Any], path: Path) -> None:
    """Write a run as one page. Raises ModuleNotFoundError without alt.

    The charts' scripts are loaded from a public network address by the reader's browser; the
    table needs none.
    """
    import altair as alt  # noqa: PLC0415 - an extra of the package

    parts: Sequence[Mapping[str, Any]] = run["parts"]
    diagonal = [{"said": 0.0, "was": 0.0}, {"said": 1.0, "was": 1.0}]
    points = [{"set": part["name"], **each} for part in parts for each in part["bins"]]
    reliability = (
        alt.Chart(_values(points))
        .mark_line(point=True)
        .encode(
            x=alt.X("said:Q", title="probability said", scale=alt.Scale(domain=[0, 1])),
            y=alt.Y("was:Q", title="share supported", scale=alt.Scale(domain=[0, 1])),
            color=alt.Color("set:N"),
            tooltip=["set:N", "count:Q", "said:Q", "was:Q"],
        )
    )
    perfect = (
        alt.Chart(_values(diagonal))
        .mark_line(strokeDash=[4, 4], color="grey")
        .encode(x="said:Q", y="was:Q")
    )
    spread = (
        alt.Chart(_values(list(run["answers"])))
        .mark_bar(opacity=0.6)
        .encode(
            x=alt.X("probability:Q", bin=alt.Bin(maxbins=20)),
            y=alt.Y("count()", stack=None, title="answers"),
            color=alt.Color("supported:N"),
            row=alt.Row("set:N"),
        )
        .properties(height=90)
    )
    chart = alt.hconcat((perfect + reliability).properties(title="Calibration"), spread)
    spec = json.dumps(chart.to_dict()).replace("</", "<\\/")
    path.write_text(
        _PAGE.format(
            title=escape(f"Evaluation of release {run['release'][:12]}"),
            made=escape(run["made"]),
            rows="\n".join(_row(part) for part in parts),
            spec=spec,
        ),
        encoding="utf-8",
    )


def _values(rows: Sequence[Mapping[str, Any]]) -> Any:
    import altair as alt  # noqa: PLC0415 - an extra of the package

    data: Any = alt.Data  # it has no types
    return data(values=list(rows))


def _row(part: Mapping[str, Any]) -> str:
    cells = [
        part["name"],
        f"{part['rows']:,}",
        f"{part['supported']:.0%}",
        *(shown(Interval(**part[name])) for name in ("auroc", "ece", "f1")),
        f"{part['approved']:.0%}",
    ]
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"


def shown(found: Interval) -> str:
    """Return a measure with its interval, for people."""
    return f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})"


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; }}
table {{ border-collapse: collapse; }} td, th {{ padding: .3rem .8rem; text-align: left; }}
tr:nth-child(even) {{ background: #f4f4f4; }}
</style>
<script src="https://cdn.jsdelivr.net/npm/vega@6"></script>
<script src="https://cdn.jsdelivr.net/npm/vega-lite@6"></script>
<script src="https://cdn.jsdelivr.net/npm/vega-embed@7"></script>
</head><body><h1>{title}</h1><p>{made}. In brackets: 95% bootstrap intervals over groups.</p>
<table><tr><th>set</th><th>answers</th><th>supported</th><th>AUROC</th><th>ECE</th>
<th>F1 of flagging</th><th>approved</th></tr>
{rows}</table><div id="charts"></div>
<script>if (window.vegaEmbed) vegaEmbed("#charts", {spec});</script></body></html>
"""

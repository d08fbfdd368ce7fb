"""The plots of a load's report, as SVG that needs no script and no network."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import altair as alt
import vl_convert
from hdrh.histogram import HdrHistogram

from glideslope.load.figures import Figures

_WIDTH, _HEIGHT = 760, 220
_TICKS_PER_HALF: Final = 5


def plots(figures: Figures) -> Mapping[str, str]:
    """Return each plot's title and its SVG."""
    return {
        "Latency by percentile": _svg(_distribution(figures.latency)),
        "Latency over time": _svg(_over_time(figures)),
        "Requests over time": _svg(_rates(figures)),
    }


def _distribution(found: HdrHistogram) -> Any:
    """Draw latency over 1/(1-percentile) on a log scale, as HdrHistogram's own plots do."""
    rows = [
        {"ms": each.value_iterated_to / 1000, "nines": 1 / (1 - share)}
        for each in found.get_percentile_iterator(_TICKS_PER_HALF)
        if (share := each.percentile_level_iterated_to / 100) < 1
    ]
    names = {1: "0%", 10: "90%", 100: "99%", 1000: "99.9%", 10_000: "99.99%", 100_000: "99.999%"}
    label = " : ".join(f"datum.value == {value} ? '{name}'" for value, name in names.items())
    axis = alt.Axis(values=list(names), labelExpr=f"{label} : ''", title="percentile")
    return _line(rows).encode(
        x=alt.X("nines:Q", scale=alt.Scale(type="log"), axis=axis),
        y=alt.Y("ms:Q", title="milliseconds"),
    )


def _over_time(figures: Figures) -> Any:
    rows = [
        {"second": each.second, "ms": value, "which": which}
        for each in figures.seconds
        for which, value in (("p50", each.p50), ("p99", each.p99), ("slowest", each.slowest))
        if value is not None
    ]
    order = ["p50", "p99", "slowest"]
    return _line(rows).encode(
        x=alt.X("second:Q", title="seconds from the start, by when requests were due"),
        y=alt.Y("ms:Q", title="milliseconds"),
        color=alt.Color("which:N", title=None, sort=order),
    )


def _rates(figures: Figures) -> Any:
    rows = [
        {"second": each.second, "count": value, "which": which}
        for each in figures.seconds
        for which, value in (("due", each.due), ("ended", each.ended))
    ]
    return _line(rows).encode(
        x=alt.X("second:Q", title="seconds from the start"),
        y=alt.Y("count:Q", title="requests a second"),
        color=alt.Color("which:N", title=None, sort=["due", "ended"]),
    )


def _line(rows: Sequence[Mapping[str, Any]]) -> Any:
    data: Any = alt.Data  # it has no types
    return alt.Chart(data(values=list(rows)), width=_WIDTH, height=_HEIGHT).mark_line(
        interpolate="linear", clip=True
    )


def _svg(chart: Any) -> str:
    return vl_convert.vegalite_to_svg(chart.to_dict())

"""A load's report: one HTML page that loads nothing from anywhere, and runs no script."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from glideslope.load.figures import BEHIND_SECONDS, Figures, percentiles

_TEMPLATE: Final = "report.html.jinja"


def write(figures: Figures, path: Path) -> None:
    """Write the page. Raises `OSError`."""
    from glideslope.load.charts import plots  # noqa: PLC0415 - altair takes seconds to load

    environment = Environment(
        loader=PackageLoader("glideslope.load", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    everything = {"all": figures.latency, **figures.by_end}
    page = environment.get_template(_TEMPLATE).render(
        figures=figures,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        behind_ms=round(BEHIND_SECONDS * 1000),
        lag=percentiles(figures.lag),
        latencies={
            end: (each.get_total_count(), percentiles(each)) for end, each in everything.items()
        },
        plots=plots(figures),
    )
    path.write_text(page, encoding="utf-8")

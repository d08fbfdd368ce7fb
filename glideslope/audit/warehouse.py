"""Entries as rows of a file that a warehouse loads: JSON Lines, or Parquet.

A file is written under another name, and gets its own when it is whole.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

_ROWS: Final = 4_096
"""Rows of a group of a Parquet file, which are in memory at once."""

Row = Mapping[str, Any]
"""What `Found.as_data` returns."""


class NoParquetError(Exception):
    """The library that writes Parquet is not there; the message says how to get it."""


def write_lines(path: Path, rows: Iterable[Row]) -> int:
    """Write a JSON object a line; return how many. Raises `OSError`, and what `rows` raises."""
    written = 0
    with _whole(path) as new, new.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            written += 1
    return written


def write_parquet(path: Path, rows: Iterable[Row]) -> int:
    """Write a Parquet file; return how many rows. `value` holds JSON as text.

    Raises `NoParquetError`, `OSError`, and what `rows` raises.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415 - 150 MB that only this needs
        from pyarrow import parquet  # noqa: PLC0415 - as above
    except ImportError as error:
        raise NoParquetError(
            "Parquet needs pyarrow, which is not installed: install glideslope[parquet], or "
            "write JSON Lines with --format jsonl"
        ) from error
    text = pa.string()
    schema = pa.schema(
        [
            pa.field("log", text, nullable=False),
            pa.field("index", pa.int64(), nullable=False),
            pa.field("at", pa.timestamp("ms", tz="UTC"), nullable=False),
            pa.field("topic", text, nullable=False),
            pa.field("partition", pa.int32(), nullable=False),
            pa.field("offset", pa.int64(), nullable=False),
            *(pa.field(name, text) for name in ("event_id", "type", "tenant", "release")),
            pa.field("decrypted", pa.bool_(), nullable=False),
            pa.field("key", text),
            pa.field("headers", pa.map_(text, text)),
            pa.field("value", text),
        ]
    )
    left, written = iter(rows), 0
    with _whole(path) as new, parquet.ParquetWriter(new, schema) as writer:
        while group := [_flat(row) for row in islice(left, _ROWS)]:
            writer.write_table(pa.Table.from_pylist(group, schema=schema))
            written += len(group)
    return written


def _flat(row: Row) -> dict[str, Any]:
    record = row["record"] or {"key": None, "headers": None, "value": None}
    value, headers = record["value"], record["headers"]
    return {
        **{name: said for name, said in row.items() if name != "record"},
        "at": datetime.fromisoformat(row["at"]),
        "key": record["key"],
        "headers": None if headers is None else list(headers.items()),
        "value": value if value is None else json.dumps(value, ensure_ascii=False),
    }


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    new = path.with_name(f"{path.name}.new")
    try:
        yield new
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)

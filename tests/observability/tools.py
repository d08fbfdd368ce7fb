"""Builds OpenTelemetry's collector with Go, once, into the cache, for `make test-observability`."""

import hashlib
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

from tests.k8s.tools import CannotBeHadError, cache, go

MANIFEST: Final = Path(__file__).with_name("collector.yaml")


def version() -> str:
    """Return the collector's version."""
    manifest: dict[str, Any] = YAML(typ="safe").load(MANIFEST)
    return str(manifest["dist"]["version"])


def collector() -> Path:
    """Return the collector. Raises `CannotBeHadError`."""
    of = hashlib.sha256(MANIFEST.read_bytes()).hexdigest()[:8]
    built = cache() / f"otelcol-{version()}-{of}"
    if not built.exists():
        builder = f"go.opentelemetry.io/collector/cmd/builder@v{version()}"
        with tempfile.TemporaryDirectory() as work:
            go("run", "-trimpath", builder, "--config", str(MANIFEST), cwd=Path(work))
            shutil.move(Path(work) / "build" / "otelcol", built)
    return built


if __name__ == "__main__":
    try:
        print(collector())
    except CannotBeHadError as error:
        sys.exit(f"the collector cannot be had: {error}")

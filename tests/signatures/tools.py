"""Builds cosign, and crane with its registry, with Go, once, into the cache."""

import shutil
import sys
from pathlib import Path
from typing import Final

from tests.k8s.tools import CannotBeHadError, cache, go

HERE: Final = Path(__file__).parent
# What sigstore/cosign-installer@v3 of the workflows installs is of the same major version.
# renovate: datasource=go depName=github.com/sigstore/cosign/v2
COSIGN = "v2.6.5"
# renovate: datasource=go depName=github.com/google/go-containerregistry
CRANE = "v0.20.7"


def cosign() -> Path:
    """Return cosign. Raises `CannotBeHadError`."""
    if on_path := shutil.which("cosign"):
        return Path(on_path)
    return _installed("cosign", "github.com/sigstore/cosign/v2/cmd/cosign", COSIGN)


def crane() -> Path:
    """Return crane, which has a registry in memory. Raises `CannotBeHadError`."""
    return _installed("crane", "github.com/google/go-containerregistry/cmd/crane", CRANE)


def _installed(name: str, package: str, version: str) -> Path:
    folder = cache() / f"{name}-{version}"
    if not (folder / name).exists():
        go("install", "-trimpath", "-ldflags", "-s -w", f"{package}@{version}", cwd=HERE)
        folder.mkdir(exist_ok=True)
        shutil.move(cache() / name, folder / name)
    return folder / name


if __name__ == "__main__":
    try:
        print(crane())
        print(cosign())
    except CannotBeHadError as error:
        sys.exit(f"what signs cannot be had: {error}")

"""Signs what was pushed, and finds out what was signed: `make sign`, `make verify-signatures`.

    sign      every reference in dist/pushed, and its bill of materials out of dist/sbom
    verify    the images and the chart of REGISTRY at VERSION; their digests are in
              dist/verified.yaml and dist/verified-chart then, which is what `make deploy` runs,
              since a tag may be moved after it was looked at

cosign 2 does the work: with COSIGN_KEY, or without a key, as the workflow that SIGNER names. With a
key nothing is told to Sigstore's public log, and nothing outside of the registry is asked.
Exit codes: 0 done; 1 cosign refuses; 2 there is nothing to do it with.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

_DIST: Final = Path("dist")
_GITHUB: Final = "https://token.actions.githubusercontent.com"
_VERSION: Final = re.compile(r"\d+\.\d+\.\d+")
_REGISTRY: Final = re.compile(r"[a-z0-9][a-z0-9.:/_-]*/")
"""A host and a folder of repositories, which have no capitals (OCI distribution spec 1.1)."""
IMAGES: Final = {
    **{name: name for name in ("audit", "inference", "ingest", "review", "validator")},
    "command-line": "commandLine",
}
"""Each image, and the name of its block in the chart's values."""


class SignatureError(Exception):
    """Something is missing; the message says what to do."""


def pushed(folder: Path) -> Iterator[tuple[str, str]]:
    """Return the name and the reference of each thing that was pushed.

    Raises:
        SignatureError: nothing was, or it is known by a tag alone.
    """
    files = sorted(folder.glob("*")) if folder.is_dir() else []
    if not files:
        raise SignatureError(f"nothing was pushed: {folder} is empty (make push, make push-chart)")
    for file in files:
        reference = file.read_text().strip()
        if "@sha256:" not in reference:
            raise SignatureError(
                f"{file} names a tag, {reference!r}, which may be moved: push again"
            )
        yield file.name, reference


def sign(dist: Path = _DIST) -> None:
    """Sign what was pushed, and attest its bill of materials where it has one."""
    key = _key("--tlog-upload=false")
    for name, reference in pushed(dist / "pushed"):
        _cosign("sign", "--yes", *key, reference)
        bill = dist / "sbom" / f"{name}.cdx.json"
        if bill.exists():
            kind = ("--type", "cyclonedx", "--predicate", str(bill))
            _cosign("attest", "--yes", *key, *kind, reference)


def verify(registry: str, version: str, dist: Path = _DIST) -> None:
    """Write the digests of the images that are signed as they must be, as values of the chart.

    Beside them the reference of the chart, which is signed as they are.

    Raises:
        SignatureError: it is not said what to look at, or who must have signed it.
        CalledProcessError: cosign refuses one of them.
    """
    values_file, chart_file = dist / "verified.yaml", dist / "verified-chart"
    for file in (values_file, chart_file):
        file.unlink(missing_ok=True)  # of another version
    if not _REGISTRY.fullmatch(registry) or not _VERSION.fullmatch(version):
        raise SignatureError(
            "say which images: REGISTRY=host/name/ (no capitals) and VERSION=0.2.0, "
            f"not {registry!r} and {version!r}"
        )
    signer = _key("--private-infrastructure") or _identity()
    values: dict[str, Any] = {}
    for image, block in IMAGES.items():
        digest = _verified(f"{registry}glideslope-{image}:{version}", signer)
        values[block] = {"image": {"digest": digest}}
    chart = f"{registry}charts/glideslope"
    digest = _verified(f"{chart}:{version}", signer)
    dist.mkdir(exist_ok=True)
    chart_file.write_text(f"oci://{chart}@{digest}\n")
    YAML().dump(values, values_file)


def _verified(reference: str, signer: Sequence[str]) -> str:
    """Return the digest that is signed, which the tag names now."""
    found = json.loads(_cosign("verify", *signer, "--output", "json", reference))
    digests = {each["critical"]["image"]["docker-manifest-digest"] for each in found}
    if len(digests) != 1:
        raise SignatureError(f"{reference} has signatures of {sorted(digests)}: one was expected")
    [digest] = digests
    print(f"{reference} is signed: {digest}")
    return str(digest)


def _key(without_log: str) -> Sequence[str]:
    """Return how cosign is told of the key, if there is one, and that there is no public log."""
    key = os.environ.get("COSIGN_KEY")
    return ("--key", key, without_log) if key else ()


def _identity() -> Sequence[str]:
    signer = os.environ.get("SIGNER")
    if not signer:
        raise SignatureError(
            "say who must have signed: SIGNER=https://… of the workflow, or COSIGN_KEY"
        )
    issuer = os.environ.get("SIGNER_ISSUER") or _GITHUB
    return ("--certificate-identity", signer, "--certificate-oidc-issuer", issuer)


def _cosign(*words: str) -> str:
    program = shutil.which("cosign")
    if program is None:
        raise SignatureError("cosign is not here: https://docs.sigstore.dev/cosign")
    done = subprocess.run((program, *words), check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603 - cosign
    return done.stdout


def main(words: Sequence[str]) -> int:
    """Do what the word says, and return the exit code."""
    try:
        match words:
            case ["sign"]:
                sign()
            case ["verify"]:
                verify(
                    os.environ.get("REGISTRY", ""), os.environ.get("VERSION", "").removeprefix("v")
                )
            case _:
                print(__doc__, file=sys.stderr)
                return 2
    except SignatureError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except subprocess.CalledProcessError as error:
        print(f"error: {' '.join(error.cmd)} ended with {error.returncode}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`glideslope calibrate`: from which probability on a release may approve, with a promise."""

from pathlib import Path
from typing import Annotated

import typer

from glideslope import terminal
from glideslope.releases.manifest import read as read_release
from glideslope.terminal import CommandError, Exit, out
from shared.calibration import Calibration, Certificate
from shared.release import Release


def command(  # noqa: PLR0913, PLR0917 - options of a command line
    sets: Annotated[
        list[Path],
        typer.Option(
            "--set",
            help="Labelled answers, JSON Lines: rows of `glideslope validate` with `supported`.",
        ),
    ],
    risk: Annotated[
        float, typer.Option(min=0.001, max=0.5, help="Share of approved answers that may be wrong.")
    ] = 0.05,
    confidence: Annotated[
        float, typer.Option(min=0.5, max=0.999, help="How surely the promise must hold.")
    ] = 0.95,
    release: Annotated[
        Path | None, typer.Option(help="The release's manifest; else the one that is built in.")
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--out", help="Where the calibrated release is written.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help=terminal.JSON_HELP)] = False,
) -> None:
    """Choose the threshold of a release on labelled answers, so that at most --risk is wrong.

    The answers must be like those to come and must not have been used to fit anything. Where they
    cannot support the promise, calibration is refused; a release that is written then sends
    everything to review and says why.

    Exit codes: 0 there is a certificate; 4 refused.
    """
    with terminal.told():
        manifest = read_release(release)
        outcome = _calibrate(sets, manifest, risk, confidence)
    calibrated = _with(manifest, outcome)
    if to is not None:
        to.write_text(calibrated.model_dump_json(indent=2, exclude_none=True) + "\n")
    if as_json:
        terminal.print_json(outcome.model_dump(mode="json", exclude_none=True))
    elif outcome.certificate is not None:
        _show(outcome.certificate, calibrated, to)
    if outcome.refused is not None:
        terminal.complain(f"refused: {outcome.refused}")
        raise typer.Exit(Exit.REFUSED)


def _calibrate(sets: list[Path], release: Release, risk: float, confidence: float) -> Calibration:
    try:
        from evals import calibration, judging  # noqa: PLC0415 - the help must not wait for it
        from evals import sets as labelled  # noqa: PLC0415 - as above
    except ModuleNotFoundError as error:
        raise CommandError(f"{error.name} is missing: install glideslope[evals]") from error
    try:
        examples = [example for path in sets for example in labelled.load(path)]
        data = labelled.digest(*sets)
    except OSError as error:
        raise CommandError(f"{error.filename} cannot be read: {error.strerror}") from error
    except labelled.SetError as error:
        raise CommandError(str(error)) from error
    judged = list(judging.judge(examples, release))
    return calibration.calibrate(judged, risk=risk, confidence=confidence, data=data)


def _with(release: Release, outcome: Calibration) -> Release:
    certificate = outcome.certificate
    thresholds = release.thresholds
    if certificate is not None:
        thresholds = thresholds.model_copy(update={"approve": certificate.threshold})
    return release.model_copy(update={"calibration": outcome, "thresholds": thresholds})


def _show(certificate: Certificate, release: Release, to: Path | None) -> None:
    out.print(
        f"approves from probability {certificate.threshold:.4f} on: "
        f"{certificate.approved:,} of {certificate.rows:,} labelled answers, "
        f"{certificate.wrong:,} of them wrong"
    )
    out.print(
        f"at most {certificate.bound:.1%} of what it approves is wrong, with confidence "
        f"{certificate.confidence:.0%} ({certificate.method})"
    )
    out.print(f"AUROC {certificate.auroc:.3f}; data {certificate.data[:16]}…; {certificate.made}")
    if to is None:
        out.print("nothing was written: --out FILE writes the release with this certificate")
    else:
        out.print(f"release {release.content_hash()} is in {to}")

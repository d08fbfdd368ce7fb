"""`glideslope access aws` and `access bedrock`: who may do what on AWS, as IAM policies."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from glideslope import terminal


class Part(StrEnum):
    """A role has a policy for each: IAM counts the characters of a policy."""

    KAFKA = "kafka"
    DATA = "data"


def aws(
    principal: Annotated[
        str | None,
        typer.Argument(help="A service, or a role: auditor, witness, asker, operator and so on."),
    ] = None,
    estate: Annotated[
        Path | None,
        typer.Option(
            help="JSON file with the names and ARNs of your resources: Terraform's output "
            "`estate`. Not given: the places where `templatefile` of Terraform puts them.",
        ),
    ] = None,
    part: Annotated[
        Part | None,
        typer.Option(help="That policy alone; not given, one after the other."),
    ] = None,
    write: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Write the template of everybody who gets a role from Terraform."
        ),
    ] = None,
) -> None:
    """Print the IAM policies of a service or role: its rights on MSK; on S3, KMS and secrets.

    Rights on Kafka follow from what the services declare. What inference may call on Bedrock
    follows from releases: see `glideslope access bedrock`. Nothing on AWS is asked or changed.
    """
    # it loads every service, which others need not
    from glideslope.access.aws.principals import attached, templates  # noqa: PLC0415 - as above
    from glideslope.access.principals import UnknownRoleError  # noqa: PLC0415 - as above

    if write is not None:
        write.mkdir(parents=True, exist_ok=True)
        for name in attached():
            for kind, text in templates(name).items():
                (write / f"{name}.{kind}.json.tftpl").write_text(text, encoding="utf-8")
        return
    if principal is None:
        raise typer.BadParameter(f"name one: {', '.join(attached())}", param_hint="PRINCIPAL")
    try:
        texts = templates(principal) if estate is None else _filled(principal, estate)
    except UnknownRoleError as error:
        raise typer.BadParameter(str(error), param_hint="PRINCIPAL") from None
    for kind, text in texts.items():
        if part is None or part.value == kind:
            typer.echo(text, nl=False)


def _filled(principal: str, file: Path) -> dict[str, str]:
    from pydantic import ValidationError  # noqa: PLC0415 - see `aws`

    from glideslope.access.aws.estate import Estate  # noqa: PLC0415 - see `aws`
    from glideslope.access.aws.principals import policies  # noqa: PLC0415 - see `aws`

    try:
        estate = Estate.model_validate_json(file.read_bytes())
    except OSError as error:
        raise typer.BadParameter(f"{file}: {error.strerror}", param_hint="--estate") from None
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, each['loc'])) or 'it'}: {each['msg']}" for each in error.errors()
        )
        raise typer.BadParameter(f"{file}: {wrong}", param_hint="--estate") from None
    made = policies(principal, estate)
    return {part: json.dumps(each, indent=2) + "\n" for part, each in made.items()}


def bedrock(
    releases: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Manifests of every release that may answer: the one that is promoted, canaries, "
            "shadows, and those you would roll back to.",
        ),
    ] = None,
    account: Annotated[
        str, typer.Option(help="Account that the models are called in, 12 digits.")
    ] = "",
    region: Annotated[
        str | None, typer.Option(help="Region of providers that name none.", envvar="AWS_REGION")
    ] = None,
    partition: Annotated[str, typer.Option(help="Partition of AWS.")] = "aws",
    role: Annotated[
        str | None,
        typer.Option(
            help="ARN of a role that a provider is called as (`assume_role`): print its policy, "
            "and not inference's own."
        ),
    ] = None,
) -> None:
    """Print the IAM policy with which inference may call the models that releases name.

    Those models alone, a profile's foundation model through this profile alone, and only with the
    provider's guardrail where it has one. Providers are those of GLIDESLOPE_PROVIDERS.
    """
    # it loads inference, which others need not
    from glideslope.access.aws import bedrock as models  # noqa: PLC0415 - as above
    from glideslope.access.aws.policy import document  # noqa: PLC0415 - as above
    from glideslope.releases import manifest  # noqa: PLC0415 - as above
    from services.inference.settings import InferenceSettings  # noqa: PLC0415 - as above

    if not releases:
        raise typer.BadParameter("name the manifest of one release or more", param_hint="RELEASES")
    if not (len(account) == 12 and account.isdigit()):  # noqa: PLR2004 - as AWS has it
        raise typer.BadParameter("an account is 12 digits", param_hint="--account")
    with terminal.told():
        read = [manifest.read(file) for file in releases]
    providers = terminal.settings(InferenceSettings).providers
    try:
        found = models.statements(
            read, providers, partition=partition, region=region, account=account
        )
    except models.NoRegionError as error:
        raise typer.BadParameter(str(error), param_hint="--region") from None
    statements = found.get(role or "", ())
    if not statements:
        others = ", ".join(each for each in found if each) or "none"
        raise typer.BadParameter(
            f"these releases name no model that is called as {role or 'inference itself'}. Set "
            f"GLIDESLOPE_PROVIDERS as inference has it. Roles that are called as: {others}",
            param_hint="RELEASES" if role is None else "--role",
        )
    terminal.print_json(document(statements))

"""`glideslope access`: who may do what, in the words of those who enforce it."""

import sys
from enum import StrEnum
from typing import Annotated

import typer

from glideslope import terminal
from glideslope.commands import access_aws

app = typer.Typer(no_args_is_help=True, help="Who may do what on the cluster, and no more.")


class Format(StrEnum):
    """For whom rights are written out."""

    ACL = "acl"
    STRIMZI = "strimzi"
    JSON = "json"


class Authentication(StrEnum):
    """How Strimzi's users prove who they are."""

    SCRAM = "scram-sha-512"
    TLS = "tls"
    TLS_EXTERNAL = "tls-external"


@app.callback()
def _access() -> None:
    """Keep `kafka` a subcommand although it is the only one."""


@app.command()
def kafka(  # noqa: PLR0913, PLR0917 - its options
    form: Annotated[
        Format,
        typer.Option(
            "--format",
            help="kafka-acls.sh lines, Strimzi's KafkaTopic and KafkaUser as YAML, or plain JSON.",
        ),
    ] = Format.ACL,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only", metavar="ROLE[=USER]", help="These alone; USER is its name on the cluster."
        ),
    ] = None,
    user_prefix: Annotated[
        str | None,
        typer.Option(help="Put before the names of users. Not given: the deployment's, and -."),
    ] = None,
    command_config: Annotated[
        str | None, typer.Option(help="Properties file with which kafka-acls.sh logs on.")
    ] = None,
    cluster: Annotated[str, typer.Option(help="Name of Strimzi's Kafka resource.")] = "kafka",
    replicas: Annotated[int, typer.Option(help="Copies of each partition, for Strimzi.")] = 3,
    authentication: Annotated[
        Authentication, typer.Option(help="For Strimzi's users.")
    ] = Authentication.SCRAM,
) -> None:
    """Print the rights of every service and role on the cluster's topics, groups, transactions.

    They follow from what the services declare, and carry GLIDESLOPE_TOPIC_PREFIX. Nothing is asked
    of the cluster, and nothing changed.
    """
    # they load every service, which others need not
    from ruamel.yaml import YAML  # noqa: PLC0415 - as above

    from glideslope.access import acls, strimzi  # noqa: PLC0415 - as above
    from glideslope.access.principals import UnknownRoleError, chosen  # noqa: PLC0415 - as above

    settings = terminal.settings()
    prefix = f"{settings.deployment}-" if user_prefix is None else user_prefix
    try:
        found = chosen(settings, only or [], prefix)
    except UnknownRoleError as error:
        raise typer.BadParameter(str(error), param_hint="--only") from None
    if form is Format.JSON:
        terminal.print_json(found)
    elif form is Format.ACL:
        for line in acls.commands(found, settings.bootstrap_servers, command_config):
            typer.echo(line)
    else:
        yaml = YAML()
        yaml.explicit_start = True
        yaml.indent(mapping=2, sequence=4, offset=2)
        yaml.dump_all(
            [
                *strimzi.kafka_topics(settings, cluster, replicas),
                *strimzi.kafka_users(found, cluster, authentication.value),
            ],
            sys.stdout,
        )


app.command()(access_aws.aws)
app.command()(access_aws.bedrock)

"""Which models of Amazon Bedrock releases name, and the rights to call these and no others.

Sources: the Bedrock user guide, "Prerequisites for inference profiles" and "Set up permissions to
use Guardrails"; the service authorization reference of Amazon Bedrock.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from glideslope.access.aws.policy import Statement
from services.inference.providers import BedrockProvider, ProviderSettings
from shared.release import Release

_INVOKE: Final = ("bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream")
"""Converse and ConverseStream need these two as well."""
_PROFILE: Final = re.compile(r"^(?:[a-z]{2}(?:-[a-z]+)?|apac|global)\.(?P<model>[a-z0-9-]+\..+)$")
"""The id of a profile that AWS defines: a geography, then the id of a foundation model."""


class NoRegionError(ValueError):
    """It is not known where a provider's models are."""

    def __init__(self, provider: str) -> None:
        super().__init__(f"the provider {provider} names no region: set it, or give --region")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a provider's models are."""

    partition: str
    region: str
    account: str

    def arn(self, resource: str) -> str:
        """Return the ARN of something of this account."""
        return f"arn:{self.partition}:bedrock:{self.region}:{self.account}:{resource}"


def statements(
    releases: Iterable[Release],
    providers: Mapping[str, ProviderSettings],
    *,
    partition: str,
    region: str | None,
    account: str,
) -> dict[str, tuple[Statement, ...]]:
    """Return what is needed to call what these releases name, by the role that needs it.

    The role is the ARN that a provider is to be called as, "" where that is inference's own; then
    inference needs `sts:AssumeRole` on the other. A provider that is not among `providers`, or is
    none of Bedrock's, needs nothing here. Raises `NoRegionError`.
    """
    written, read = _named(releases)
    made: dict[str, list[Statement]] = defaultdict(list)
    for number, (name, provider) in enumerate(sorted(providers.items())):
        if not isinstance(provider, BedrockProvider) or not written[name] | read[name]:
            continue
        if (provider.region or region) is None:
            raise NoRegionError(name)
        place = Place(partition, provider.region or region or "", account)
        role = provider.assume_role or ""
        if role:
            place = Place(partition, place.region, role.split(":")[4])
            made[""].append(Statement(f"Assume{number}", ("sts:AssumeRole",), (role,)))
        made[role] += _of_provider(f"Bedrock{number}", provider, place, written[name], read[name])
    return {role: tuple(each) for role, each in made.items()}


def _named(releases: Iterable[Release]) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Return by provider the models that write answers, and those that embed or rank."""
    written: dict[str, set[str]] = defaultdict(set)
    read: dict[str, set[str]] = defaultdict(set)
    for release in releases:
        for named in (*release.generator.chain, *release.stronger.chain):
            provider, _, model = named.partition(":")
            if model:
                written[provider].add(model)
        for reader in (release.embedder, release.reranker):
            if reader is not None:
                provider, _, model = reader.model.partition(":")
                read[provider].add(model)
    return written, read


def _of_provider(
    sid: str, provider: BedrockProvider, place: Place, written: set[str], read: set[str]
) -> Iterator[Statement]:
    guarded: dict[str, dict[str, str]] = {}
    if provider.guardrail_id is not None:
        guardrail = provider.guardrail_id
        if not guardrail.startswith("arn:"):
            guardrail = place.arn(f"guardrail/{guardrail}")
        yield Statement(f"{sid}Guardrail", ("bedrock:ApplyGuardrail",), (guardrail,))
        version = provider.guardrail_version
        numbered = guardrail if version == "DRAFT" else f"{guardrail}:{version}"
        # without it the model would answer unguarded whoever leaves it out of a request
        guarded = {"StringEquals": {"bedrock:GuardrailIdentifier": numbered}}
    yield from _of_models(f"{sid}Answer", place, written, _INVOKE, guarded)
    # embedding and ranking call InvokeModel without a guardrail: they return no text
    yield from _of_models(f"{sid}Read", place, read, _INVOKE[:1], {})


def _of_models(
    sid: str,
    place: Place,
    models: set[str],
    actions: tuple[str, ...],
    condition: Mapping[str, Mapping[str, str]],
) -> Iterator[Statement]:
    direct = [_arn(model, place) for model in sorted(models)]
    if direct:
        yield Statement(sid, actions, tuple(direct), condition)
    # a profile calls the model in the regions that it spreads over, in the caller's name
    for number, model in enumerate(sorted(models)):
        if (behind := _behind(model)) is not None:
            through = {"ArnEquals": {"bedrock:InferenceProfileArn": _arn(model, place)}}
            arn = f"arn:{place.partition}:bedrock:*::foundation-model/{behind}"
            yield Statement(f"{sid}Through{number}", actions, (arn,), {**condition, **through})


def _arn(model: str, place: Place) -> str:
    if model.startswith("arn:"):
        return model
    if _PROFILE.match(model):
        return place.arn(f"inference-profile/{model}")
    return f"arn:{place.partition}:bedrock:{place.region}::foundation-model/{model}"


def _behind(model: str) -> str | None:
    """Return the foundation model behind a profile, `*` if its name does not say; else None."""
    if "application-inference-profile/" in model:
        return "*"
    found = _PROFILE.match(model.rpartition("inference-profile/")[2])
    return None if found is None else found["model"]

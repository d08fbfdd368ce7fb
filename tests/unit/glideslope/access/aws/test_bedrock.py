"""The models that releases name, and no others."""

from typing import Any

import pytest

from glideslope.access.aws.bedrock import NoRegionError, statements
from glideslope.access.aws.policy import document
from services.inference.providers import BedrockProvider, OpenAIProvider, ProviderSettings
from shared.release import BUILT_IN, Release
from shared.retrieval import EmbedderParameters, RerankerParameters
from tests.iam import Request, allowed

SONNET = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"
NOVA = "amazon.nova-pro-v1:0"
TITAN = "amazon.titan-embed-text-v2:0"
RERANK = "cohere.rerank-v3-5:0"
APPLICATION = "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/x1"
HERE = "arn:aws:bedrock:eu-central-1"
PROFILE = f"{HERE}:123456789012:inference-profile/{SONNET}"
GUARDRAIL = f"{HERE}:123456789012:guardrail/gr1"


def release(model: str, *fallbacks: str, **changes: Any) -> Release:
    generator = BUILT_IN.generator.model_copy(
        update={"model": model, "fallbacks": fallbacks or None}
    )
    return BUILT_IN.model_copy(update={"generator": generator, **changes})


def made(
    *releases: Release, account: str = "123456789012", **providers: ProviderSettings
) -> dict[str, Any]:
    found = statements(releases, providers, partition="aws", region="eu-central-1", account=account)
    return {role: document(each) for role, each in found.items()}


def bedrock(**told: Any) -> BedrockProvider:
    return BedrockProvider(kind="bedrock", **told)


def test_a_model_that_a_release_names_can_be_called_and_no_other() -> None:
    policy = made(release(f"aws:{NOVA}"), aws=bedrock())[""]
    for action in ("bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"):
        assert allowed(Request(action, f"{HERE}::foundation-model/{NOVA}"), policy)
        for other in (
            f"{HERE}::foundation-model/amazon.nova-lite-v1:0",
            f"{HERE}::foundation-model/{NOVA}2",
            f"arn:aws:bedrock:us-east-1::foundation-model/{NOVA}",
        ):
            assert not allowed(Request(action, other), policy)
    for action in ("bedrock:CreateModelInvocationJob", "bedrock:GetFoundationModel"):
        assert not allowed(Request(action, f"{HERE}::foundation-model/{NOVA}"), policy)


def test_fallbacks_the_second_try_and_every_release_are_among_them() -> None:
    stronger = BUILT_IN.stronger.model_copy(update={"model": f"aws:{NOVA}"})
    policy = made(
        release("extractive", "aws:meta.llama-1", "review", stronger=stronger),
        release("aws:mistral.large-1"),
        aws=bedrock(),
    )[""]
    [statement] = policy["Statement"]
    assert [each.rpartition("/")[2] for each in statement["Resource"]] == [
        NOVA,
        "meta.llama-1",
        "mistral.large-1",
    ]


def test_a_profiles_model_is_called_through_the_profile_alone() -> None:
    policy = made(release(f"aws:{SONNET}"), aws=bedrock())[""]
    model = "arn:aws:bedrock:eu-north-1::foundation-model/anthropic.claude-sonnet-4-5-20250929-v1:0"
    call = "bedrock:InvokeModel"
    assert allowed(Request(call, PROFILE), policy)
    assert allowed(Request(call, model, {"bedrock:InferenceProfileArn": PROFILE}), policy)
    assert not allowed(Request(call, model), policy)
    assert not allowed(Request(call, model, {"bedrock:InferenceProfileArn": f"{PROFILE}2"}), policy)


def test_a_profile_of_ones_own_reaches_its_model_whatever_that_is_through_it_alone() -> None:
    policy = made(release(f"aws:{APPLICATION}"), aws=bedrock())[""]
    model = "arn:aws:bedrock:eu-west-1::foundation-model/any"
    assert allowed(Request("bedrock:InvokeModel", APPLICATION), policy)
    through = {"bedrock:InferenceProfileArn": APPLICATION}
    assert allowed(Request("bedrock:InvokeModel", model, through), policy)
    assert not allowed(Request("bedrock:InvokeModel", model), policy)


def test_with_a_guardrail_nothing_is_answered_without_it() -> None:
    policy = made(release(f"aws:{NOVA}"), aws=bedrock(guardrail_id="gr1", guardrail_version="3"))[
        ""
    ]
    model = f"{HERE}::foundation-model/{NOVA}"
    guarded = {"bedrock:GuardrailIdentifier": f"{GUARDRAIL}:3"}
    assert allowed(Request("bedrock:ApplyGuardrail", GUARDRAIL), policy)
    assert allowed(Request("bedrock:InvokeModel", model, guarded), policy)
    for context in ({}, {"bedrock:GuardrailIdentifier": f"{GUARDRAIL}:2"}):
        assert not allowed(Request("bedrock:InvokeModel", model, context), policy)
    assert not allowed(Request("bedrock:ApplyGuardrail", f"{GUARDRAIL}2"), policy)


def test_embedding_and_ranking_need_no_guardrail_and_stream_nothing() -> None:
    reading = release(
        "extractive",
        embedder=EmbedderParameters(model=f"aws:{TITAN}", dimensions=1024),
        reranker=RerankerParameters(model=f"aws:{RERANK}", candidates=50),
    )
    policy = made(reading, aws=bedrock(guardrail_id="gr1", guardrail_version="DRAFT"))[""]
    for model in (TITAN, RERANK):
        arn = f"{HERE}::foundation-model/{model}"
        assert allowed(Request("bedrock:InvokeModel", arn), policy)
        assert not allowed(Request("bedrock:InvokeModelWithResponseStream", arn), policy)


def test_a_role_that_is_assumed_has_the_rights_and_inference_the_way_to_it() -> None:
    role = "arn:aws:iam::210987654321:role/answers"
    policies = made(release(f"aws:{SONNET}"), aws=bedrock(assume_role=role))
    assert set(policies) == {"", role}
    theirs = PROFILE.replace("123456789012", "210987654321")
    assert allowed(Request("sts:AssumeRole", role), policies[""])
    assert not allowed(Request("sts:AssumeRole", f"{role}2"), policies[""])
    assert not allowed(Request("bedrock:InvokeModel", theirs), policies[""])
    assert allowed(Request("bedrock:InvokeModel", theirs), policies[role])


def test_each_provider_has_its_region() -> None:
    policy = made(
        release(f"aws:{NOVA}", f"ireland:{NOVA}"),
        aws=bedrock(),
        ireland=bedrock(region="eu-west-1"),
    )[""]
    assert sorted(arn for each in policy["Statement"] for arn in each["Resource"]) == [
        f"{HERE}::foundation-model/{NOVA}",
        f"arn:aws:bedrock:eu-west-1::foundation-model/{NOVA}",
    ]


def test_who_calls_no_model_of_bedrock_gets_nothing() -> None:
    gateway = OpenAIProvider(kind="openai", base_url="https://models.example/v1")
    assert made(BUILT_IN, aws=bedrock()) == {}
    assert made(release("gateway:large"), gateway=gateway, aws=bedrock()) == {}


def test_a_region_that_nobody_names_is_asked_for() -> None:
    with pytest.raises(NoRegionError, match="aws"):
        statements(
            [release(f"aws:{NOVA}")],
            {"aws": bedrock()},
            partition="aws",
            region=None,
            account="123456789012",
        )

import json

import pytest
from pydantic import ValidationError

from shared.release import BUILT_IN, GeneratorParameters, Release, UnknownReleaseError


def test_the_built_in_release_keeps_its_name() -> None:
    # Literal on purpose: change the manifest and every request is pinned to another release.
    name = "94ffe477258ba0d3009cfc870f6171f41d8f8ef087fc71967e4f9053d11af755"
    assert BUILT_IN.content_hash() == name


def test_a_name_does_not_depend_on_the_order_of_the_manifest() -> None:
    manifest = BUILT_IN.model_dump(mode="json")
    turned = json.dumps(dict(reversed(manifest.items())), indent=4)
    assert Release.model_validate_json(turned).content_hash() == BUILT_IN.content_hash()


@pytest.mark.parametrize("field", sorted(set(Release.model_fields) - {"embedding"}))
def test_a_change_of_any_field_is_another_release(field: str) -> None:
    manifest = BUILT_IN.model_dump(mode="json")
    manifest[field] = {
        "generator": {**manifest["generator"], "passages": 7},
        "stronger": {**manifest["stronger"], "sentences": 9},
        "checks": list(reversed(manifest["checks"])),
        "thresholds": {**manifest["thresholds"], "refuse": 0.3},
        "answer_max_characters": 4_001,
        "budget": {"calls": 100},
        "calibration": {"refused": "too few"},
        "shadow_checks": ["groundedness"],
        "policy": {"max_words": 200},
        "judge": {"model": "gateway:large"},
        "embedder": {"model": "gateway:bge-m3", "dimensions": 1024},
        "reranker": {"model": "gateway:reranker", "candidates": 50},
        "review": {"four_eyes": True},
    }.get(field, "another")
    assert Release.model_validate(manifest).content_hash() != BUILT_IN.content_hash()


def test_a_manifest_with_a_field_that_nobody_reads_is_refused() -> None:
    with pytest.raises(ValidationError):
        Release.model_validate({**BUILT_IN.model_dump(), "temperature": 0.2})


def test_a_chain_names_each_model_once_in_its_order() -> None:
    parameters = GeneratorParameters(
        model="eu:m", passages=6, sentences=3, fallbacks=("us:m", "eu:m", "extractive", "review")
    )

    assert parameters.chain == ("eu:m", "us:m", "extractive", "review")
    assert BUILT_IN.generator.chain == ("extractive",)


@pytest.mark.parametrize("model", ["", "review", "gpt-4o", "EU:m", ":m", "eu:"])
def test_what_names_no_model_of_a_provider_is_refused(model: str) -> None:
    with pytest.raises(ValidationError):
        GeneratorParameters(model=model, passages=6, sentences=3)


def test_an_unknown_release_says_what_to_do() -> None:
    assert "register it" in str(UnknownReleaseError("abc"))

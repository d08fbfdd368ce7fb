"""A release that answers with the emulator, and what a stack needs to know to use it."""

import json
from typing import Final

from shared.release import BUILT_IN, EXTRACTIVE, REVIEW, GeneratorParameters

_PROVIDER: Final = "emulator"

EMULATED: Final = BUILT_IN.model_copy(
    update={
        "name": "emulated",
        "prompt": "grounded-1",
        "generator": GeneratorParameters(
            model=f"{_PROVIDER}:large-1",
            passages=6,
            sentences=3,
            fallbacks=(f"{_PROVIDER}:small-1", EXTRACTIVE, REVIEW),
            max_output_tokens=800,
            temperature=0,
        ),
        "stronger": GeneratorParameters(
            model=f"{_PROVIDER}:strong-1",
            passages=12,
            sentences=2,
            fallbacks=(EXTRACTIVE,),
            max_output_tokens=800,
            temperature=0,
        ),
    }
)
"""The built-in release, but that two models of the emulator are asked before it is quoted."""


def environment(url: str) -> dict[str, str]:
    """Return the settings of services that answer with the emulator at `url`."""
    provider = {"kind": "openai", "base_url": f"{url}/v1", "system": _PROVIDER}
    prices = {_PROVIDER: {"input": 0, "output": 0}}
    return {
        "GLIDESLOPE_PROVIDERS": json.dumps({_PROVIDER: provider}),
        "GLIDESLOPE_PRICES": json.dumps(prices),
        "GLIDESLOPE_RELEASE": EMULATED.content_hash(),
    }

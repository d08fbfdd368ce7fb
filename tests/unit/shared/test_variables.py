import re
from pathlib import Path

import pytest

from shared import variables

ROOT = Path(__file__).parents[3]


def test_a_misspelt_variable_is_told_with_the_one_that_is_meant() -> None:
    assert variables.unknown({"GLIDESLOPE_PARTITONS", "GLIDESLOPE_REVEIW_SIGN_IN", "PATH"}) == {
        "GLIDESLOPE_PARTITONS": "GLIDESLOPE_PARTITIONS",
        "GLIDESLOPE_REVEIW_SIGN_IN": "GLIDESLOPE_REVIEW_SIGN_IN",
    }
    assert variables.unknown({"GLIDESLOPE_XYZZY"}) == {"GLIDESLOPE_XYZZY": None}


def test_a_variable_that_only_the_tests_read_is_known_and_case_does_not_matter() -> None:
    assert not variables.unknown({"GLIDESLOPE_CHAOS", "glideslope_home", "DEMO_KEEP"})


def test_a_variable_that_is_like_no_other_is_to_be_unset() -> None:
    (line,) = variables.warnings({"GLIDESLOPE_XYZZY", "GLIDESLOPE_HOME"})
    assert line.startswith("GLIDESLOPE_XYZZY is no setting and changes nothing: unset it.")


@pytest.mark.parametrize("page", ["README.md", "Makefile", "docker-compose.yml", "docs/*.md"])
def test_every_variable_that_the_documents_name_is_known(page: str) -> None:
    texts = [path.read_text(encoding="utf-8") for path in ROOT.glob(page)]
    named = {
        name for text in texts for name in re.findall(r"\bGLIDESLOPE_[A-Z0-9_]*[A-Z0-9]\b", text)
    }
    assert named
    assert not variables.unknown(named)

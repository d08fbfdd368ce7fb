"""Every link from one page of the project to another leads to something that is there."""

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
CODE = re.compile(r"^ *```\w*\n.*?^ *```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\((?![a-z]+:)([^)\s#]*)(?:#([^)\s]*))?\)")
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (*ROOT.glob("*.md"), *ROOT.glob("[!.]*/**/*.md"))
    if ".venv" not in path.parts
)


@cache
def anchors(page: Path) -> set[str]:
    """Return what a link may name of a page: its headings, as GitHub makes anchors of them."""
    headings = re.findall(r"^#+ +(.+)$", CODE.sub("", page.read_text("utf-8")), re.MULTILINE)
    texts = (re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", each).strip().lower() for each in headings)
    return {re.sub(r"[^\w\- ]", "", each).replace(" ", "-") for each in texts}


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    here = ROOT / page
    for path, anchor in LINK.findall(CODE.sub("", here.read_text("utf-8"))):
        there = here.parent / path if path else here
        assert there.exists(), f"{page}: {path} is not there"
        if anchor and there.suffix == ".md":
            assert anchor in anchors(there), f"{page}: {path} has no heading #{anchor}"

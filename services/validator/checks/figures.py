"""Every figure of the answer stands in a passage that the answer cites."""

from typing import Final

from services.validator.case import Case, could_not_check, failed, passed
from services.validator.figures import Figure, FigureText, read_figures
from shared.events import Verdict

NAME: Final = "figures"


def check(case: Case) -> Verdict:
    """Fail an answer with a number, date, unit or currency that no cited passage has.

    What is the same is the same exactly: 3.2 billion is 3,200 million but not 3,187 million.
    A figure that cannot be read stands only literally; where it does not, nobody can say.
    """
    figures = read_figures(case.answer.text).figures
    if not figures:
        return passed(NAME, "the answer has no figures")
    sources = [read_figures(f"{passage.title}\n{passage.text}") for passage in case.cited]
    missing = [figure for figure in figures if not any(s.holds(figure) for s in sources)]
    score = 1 - len(missing) / len(figures)
    wrong = [figure for figure in missing if figure.readings or figure.name]
    if wrong:
        return failed(NAME, "; ".join(_missing(figure, sources) for figure in wrong), score)
    if missing:
        unread = ", ".join(f"'{figure.text}'" for figure in missing)
        return could_not_check(NAME, f"cannot be read as a number or date: {unread}")
    return passed(NAME, f"all figures stand in cited passages ({len(figures)})", score)


def _missing(figure: Figure, sources: list[FigureText]) -> str:
    reason = f"'{figure.text}' stands in no cited passage"
    near = next((near for source in sources if (near := source.nearest(figure))), None)
    return f"{reason} (there it is '{near}')" if near else reason

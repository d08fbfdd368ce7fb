"""No personal data leaves that the asker did not bring or was not allowed to read."""

from typing import Final

from services.validator.case import Case, failed, passed
from services.validator.personal_data import PersonalData, find
from shared.events import Verdict

NAME: Final = "personal_data"
_KEPT: Final = 2


def check(case: Case) -> Verdict:
    """Fail an answer with personal data from neither the question nor a given passage.

    The same number written in another way is the same. The reason shows its kind and its last
    two characters only.
    """
    found = find(case.answer.text)
    if not found:
        return passed(NAME, "nothing looks like personal data")
    known = {
        (known.kind, known.identity)
        for text in (case.question, *(passage.text for passage in case.passages))
        for known in find(text)
    }
    leaked = [data for data in found if (data.kind, data.identity) not in known]
    if leaked:
        listed = ", ".join(dict.fromkeys(map(_masked, leaked)))
        return failed(NAME, f"neither asked about nor in a passage given: {listed}")
    return passed(NAME, f"personal data is only what was asked about or given ({len(found)})")


def _masked(data: PersonalData) -> str:
    return f"{data.kind} •••{data.identity[-_KEPT:]}"

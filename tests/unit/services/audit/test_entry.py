from hypothesis import given
from hypothesis import strategies as st

from services.audit.entry import RequestKey


@given(st.tuples(st.text(), st.text()), st.tuples(st.text(), st.text()))
def test_two_requests_have_one_digest_only_if_they_are_one(
    one: tuple[str, str], other: tuple[str, str]
) -> None:
    same = RequestKey(*one).digest() == RequestKey(*other).digest()

    assert same == (one == other)


def test_where_source_ends_and_id_begins_matters() -> None:
    assert RequestKey("/crm", "1").digest() != RequestKey("/crm1", "").digest()

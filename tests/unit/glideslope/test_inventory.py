from glideslope.dead_letters import Position
from glideslope.inventory import Cause, Group
from shared.cloudevents import UnreadableError
from shared.release import UnknownReleaseError
from tests.unit.glideslope.test_dead_letters import dead, read, record


def test_a_group_counts_and_points_at_one_that_can_be_redriven() -> None:
    letters = [read(dead(record(), offset=offset)) for offset in (1, 2, 3)]
    again = read(dead(record(headers=(("glideslope-redrives", b"1"),)), offset=4))
    assert len({Cause.of(letter) for letter in letters}) == 1
    group = Group(Cause.of(letters[0]), letters[0].at, letters[0].at, letters[0].position)

    group.add(letters[0], redriven=True)
    group.add(letters[1], redriven=False)
    group.add(letters[2], redriven=True)
    assert group.example == Position(1, 2)
    group.add(again, redriven=False)

    assert (group.letters, group.waiting, group.redriven, group.failed_again) == (4, 2, 2, 1)
    assert group.example == Position(1, 4)


def test_the_advice_fits_the_cause() -> None:
    def advice(error: Exception) -> str:
        return Cause.of(read(dead(record(), error))).advice

    assert "register the release" in advice(UnknownReleaseError("r"))
    assert "send it again" in advice(UnreadableError("bad_json", "m"))
    assert "log of ingest" in advice(RuntimeError("m"))

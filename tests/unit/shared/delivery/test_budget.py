from shared.delivery.budget import Budget


def test_a_partition_with_its_share_waits_once_the_limit_is_reached() -> None:
    budget = Budget(100)
    budget.join("large")
    budget.join("small")
    budget.add("large", 99)
    assert not budget.is_spent_for("large")
    budget.add("small", 10)
    assert budget.is_spent_for("large")


def test_a_partition_with_less_than_its_share_goes_on_while_others_hold_everything() -> None:
    budget = Budget(100)
    budget.join("waits for its retries")
    budget.join("goes on")
    budget.add("waits for its retries", 100)
    assert not budget.is_spent_for("goes on")
    budget.add("goes on", 50)
    assert budget.is_spent_for("goes on")


def test_what_a_partition_held_is_free_again_when_it_leaves() -> None:
    budget = Budget(100)
    budget.join("stays")
    budget.join("leaves")
    budget.add("stays", 60)
    budget.add("leaves", 60)
    budget.leave("leaves")
    budget.add("leaves", -60)  # a commit that ended meanwhile
    assert budget.held == 60
    assert not budget.is_spent_for("stays")

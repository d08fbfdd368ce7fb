import pytest

from services.inference.models.budgets import Account, Amount, Budgets, Payer, most_of
from services.inference.models.errors import DeniedError, OverBudgetError
from services.inference.models.model import Call, Prompt
from services.inference.models.pricing import NANO, Price, Prices
from shared.release import Budget
from tests.unit.services.inference.models.ledgers import MemoryLedger

ACCOUNT = Account.of_today("acme", "r")
CALL = Call("m", Prompt("s" * 400, "u" * 536), max_output_tokens=1000, seconds=1)
PRICES = Prices({"p:m": Price(input=1, output=1)})
MOST = 2000 * 1000  # nano-dollars: 936 bytes, 64 tokens of a template, 1000 to be written


@pytest.fixture
def ledger() -> MemoryLedger:
    return MemoryLedger()


def payer(budget: Budget | None) -> Payer:
    return Payer(ACCOUNT.tenant, ACCOUNT.release, budget)


async def spend(
    ledger: MemoryLedger, budget: Budget | None, used: Amount | None = None, share: float = 1.0
) -> None:
    budgets = Budgets(ledger, PRICES, share=share)
    async with budgets.spending(payer(budget), "p:m", "x", most_of(CALL)) as spending:
        spending.used = used


async def test_what_a_call_did_not_cost_is_given_back(ledger: MemoryLedger) -> None:
    await spend(ledger, Budget(usd=1), Amount(1, 5))

    assert await ledger.spent(ACCOUNT) == Amount(1, 5)


async def test_a_call_of_which_nothing_is_known_has_cost_the_most(ledger: MemoryLedger) -> None:
    await spend(ledger, Budget(usd=1))

    assert await ledger.spent(ACCOUNT) == Amount(1, MOST)


async def test_a_call_that_was_not_billed_costs_nothing(ledger: MemoryLedger) -> None:
    await spend(ledger, Budget(usd=1, calls=5), Amount())

    assert await ledger.spent(ACCOUNT) == Amount()


async def test_an_error_or_the_end_of_the_process_leaves_the_most_spent(
    ledger: MemoryLedger,
) -> None:
    budgets = Budgets(ledger, PRICES)
    with pytest.raises(ZeroDivisionError):
        async with budgets.spending(payer(Budget(usd=1)), "p:m", "x", most_of(CALL)):
            raise ZeroDivisionError

    assert await ledger.spent(ACCOUNT) == Amount(1, MOST)


async def test_what_does_not_fit_is_refused_with_what_to_know(ledger: MemoryLedger) -> None:
    with pytest.raises(OverBudgetError, match=r"0\.001 USD.*midnight UTC"):
        await spend(ledger, Budget(usd=0.001))
    await spend(ledger, Budget(calls=1))
    with pytest.raises(OverBudgetError, match="1 calls"):
        await spend(ledger, Budget(calls=1))


async def test_a_share_of_the_budget_is_all_that_one_ledger_has(ledger: MemoryLedger) -> None:
    budget = Budget(usd=1.5 * MOST / NANO)
    with pytest.raises(OverBudgetError):
        await spend(ledger, budget, share=0.5)
    await spend(ledger, budget)


async def test_dollars_cannot_bound_what_has_no_price(ledger: MemoryLedger) -> None:
    budgets = Budgets(ledger, Prices({}))
    with pytest.raises(DeniedError, match="GLIDESLOPE_PRICES"):
        async with budgets.spending(payer(Budget(usd=1)), "p:m", "x", most_of(CALL)):
            pytest.fail("called")
    async with budgets.spending(payer(Budget(calls=1)), "p:m", "x", most_of(CALL)):
        pass


@pytest.mark.parametrize("budget", [None, Budget()])
async def test_without_a_bound_nothing_is_kept(ledger: MemoryLedger, budget: Budget | None) -> None:
    await spend(ledger, budget)

    assert await ledger.spent(ACCOUNT) == Amount()

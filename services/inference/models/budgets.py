"""What a tenant may spend: reserved before a call, settled after it.

A call reserves the most that it can cost. What it does cost is known afterwards, and the rest is
given back. A reservation that is never settled, because the process died in between, stays spent:
the provider may have done the work. So a budget can be used up early, and is never overdrawn.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final, Protocol

from services.inference.models.errors import DeniedError, OverBudgetError
from services.inference.models.model import Call, Tokens
from services.inference.models.pricing import NANO, Prices
from shared.release import Budget

_UNLIMITED: Final = 2**62  # fits the integers of SQLite and DynamoDB
_TEMPLATE_TOKENS: Final = 64  # what a chat template adds to a system and a user message


@dataclass(frozen=True, slots=True)
class Account:
    """Whose money it is: a tenant's, under a release (its content hash), of one day in UTC."""

    tenant: str
    release: str
    day: date

    @classmethod
    def of_today(cls, tenant: str, release: str) -> "Account":
        """Return the account of the day that it is now."""
        return cls(tenant, release, datetime.now(UTC).date())


@dataclass(frozen=True, slots=True)
class Payer:
    """Who pays for a call: a tenant, under a release (its content hash), if within a budget."""

    tenant: str
    release: str = ""
    budget: Budget | None = None


@dataclass(frozen=True, slots=True)
class Amount:
    """Calls, and nano-dollars."""

    calls: int = 0
    nano_usd: int = 0

    def __sub__(self, other: "Amount") -> "Amount":
        return Amount(self.calls - other.calls, self.nano_usd - other.nano_usd)


class Ledger(Protocol):
    """Keeps what accounts have spent: one for all processes that share a budget.

    Each method is atomic, and durable when it returns.
    """

    async def reserve(self, account: Account, amount: Amount, limit: Amount) -> bool:
        """Add to what is spent, unless that would exceed the limit in anything; say whether."""

    async def give_back(self, account: Account, amount: Amount) -> None:
        """Take from what is spent what was reserved and not needed."""

    async def spent(self, account: Account) -> Amount:
        """Return what is spent or reserved."""


@dataclass(slots=True)
class Spending:
    """A reservation. Unless `used` is set, all of it is spent."""

    reserved: Amount
    used: Amount | None = None


class Budgets:
    """Holds calls to the budgets of their releases.

    `share` is the part of each budget that this ledger has, where there are several (see ADR 15).
    """

    def __init__(self, ledger: Ledger, prices: Prices, *, share: float = 1.0) -> None:
        self._ledger = ledger
        self._prices = prices
        self._share = share

    @asynccontextmanager
    async def spending(
        self, payer: Payer, name: str, system: str, most: Tokens
    ) -> AsyncIterator[Spending]:
        """Reserve what a call of the model `name` may cost; settle when the context is left.

        `most` is as many tokens as it can take at all.

        Raises `OverBudgetError`, and `DeniedError` when nobody knows what the call would cost.
        """
        budget = payer.budget
        if budget is None or (budget.usd is None and budget.calls is None):
            yield Spending(Amount())
            return
        account = Account.of_today(payer.tenant, payer.release)
        spending = Spending(Amount(1, self._most(budget, name, system, most)))
        if not await self._ledger.reserve(account, spending.reserved, self._limit(budget)):
            raise OverBudgetError(
                f"the budget of tenant {account.tenant!r} for today ({_told(budget)}) does not "
                f"cover another call of {name}; a new day begins at midnight UTC"
            )
        try:
            yield spending
        finally:
            if spending.used is not None and spending.used != spending.reserved:
                await self._ledger.give_back(account, spending.reserved - spending.used)

    def _most(self, budget: Budget, name: str, system: str, most: Tokens) -> int:
        cost = self._prices.cost(name, system, most)
        if cost is None and budget.usd is not None:
            raise DeniedError(
                f"nobody knows what {name} costs, and the release has a budget in dollars: give "
                "its price in GLIDESLOPE_PRICES"
            )
        return cost or 0

    def _limit(self, budget: Budget) -> Amount:
        return Amount(
            _UNLIMITED if budget.calls is None else int(budget.calls * self._share),
            _UNLIMITED if budget.usd is None else int(budget.usd * self._share * NANO),
        )


def most_of(call: Call) -> Tokens:
    """Return as many tokens as a call can take."""
    read = most_tokens(call.prompt.system, call.prompt.user) + _TEMPLATE_TOKENS
    return Tokens(read, call.max_output_tokens)


def most_tokens(*texts: str) -> int:
    """Return more tokens than texts have: a token of a byte vocabulary is a byte or more."""
    return sum(len(text.encode()) for text in texts)


def _told(budget: Budget) -> str:
    limits = {"calls": budget.calls, "USD": budget.usd}
    return ", ".join(f"{limit:g} {unit}" for unit, limit in limits.items() if limit is not None)

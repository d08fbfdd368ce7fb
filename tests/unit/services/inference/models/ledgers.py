"""A ledger in memory, for tests of what stands on one."""

from collections import defaultdict

from services.inference.models.budgets import Account, Amount


class MemoryLedger:
    """Implements `services.inference.models.budgets.Ledger`, forgetfully."""

    def __init__(self) -> None:
        self._spent: dict[Account, Amount] = defaultdict(Amount)

    async def reserve(self, account: Account, amount: Amount, limit: Amount) -> bool:
        spent = self._spent[account]
        wanted = Amount(spent.calls + amount.calls, spent.nano_usd + amount.nano_usd)
        if wanted.calls > limit.calls or wanted.nano_usd > limit.nano_usd:
            return False
        self._spent[account] = wanted
        return True

    async def give_back(self, account: Account, amount: Amount) -> None:
        self._spent[account] -= amount

    async def spent(self, account: Account) -> Amount:
        return self._spent[account]

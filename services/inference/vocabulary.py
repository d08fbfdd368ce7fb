"""Words of finance that people ask with and documents write differently."""

from typing import Final

SYNONYMS: Final = (
    ("accounts payable", "trade payables"),
    ("accounts receivable", "trade receivables", "AR"),
    ("balance sheet", "statement of financial position"),
    ("capex", "capital expenditure", "purchases of property", "additions to property"),
    ("cash flow statement", "statement of cash flows"),
    ("cost of goods sold", "COGS", "cost of sales", "cost of revenue", "cost of products sold"),
    ("depreciation and amortization", "depreciation and amortisation", "D&A"),
    ("earnings per share", "EPS"),
    ("free cash flow", "FCF"),
    ("income statement", "P&L", "statement of income", "statement of operations"),
    ("net income", "net earnings", "net profit", "profit for the year"),
    ("operating income", "operating profit", "income from operations"),
    ("property plant and equipment", "property and equipment", "PP&E", "PPNE"),
    ("research and development", "R&D"),
    ("revenue", "net sales", "sales", "top line", "topline"),
    ("selling general and administrative", "SG&A"),
)
"""Groups of phrases that stand for each other. In a question one stands for all of its group."""

ASKING: Final = frozenset(
    """
    according address addressed adopting answer approach assuming base based basing calculate
    cause caused clearly compute decimal define defined detail describe display drive driven
    drove explain extract find give information judgments know let list long many mean much
    name outline outlined perspective place places please point primarily provide provided
    quantity question regard relying respond response round say show shown state stated tell
    understand unit units use using utilize utilizing within
    """.split()  # noqa: SIM905 - a wall of quotes would be harder to read
)
"""Words that direct the one who answers, and say nothing of what is asked about."""

GENERIC: Final = frozenset(
    """
    amount annual approximately billion business change company compare current data during
    each end euro expect financial firm fiscal fy group key main major million new number one
    quarter relevant thousand total two usd useful value vs versus year
    """.split()  # noqa: SIM905 - as above
)
"""Words that many passages have, whatever they are about; they count for less."""

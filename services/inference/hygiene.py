"""What is shown to a model is data: nothing in it may pass for the prompt's own structure.

Models mark who speaks with tokens of their own (`<|im_start|>`, `[INST]`), and the prompt marks
passages and question with tags; a document that holds such a mark could speak in another's name.
Marks are therefore taken out, and with them what a person would not see (zero-width and
bidirectional characters, Unicode tags). That a passage holds instructions in plain words is not
decided here: the prompt says that they count for nothing, and the checks look at the answer.

Sources: OWASP LLM01:2025 (prompt injection); Microsoft's spotlighting, arXiv 2403.14720; the chat
templates of the Llama, Mistral, Gemma, Qwen and Phi families.
"""

import re
import unicodedata
from typing import Final

_MARKS: Final = re.compile(
    r"""
    <\|[^|<>\n]{1,64}\|>                                   # <|im_start|>, <|eot_id|>, <|user|>
    | </?\s*(?:s|bos|eos|pad|unk|start_of_turn|end_of_turn)\s*>
    | <</?\s*SYS\s*>>
    | \[/?\s*(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\s*\]
    | </?\s*(?:passages?|question|rejected|system|instructions?)\b[^<>\n]*>
    """,
    re.VERBOSE | re.IGNORECASE,
)
_SPEAKER: Final = re.compile(r"^[ \t]*(?:Human|Assistant|System)[ \t]*:", re.MULTILINE)
"""A line that opens a turn, as older models have it; the colon is what makes it one."""
_KEPT: Final = frozenset("\n\t")


def clean(text: str) -> str:
    """Return the text without marks that a model could take for structure, and all visible."""
    text = "".join(c for c in text if c in _KEPT or not _is_invisible(c))
    while (cleaned := _MARKS.sub("", text)) != text:  # taking one out can leave another behind
        text = cleaned
    return _SPEAKER.sub(lambda found: found.group().replace(":", " -"), text)


def _is_invisible(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cf", "Co", "Cs"}

"""What an auditor remembers of logs from one check to the next, in a file of their own.

Whoever holds a log's signing key can make the whole log anew, signatures and all; against what
was remembered it shows. So keep the file where those who run the log cannot write.
"""

import base64
import binascii
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from services.audit.tlog.note import BadKeyError, VerifierKey


class BadMemoryError(ValueError):
    """The file is not one that was written here."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """A log when it was last checked: its size, root and keys, and how many checkpoints it kept."""

    size: int
    root: bytes
    checkpoints: int
    keys: tuple[VerifierKey, ...]


Memory = Mapping[str, Remembered]
"""By the origin of the log."""


def load(path: Path) -> dict[str, Remembered]:
    """Read the file; nothing is remembered where there is none. Raises `BadMemoryError`."""
    try:
        document = json.loads(path.read_bytes())
        return {
            origin: Remembered(
                size=int(said["size"]),
                root=base64.b64decode(said["root"], validate=True),
                checkpoints=int(said["checkpoints"]),
                keys=tuple(VerifierKey.parse(key) for key in said["keys"]),
            )
            for origin, said in document.items()
        }
    except FileNotFoundError:
        return {}
    except (
        AttributeError,
        BadKeyError,
        KeyError,
        TypeError,
        ValueError,
        binascii.Error,
    ) as error:
        raise BadMemoryError(
            f"{path} is no memory of checked logs ({error!r}): restore it from a copy. To begin "
            "anew, move it away; what changed since the last check then stays unseen"
        ) from error


def save(path: Path, memory: Memory) -> None:
    """Write the file, all or nothing."""
    document = {
        origin: {
            "size": each.size,
            "root": base64.b64encode(each.root).decode(),
            "checkpoints": each.checkpoints,
            "keys": [str(key) for key in each.keys],
        }
        for origin, each in sorted(memory.items())
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.new")
    with new.open("w", encoding="utf-8") as file:
        json.dump(document, file, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)

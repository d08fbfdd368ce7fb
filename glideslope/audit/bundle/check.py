"""Check this bundle: `python3 check.py [KEY]`. It needs Python and the files beside it."""

import base64
import hashlib
import pathlib
import sys

import ed25519

here = pathlib.Path(__file__).parent
key = sys.argv[1] if len(sys.argv) > 1 else (here / "key.txt").read_text().strip()
try:
    name, _, public = key.split("+", 2)
except ValueError:
    sys.exit(f"{key!r} is no verifier key: name+id+key of the log, as in key.txt, is one")
for folder in sorted(here.glob("entries/*"), key=lambda each: int(each.name)):
    head, note, signatures = (folder / "proof.tlog-proof").read_text("utf-8").split("\n\n")
    origin, size, root = note.split("\n")[:3]
    signed = dict(line.split(" ")[1:] for line in reversed(signatures.strip().split("\n")))
    signature = base64.b64decode(signed[name])[4:]
    if not ed25519.verifies(base64.b64decode(public)[1:], (note + "\n").encode(), signature):
        sys.exit(f"{folder}: the log's key did not sign this checkpoint")
    index, last = int(head.split("\n")[1].removeprefix("index ")), int(size) - 1
    node = hashlib.sha256(b"\0" + (folder / "leaf.json").read_bytes()).digest()
    for sibling in map(base64.b64decode, head.split("\n")[2:]):  # RFC 9162, section 2.1.3.2
        left = index % 2 or index == last
        node = hashlib.sha256(b"\1" + (sibling + node if left else node + sibling)).digest()
        while left and index and index % 2 == 0:
            index, last = index >> 1, last >> 1
        index, last = index >> 1, last >> 1
    if last or node != base64.b64decode(root):
        sys.exit(f"{folder}: the entry is not in the tree that the log signed")
    print(f"entry {folder.name} is in log {origin}, which had {size} entries when it was signed")

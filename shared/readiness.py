"""Tells whoever started this process how it stands: systemd, or `glideslope up`.

The protocol is sd_notify(3): newline-separated `NAME=value` assignments in one datagram to the
Unix socket that the environment variable `NOTIFY_SOCKET` names. Nobody listens where it is unset.
"""

import os
import socket


def notify(*assignments: str) -> bool:
    """Send the assignments, such as `READY=1`, `STATUS=…` or `STOPPING=1`; True when sent.

    A listener that is gone or slow never stops a service: the message is dropped then. An
    address that starts with `@` is in Linux's abstract namespace, as sd_notify(3) has it.
    """
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        client.settimeout(0)
        try:
            client.connect(address)
            client.send("\n".join(assignments).encode())
        except OSError:
            return False
    return True

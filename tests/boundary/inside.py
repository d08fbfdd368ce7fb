"""Run a command in a network namespace that leads nowhere, and count what it sends there.

Loopback is up, and so is a default route, into a device whose other end drops everything: like
behind a firewall, a connection to the outside is not refused, it is never answered. Whatever tries
to leave, a DNS query too, is counted by the device. Prints one JSON object. It must be started in
a namespace of its own, as root there: `unshare --net`.
"""

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Final

OUTSIDE: Final = ("198.51.100.1", 443)  # RFC 5737: nobody has this address
DEVICE: Final = "outside"
SET_UP: Final = (
    "link set lo up",
    f"link add {DEVICE} type veth peer name nowhere",
    f"addr add 192.0.2.2/24 dev {DEVICE}",
    f"link set {DEVICE} arp off up",
    "link set nowhere up",
    f"route add default via 192.0.2.1 dev {DEVICE}",
)


def main(command: list[str]) -> int:
    """Set up the network, run the command, tell what came of it."""
    devices = Path("/proc/net/dev").read_text(encoding="utf-8")
    if DEVICE in devices or len(devices.splitlines()) != 3:
        raise SystemExit("this is no network namespace of its own: start it with unshare --net")
    # what IPv6 says by itself, to find its neighbours, is nothing that the command has sent
    chatter = Path("/proc/sys/net/ipv6/conf/default/disable_ipv6")
    if chatter.exists():
        chatter.write_text("1", encoding="utf-8")
    for arguments in SET_UP:
        subprocess.run(["ip", *arguments.split()], check=True)
    before = sent()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    during = sent() - before
    reached = reaches(OUTSIDE)
    print(
        json.dumps(
            {
                "exit_code": done.returncode,
                "output": done.stdout + done.stderr,
                "packets_to_the_outside": during,
                "outside_reached": reached,
                "packets_of_the_control": sent() - before - during,
            }
        )
    )
    return 0


def sent() -> int:
    """Return how many packets have left for the outside."""
    lines = Path("/proc/net/dev").read_text(encoding="utf-8").splitlines()
    (ours,) = [line for line in lines if line.strip().startswith(f"{DEVICE}:")]
    return int(ours.split(":")[1].split()[9])


def reaches(address: tuple[str, int]) -> bool:
    """Say whether anybody answers there within a second."""
    try:
        socket.create_connection(address, timeout=1).close()
    except OSError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

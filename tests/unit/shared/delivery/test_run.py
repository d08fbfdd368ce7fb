"""A service as a process."""

import subprocess
import sys

PROGRAM = """
import resource
from shared.delivery.run import allow_open_files
_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (64, min(most, 4096)))
allow_open_files()
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""


def test_a_service_may_open_as_many_files_as_its_machine_lets_it() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )

    soft, hard = done.stdout.split()
    assert soft == hard != "64"

"""What unit tests share: an AWS that is a server on this machine, and logs as they were."""

import logging
from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(scope="session")
def aws() -> Iterator[str]:
    """Give the address of moto's server, for every service of AWS."""
    from moto.server import ThreadedMotoServer  # noqa: PLC0415 - to load, where it is wanted

    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ACCESS_KEY_ID", "test")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "test")
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        logging.getLogger("werkzeug").setLevel(logging.WARNING)
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
        server.stop()


@pytest.fixture
def logs_as_before() -> Iterator[None]:
    """Undo what `shared.logs.configure` does."""
    handlers, level = logging.getLogger().handlers[:], logging.getLogger().level
    yield
    logging.getLogger().handlers[:] = handlers
    logging.getLogger().setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()

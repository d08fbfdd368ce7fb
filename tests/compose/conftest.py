"""What needs a Docker engine: the images, and all of docker-compose.yml."""

from collections.abc import Iterator

import pytest

from tests.compose import stack as compose
from tests.compose.engine import Engine, NoEngineError, an_engine
from tests.compose.stack import Stack


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    try:
        with an_engine(compose.cache()) as found:
            yield found
    except NoEngineError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def built(engine: Engine) -> Stack:
    """Every image, and the stack that nobody has started."""
    try:
        return compose.built(engine)
    except NoEngineError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def stack(built: Stack) -> Iterator[Stack]:
    """All of it, healthy."""
    with compose.up(built):
        yield built

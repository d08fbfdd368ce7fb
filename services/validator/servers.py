"""What an operator says of the servers of models that judge answers: GLIDESLOPE_JUDGES."""

from typing import Annotated

from pydantic import Field

from shared.chat import ChatServer


class JudgeServer(ChatServer):
    """A server of models that judge."""

    seconds: Annotated[float, Field(gt=0)] = 20.0
    """Time that one call may take; then the judge is unavailable to that answer."""
    concurrency: Annotated[int, Field(ge=1, le=1_000)] = 32
    """Calls under way at once, at the most."""

"""`glideslope release watch`."""


def command() -> None:
    """Watch."""

"""`glideslope release compare`."""


def command() -> None:
    """Compare."""

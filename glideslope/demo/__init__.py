"""`glideslope demo`: sample questions on their way through the whole pipeline, each to its end."""

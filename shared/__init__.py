"""What the services agree on: topics, events, releases, and the engine that delivers them."""

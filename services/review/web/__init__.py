"""The reviewers' pages: signing in, sessions, the queue, an item, and what guards them."""

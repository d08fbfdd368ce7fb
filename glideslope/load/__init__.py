"""Load from outside: requests at a rate that does not wait for answers, and what became of each."""

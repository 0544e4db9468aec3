"""Attacks that ask a model and learn, from samples of both sides, what its answers say."""

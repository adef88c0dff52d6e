"""Followthrough: the TODOs of a post-mortem, turned into landed and verified changes."""

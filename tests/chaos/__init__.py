"""Faults driven from outside: the service is killed at any moment, and what became of the work is counted."""

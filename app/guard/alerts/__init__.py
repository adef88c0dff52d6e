"""Alerts as data: which rules an edit adds, what their expressions say, and the guard's rules over them."""

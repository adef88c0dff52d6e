"""Monitors: the inventory in the repository, what an edit of it may do, and what it asks of Uptime Kuma."""

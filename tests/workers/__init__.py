"""Several workers on one real PostgreSQL: takeover, fencing, upgrades; what the engine's private method has to keep."""

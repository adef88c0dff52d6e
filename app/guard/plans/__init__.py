"""What a plan may do: the rules over its JSON, what they read with, and how people see it."""

"""What an edit may change: the rules over paths, terraform code, templates and YAML, and what they read with."""

"""`python -m app.cli`: the same as `followthrough`."""

from app.cli import main

main()

"""`python -m ankleboot.cli` is `ankleboot`."""

from ankleboot.cli import main

main()

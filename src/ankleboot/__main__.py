"""`python -m ankleboot` is `ankleboot`."""

from ankleboot.cli import main

main()

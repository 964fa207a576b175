"""`python -m ankleboot` is `ankleboot`."""

from ankleboot.cli.main import main

main()

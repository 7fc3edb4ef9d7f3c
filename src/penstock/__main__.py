"""``python -m penstock`` is the program ``penstock``."""

from penstock.cli.main import main

if __name__ == "__main__":
    main()

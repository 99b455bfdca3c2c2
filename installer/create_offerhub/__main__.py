"""`python -m create_offerhub`."""

from create_offerhub.cli import main

if __name__ == "__main__":
    main()

"""`python -m offerhub.cli`, which is how a deployment's own `bin/offerhub` starts."""

from offerhub.cli.group import main

if __name__ == "__main__":
    main()

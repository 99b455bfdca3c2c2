"""`offerhub demo`: a deployment is made and started, and real orders run through it."""

from offerhub.cli.demo.command import demo

__all__ = ["demo"]

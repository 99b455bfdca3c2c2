"""The control side of the sandbox, under `/_control`: everything a script or an operator may force.

No authentication, loopback only. Nothing in the product calls it. The routes are listed in
docs/sandbox.md.
"""

"""create-offerhub: makes a deployment folder. It imports neither the server nor the TUI."""

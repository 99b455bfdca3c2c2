"""Windows above the screens. They answer with a value or with None; the shell acts on it."""

"""The screens. Each is listed in `registry`, and only there."""

"""Routes: one file per noun, thin. `all_routes` is the list that `app` registers."""

"""Networks of G3DR."""

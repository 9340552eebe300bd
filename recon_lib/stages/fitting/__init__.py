"""Fitting: optimisation of a field to posed views."""

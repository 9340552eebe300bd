"""Systems: each published method as a composition of stages."""

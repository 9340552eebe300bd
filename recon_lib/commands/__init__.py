"""Command line: one module per command, each with `add_arguments(parser)` and `run(args) -> int`. Heavy imports inside
`run`.
"""

"""How fast modelmill is beside what else one would run: `python -m benchmarks`, `make bench`.

In: the command `modelmill` of this environment, repositories made by `fleet`. Out: a table of
ratios, each measured in one run, and RESULTS.md with the machine they were measured on. Nothing of
the compiler is imported but where it keeps what it knows: a figure is what a user waits for.
"""

"""What the house costs, measured on real processes, HTTP, git and databases (docs/performance.md).

Absolute times depend on the machine and on what else it does, so bounds are on ratios of pairs
measured in turn inside one run wherever there is something to compare with.
"""

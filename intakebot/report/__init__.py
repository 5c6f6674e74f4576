"""The contributor report: collect, figures, render. Comes with its own issue."""

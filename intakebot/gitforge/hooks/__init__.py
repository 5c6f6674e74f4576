"""What git calls during a push. Standard library alone: started with `python -I -S`."""

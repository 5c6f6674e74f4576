"""What refuses a push, also elsewhere. Standard library alone: started with `python -I -S`."""

"""The front door for code written by people you do not employ."""

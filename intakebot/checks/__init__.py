"""Checks of untrusted code: the sandbox, the runner and one report format a file."""

"""A small forge for plain Git: docs/git-forge.md is its contract.

Hooks import from here with the standard library alone, so this file imports nothing.
"""

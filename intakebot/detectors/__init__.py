"""One built-in detector a file. The first ones come with the checks; their place is here."""

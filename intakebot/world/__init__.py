"""People with real git, a real house, and a story: what the demo shows and the tests live in."""

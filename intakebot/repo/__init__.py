"""Git: mirrors, changes, merge results, landing. The one place that runs git."""
